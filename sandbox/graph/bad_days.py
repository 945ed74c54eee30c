"""Bad days of Meta: things that go wrong, switched on and off while the stand-in runs.

The chat page and the tours switch days, tests order single troubles. `server` asks here for every
request whose parameters and token are good: strictness has no bad days.
"""

from __future__ import annotations

import enum

from sandbox.bad_days import BadDay, Switches
from sandbox.graph.refusals import Refusal, documented
from sandbox.graph.rules import Call
from sandbox.graph.tokens import Tokens

REVOKED = 458
FAILED_FETCHES = 2
REGAIN_MINUTES = 5
BUSY_PERCENT = 80  # of the allowance of calls


class Fault(enum.Enum):
    """What happens to a request instead of a proper answer."""

    DROPPED = "the connection ends before anything took effect"
    HANGS = "nothing takes effect and nothing is answered until the client hangs up"
    DOWN = "503 with a web page, before anything took effect"
    LOST = "it takes effect, then the connection ends without an answer"
    ERROR_AFTER = "it takes effect, then 500 with code 2"
    GATEWAY_AFTER = "it takes effect, then 502 with a web page"
    GARBAGE = "it takes effect, then JSON that breaks off"


BEFORE = (Fault.DROPPED, Fault.HANGS, Fault.DOWN)
Trouble = Refusal | Fault


DAYS = (
    BadDay(
        "meta-token-revoked",
        "Meta token revoked",
        "All tokens given out until now are dead; a new log-in is good.",
    ),
    BadDay(
        "meta-no-fetch",
        "Meta can't fetch, twice",
        "The next two media addresses are refused with 9004/2207052, then all is well.",
    ),
    BadDay(
        "meta-lost-answer",
        "Meta's answer is lost",
        "A story goes live, but the answer to media_publish never arrives.",
    ),
    BadDay(
        "meta-error-after",
        "Meta fails after success",
        "A story goes live, but media_publish answers with error 500.",
    ),
    BadDay(
        "meta-blind",
        "Meta can't be read",
        "Containers and media answer 100/33 when they are read; publishing works.",
    ),
    BadDay("meta-rate-limit", "Meta rate limit", "Every call is one too many: 80002."),
    BadDay(
        "meta-quota",
        "Publishing quota used up",
        "Nothing more can be published today: 9/2207042.",
    ),
    BadDay("meta-spam", "Meta suspects spam", "media_publish is blocked with 4/2207051."),
    BadDay(
        "meta-restricted",
        "Account restricted",
        "media_publish is refused with 25/2207050 until the owner opens the app.",
    ),
    BadDay(
        "meta-bad-media",
        "Meta dislikes the media",
        "Every container ends with error 2207026.",
    ),
    BadDay("meta-stuck", "Containers never finish", "They stay IN_PROGRESS until they expire."),
    BadDay(
        "meta-insights-late",
        "Insights are late",
        "No figure of a day is there before the day has been over for 48 hours.",
    ),
    BadDay(
        "meta-insights-empty",
        "Insights have no data",
        "Every question about an account's figures is answered with an empty list.",
    ),
    BadDay(
        "meta-insights-removed",
        "A metric was removed",
        "profile_views is refused with 100, as a metric that is not there any more.",
    ),
    BadDay(
        "meta-no-insights-permission",
        "Insights not permitted",
        "Every question about figures is refused with 10; all other calls are good.",
    ),
    BadDay(
        "meta-busy",
        "Meta counts many calls",
        "Its headers tell that 80 percent of the calls are used; nothing is refused.",
    ),
    BadDay("meta-down", "Meta is down", "Every call is answered with 503 and a web page."),
    BadDay("meta-garbage", "Meta speaks garbage", "Every answer is JSON that breaks off."),
    BadDay("meta-slow", "Meta is slow", "Every answer takes some seconds."),
)


class BadDays(Switches):
    """Which bad days are on. `slow_seconds` is how long an answer takes on a slow day."""

    def __init__(self, tokens: Tokens) -> None:
        super().__init__(DAYS)
        self.slow_seconds = 3.0
        self._tokens = tokens
        self._fetches_left = 0

    def switch(self, name: str, on: bool) -> None:
        """Each switching starts that day anew. KeyError for a name that is not in DAYS."""
        super().switch(name, on)
        if name == "meta-token-revoked" and on:
            self._tokens.revoke(REVOKED)
        if name == "meta-no-fetch":
            self._fetches_left = FAILED_FETCHES if on else 0

    def trouble(self, call: Call, *, fetches: bool) -> Trouble | None:
        """`fetches`: the request names an address from which Meta gets the media."""
        for name, found in _EVERY_CALL.items():
            if name in self._on:
                return found
        for name, found in _WHEN_CALLED.get(call, {}).items():
            if name in self._on:
                return found
        if fetches and self._fetches_left:
            self._fetches_left -= 1
            return documented(9004, 2207052)
        return None


_EVERY_CALL: dict[str, Trouble] = {
    "meta-down": Fault.DOWN,
    "meta-rate-limit": documented(80002),
    "meta-garbage": Fault.GARBAGE,
}
_WHEN_CALLED: dict[Call, dict[str, Trouble]] = {
    Call.PUBLISH: {
        "meta-spam": documented(4, 2207051),
        "meta-restricted": documented(25, 2207050),
        "meta-quota": documented(9, 2207042),
        "meta-lost-answer": Fault.LOST,
        "meta-error-after": Fault.ERROR_AFTER,
    },
    Call.ACCOUNT_INSIGHTS: {"meta-no-insights-permission": documented(10)},
    Call.MEDIA_INSIGHTS: {"meta-no-insights-permission": documented(10)},
    Call.CONTAINER: {"meta-blind": documented(100, 33)},
    Call.MEDIA: {"meta-blind": documented(100, 33)},
}
