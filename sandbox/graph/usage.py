"""The allowance of calls, and the headers in which Meta tells how much of it is used.

Asked by `server` for every answer to a token. The formula is Meta's for Instagram's business use
cases: 4800 calls a day for each impression of the account.
"""

from __future__ import annotations

import collections
import json
from collections.abc import Callable
from datetime import datetime, timedelta

DAY = timedelta(days=1)
CALLS_PER_IMPRESSION = 4800
IMPRESSIONS = 50  # a day, of every account here


class Usage:
    """`allowance`: calls per account and day; tests lower it to be throttled soon. `told`: what
    the headers say instead of what is counted, as percent and minutes; nothing is refused for it.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.allowance = CALLS_PER_IMPRESSION * IMPRESSIONS
        self.told: tuple[int, int] | None = None
        self._now = now
        self._calls: collections.defaultdict[str, collections.deque[datetime]] = (
            collections.defaultdict(collections.deque)
        )

    def add(self, owner: str) -> None:
        """A call counts even when it is refused: calling on prolongs the wait."""
        self._calls[owner].append(self._now())

    def percent(self, owner: str) -> int:
        return self._of_today(owner) * 100 // self.allowance

    def is_spent(self, owner: str) -> bool:
        return self._of_today(owner) > self.allowance

    def regain_minutes(self, owner: str) -> int:
        """Until the first call of the day is a day old."""
        if not self.is_spent(owner):
            return 0
        left = self._calls[owner][0] + DAY - self._now()
        return int(left.total_seconds() // 60) + 1

    def headers(
        self, owner: str, *, percent: int | None = None, minutes: int | None = None
    ) -> dict[str, str]:
        """None while hardly anything is used, as with Meta. The arguments replace the figures."""
        if self.told:
            percent, minutes = self.told
        used = self.percent(owner) if percent is None else percent
        if used < 1:
            return {}
        wait = self.regain_minutes(owner) if minutes is None else minutes
        figures = {"call_count": used, "total_cputime": used // 2, "total_time": used // 2}
        case = {"type": "instagram", **figures, "estimated_time_to_regain_access": wait}
        return {
            "X-App-Usage": json.dumps(figures),
            "X-Business-Use-Case-Usage": json.dumps({owner: [case]}),
        }

    def _of_today(self, owner: str) -> int:
        calls, since = self._calls[owner], self._now() - DAY
        while calls and calls[0] <= since:
            calls.popleft()
        return len(calls)
