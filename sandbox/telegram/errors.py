"""The refusals of the Bot API, in its own words. Every other module of this room raises them.

A text is "Bad Request: " + the message with its first letter in lower case, except for ALL_CAPS
codes of Telegram's inner protocol, which stay as they are (tdlib/telegram-bot-api 10.0).
"""

from __future__ import annotations

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same"
    " as a current content and reply markup of the message"
)
OLD_QUERY = "query is too old and response timeout expired or query ID is invalid"
SECOND_POLL = (
    "Conflict: terminated by other getUpdates request; make sure that only one bot instance is"
    " running"
)
WEBHOOK_IS_ACTIVE = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the"
    " webhook first"
)
WEBHOOK_WAS_SET = "Conflict: terminated by setWebhook request"
BLOCKED = "Forbidden: bot was blocked by the user"
NEVER_STARTED = "Forbidden: bot can't initiate conversation with a user"
KICKED = "Forbidden: bot was kicked from the supergroup chat"
TOO_LARGE = "Request Entity Too Large"


class ApiError(Exception):
    """An answer with `ok: false`. `code` is also the HTTP status."""

    def __init__(self, code: int, description: str, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after


def bad_request(message: str) -> ApiError:
    return ApiError(400, f"Bad Request: {message}")


def conflict(description: str) -> ApiError:
    return ApiError(409, description)


def too_many_requests(seconds: int) -> ApiError:
    return ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
