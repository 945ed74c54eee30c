"""Flood limits, off unless asked for. Telegram documents them only roughly.

About one message per second per chat with bursts, 20 per minute per group, 30 per second overall.
Edits count like messages.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.telegram.errors import too_many_requests

CHAT_BURST = 20
CHAT_PER_SECOND = 1.0
GROUP_LIMIT, GROUP_SECONDS = 20, 60.0
ALL_LIMIT, ALL_SECONDS = 30, 1.0


@dataclass
class Window:
    """At most `limit` in any `seconds`."""

    limit: int
    seconds: float
    times: deque[float] = field(default_factory=deque)

    def wait(self, now: float, count: int) -> float:
        while self.times and self.times[0] <= now - self.seconds:
            self.times.popleft()
        excess = len(self.times) + count - self.limit
        if excess <= 0 or not self.times:
            return 0.0
        return self.times[min(excess, len(self.times)) - 1] + self.seconds - now

    def take(self, now: float, count: int) -> None:
        self.times.extend([now] * count)


@dataclass
class Bucket:
    """`burst` at once, refilled at a steady rate."""

    level: float = CHAT_BURST
    at: float = 0.0

    def wait(self, now: float, count: int) -> float:
        self.level = min(CHAT_BURST, self.level + (now - self.at) * CHAT_PER_SECOND)
        self.at = now
        return max(0.0, (count - self.level) / CHAT_PER_SECOND)

    def take(self, now: float, count: int) -> None:
        self.level -= count


class Flood:
    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._all = Window(ALL_LIMIT, ALL_SECONDS)
        self._of_chat: dict[int, Bucket | Window] = {}

    def count(self, chat_id: int, messages: int) -> None:
        """Raises ApiError 429 with retry_after; what is refused does not count."""
        now = self._now()
        if chat_id not in self._of_chat:
            self._of_chat[chat_id] = (
                Window(GROUP_LIMIT, GROUP_SECONDS) if chat_id < 0 else Bucket(at=now)
            )
        limits = (self._all, self._of_chat[chat_id])
        wait = max(limit.wait(now, messages) for limit in limits)
        if wait > 0:
            raise too_many_requests(math.ceil(wait))
        for limit in limits:
            limit.take(now, messages)
