"""A person at their phone, scripted: says, sends, taps, and waits for what the bot answers.

Knows the chat only as Telegram shows it. Prints the conversation as text.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import TextIO, TypeVar

from sandbox.telegram import Event, Telegram
from sandbox.telegram.wire import Json

Found = TypeVar("Found")
PATIENCE = 60.0  # seconds of silence


class TourFailed(Exception):
    """The bot did not answer as the tour expects."""


class Visitor:
    """`patience`: seconds of silence after which they give up."""

    def __init__(
        self, telegram: Telegram, user_id: int, out: TextIO, *, patience: float = PATIENCE
    ) -> None:
        self._telegram = telegram
        self._user_id = user_id
        self._out = out
        self._patience = patience
        self._events = telegram.subscribe()
        self._printed: dict[int, str] = {}
        self._received: set[int] = set()

    # ------------------------------------------------------------ acts

    def say(self, text: str) -> None:
        self._print("me ", text)
        self._telegram.say(self._user_id, text)

    def send_file(
        self, name: str, data: bytes, mime: str = "text/plain", *, caption: str = ""
    ) -> None:
        said = f" {caption}" if caption else ""
        self._print("me ", f"[file {name}, {len(data)} bytes]{said}")
        self._telegram.send_file(self._user_id, name, data, mime, caption=caption)

    async def tap(self, label: str, *, below: Json | None = None) -> None:
        """The newest button whose label contains this, or the one `below` a message; waits until
        there is one."""

        def find() -> tuple[int, str] | None:
            for message in reversed(self._telegram.history(self._user_id)):
                if below is not None and message["message_id"] != below["message_id"]:
                    continue
                for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                    for key in row:
                        if label in key["text"] and "callback_data" in key:
                            return message["message_id"], key["callback_data"]
            return None

        message_id, data = await self._until(find, f"a button {label!r}")
        self._print("tap", label)
        self._telegram.tap(self._user_id, message_id, data)

    # ------------------------------------------------------------ sees

    async def sees(self, pattern: str) -> Json:
        """Waits until a message of the bot matches; returns the newest that does."""

        def find() -> Json | None:
            for message in reversed(self._telegram.history(self._user_id)):
                text = message.get("text") or message.get("caption") or ""
                if message["from"]["is_bot"] and re.search(pattern, text):
                    return message
            return None

        message = await self._until(find, f"a message like {pattern!r}")
        self._show(message)
        return message

    async def sees_button(self, pattern: str) -> Json:
        """Waits for a button whose label matches; returns the newest message that has one."""

        def find() -> Json | None:
            for message in reversed(self._telegram.history(self._user_id)):
                if any(re.search(pattern, label) for label in labels(message)):
                    return message
            return None

        return await self._until(find, f"a button like {pattern!r}")

    async def receives(self, ending: str) -> bytes:
        """Waits for a document whose name ends so; returns its bytes. Each comes once."""

        def find() -> Json | None:
            for message in reversed(self._telegram.history(self._user_id)):
                name = message.get("document", {}).get("file_name", "")
                new = message["message_id"] not in self._received
                if message["from"]["is_bot"] and new and name.endswith(ending):
                    return message
            return None

        message = await self._until(find, f"a file *{ending}")
        self._received.add(message["message_id"])
        name, data = self._telegram.file_bytes(message["document"]["file_id"])
        self._print("bot", f"[file {name}, {len(data)} bytes]")
        return data

    def count(self, pattern: str) -> int:
        """The bot's messages that match now."""
        return sum(
            message["from"]["is_bot"] and bool(re.search(pattern, message.get("text", "")))
            for message in self._telegram.history(self._user_id)
        )

    async def _until(self, find: Callable[[], Found | None], what: str) -> Found:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._patience) as patience:
                while (found := find()) is None:
                    event = await self._next_event()
                    if event.chat_id == self._user_id and event.kind in ("message", "edit"):
                        self._show(event.payload)
                        patience.reschedule(loop.time() + self._patience)
        except TimeoutError:
            raise TourFailed(f"{self._patience:.0f} s of silence, in vain for {what}") from None
        return found

    async def _next_event(self) -> Event:
        return await self._events.get()

    # ------------------------------------------------------------ prints

    def _show(self, message: Json) -> None:
        if not message["from"]["is_bot"]:
            return
        keys = " ".join(f"[{label}]" for label in labels(message))
        said = message.get("text") or message.get("caption") or ""
        text = "\n".join(part for part in (said, keys) if part)
        if text and self._printed.get(message["message_id"]) != text:
            self._printed[message["message_id"]] = text
            self._print("bot", text)

    def _print(self, who: str, text: str) -> None:
        first, *rest = text.split("\n")
        lines = [f"{who} | {first}", *(f"    | {line}" for line in rest)]
        print("\n".join(lines), file=self._out, flush=True)


def labels(message: Json) -> list[str]:
    """The labels of the buttons under a message."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return [key["text"] for row in rows for key in row]
