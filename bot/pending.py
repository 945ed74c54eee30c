"""Messages that wait for another one to take their place: "it is on its way", a question.

Shared by the screens and the notices, both in the chat's process. After a restart such a message
stays: nothing but tidiness is lost.
"""

from __future__ import annotations

from collections import OrderedDict

MOST = 200


class Pending:
    """By whose chat they are in, and the number of the row that they tell of."""

    def __init__(self) -> None:
        self._messages: OrderedDict[tuple[int, int], int] = OrderedDict()

    def wait(self, user_id: int, row: int, message_id: int) -> None:
        self._messages[user_id, row] = message_id
        while len(self._messages) > MOST:
            self._messages.popitem(last=False)

    def take(self, user_id: int, row: int) -> int | None:
        """Once."""
        return self._messages.pop((user_id, row), None)
