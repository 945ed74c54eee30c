"""Runs one Bot API call: faults, the method by its name, the log.

Called by server.py for a request of the bot, by webhook.py for a method in a webhook's answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.telegram import methods_bot, methods_media, methods_messages
from sandbox.telegram.arguments import Arguments
from sandbox.telegram.errors import ApiError
from sandbox.telegram.state import Call, Telegram

Method = Callable[[Telegram, Arguments], Awaitable[Any]]

METHODS: dict[str, Method] = {
    **methods_bot.METHODS,
    **methods_messages.METHODS,
    **methods_media.METHODS,
}
NOT_LOGGED = "getupdates"  # it would fill the log


async def call(telegram: Telegram, name: str, args: Arguments) -> Any:
    """The `result` of the answer, or None when a fault says that there is no answer at all.

    It may be a stored message itself: write it out before anything else happens. Raises ApiError.
    Method names ignore case.
    """
    key = name.lower()
    status, error = 500, None  # what stays if a method breaks
    try:
        if refusal := telegram.faults.take_refusal(key):
            raise refusal
        method = METHODS.get(key)
        if method is None:
            raise ApiError(404, "Not Found: method not found")
        result = await method(telegram, args)
        status = 200
        if telegram.faults.take_drop(key):
            status, result = 0, None
    except ApiError as problem:
        status, error = problem.code, problem.description
        raise
    finally:
        if key != NOT_LOGGED:
            telegram.calls.append(Call(name, args.loggable(), status, error, telegram.now()))
    return result
