"""A stand-in of Telegram's Bot API 10.0 for the sandbox and the tests, as strict as the real one.

`Telegram` holds the state and does what a person does in the app; `serve` and `TelegramServer` put
the Bot API on a loopback port, where the unmodified python-telegram-bot talks to it.
"""

from sandbox.telegram.events import Event
from sandbox.telegram.server import TelegramServer, serve
from sandbox.telegram.state import Call, Telegram

__all__ = ["Call", "Event", "Telegram", "TelegramServer", "serve"]
