"""What one call to the mobile API may send, has sent and was answered.

Shared by the adapter, which begins and stops calls, and its transport, which asks before each
request. No instagrapi in here, so that it is known before that is loaded.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from services.instagram.mobile_verdict import Answer

Transport = Literal["curl", "requests"]
"""How it gets there; which is which is told in mobile.py."""


class Stopped(Exception):
    """Nobody waits for this call any more, or its time is over: it sends nothing further."""


@dataclass(slots=True)
class Wire:
    """`answer` is the last one, None if it never came; `requests` those of this call."""

    answer_seconds: float
    requests: int = 0
    answer: Answer | None = None
    deadline: float = 0
    stopped: bool = False

    def begin(self, seconds: float) -> None:
        self.requests, self.answer, self.stopped = 0, None, False
        self.deadline = time.monotonic() + seconds

    def time_left(self) -> float:
        """Seconds for the next answer, or the rest of this one. Errors: Stopped."""
        left = min(self.answer_seconds, self.deadline - time.monotonic())
        if self.stopped or left <= 0:
            raise Stopped
        return left
