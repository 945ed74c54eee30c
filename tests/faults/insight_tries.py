"""What is tried on an account's figures, what goes wrong on which day, and what came of it. Used by
insight_lane.py and insights.py.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sandbox.graph import Call, Fault, Refusal
from tests.faults.insight_truth import DAY, Found

BEGIN = datetime(2026, 1, 9, 0, 10, tzinfo=UTC)  # when the account has a few posts
LATE, EMPTY = "meta-insights-late", "meta-insights-empty"  # bad days that are no error


@dataclass(frozen=True, slots=True)
class Trouble:
    """On the try's day of this number: `what` for the requests of this kind after `skip` others;
    or a bad day, or what Meta's headers tell, for as long as it lasts. `says`: what the log must
    then say."""

    day: int
    what: Refusal | Fault | None = None
    call: Call = Call.ACCOUNT_INSIGHTS
    skip: int = 0
    times: int = 1
    bad_day: str = ""
    headers: tuple[int, int] | None = None  # percent, minutes
    lasts: timedelta = timedelta(hours=23)
    says: str = ""  # "reauth", "waited", "named"; "": nothing needs to be said


@dataclass(frozen=True, slots=True)
class Try:
    """`days`: after BEGIN, on which the clock rings; the others nobody was at work."""

    name: str
    days: tuple[int, ...] = (0, 1, 2)
    troubles: tuple[Trouble, ...] = ()
    username: str = "mia"
    seconds: float = 30.0
    mutant: str = ""

    @property
    def moments(self) -> tuple[datetime, ...]:
        return tuple(BEGIN + day * DAY for day in self.days)


@dataclass(slots=True)
class Tally:
    tries: int = 0
    kills: int = 0
    syncs: int = 0
    requests: int = 0
    extra: list[str] = field(default_factory=list)  # requests that nobody needed
    unused: list[str] = field(default_factory=list)  # troubles that met no request
    found: Found = field(default_factory=Found)
    ends: Counter[str] = field(default_factory=Counter)
