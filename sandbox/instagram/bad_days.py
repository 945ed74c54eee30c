"""Bad days of Instagram: things that go wrong, switched on and off while the stand-in runs.

The chat page and the tours switch them. The application (`server`) asks for refusals, the CDN
(`cdn`) for faults of single files.
"""

from __future__ import annotations

import collections
import enum
import zlib

from sandbox.bad_days import BadDay, Switches
from sandbox.instagram.answers import Refusal
from sandbox.world import Post, Trouble
from sandbox.world.world import Session

FATAL_POST = 37  # with "cookies-die", the session dies once this post of a list was sent
DELETED_SHARE = 10  # with "deleted-posts", one post of so many is gone


class Fault(enum.Enum):
    """What is wrong with one file's download."""

    NOT_FOUND = "404"
    FORBIDDEN = "403"
    SERVER_ERROR = "500"
    SHORT = "ends half-way"
    WRONG_TYPE = "a web page with a picture's name"
    SLOW = "arrives in drops"


DAYS = (
    BadDay(
        "cookies-die",
        "Cookies die at post 37",
        "The session ends in mid-list; only newer cookies of the same account go on.",
    ),
    BadDay("rate-limit", "429 storm", "Every request is answered with 429 Too Many Requests."),
    BadDay("please-wait", "Please wait", "Every request is answered: please wait a few minutes."),
    BadDay("checkpoint", "Checkpoint", "Instagram wants the owner to confirm the account."),
    BadDay("challenge", "Challenge", "Every request is redirected to the challenge page."),
    BadDay("feedback", "Action blocked", "Instagram restricts the account: try again later."),
    BadDay("deleted-posts", "Deleted posts", "One saved post of ten has been deleted meanwhile."),
    BadDay(
        "broken-media",
        "Broken media",
        "One file of five is missing, forbidden, cut short, of a wrong type or slow.",
    ),
    BadDay("html", "Web page for data", "Every answer is a web page where data should be."),
    BadDay("home-redirect", "Sent home", "Every request is redirected to the home page."),
    BadDay("garbage", "New shape", "Answers arrive whole, but in a shape that nobody knows."),
    BadDay("slow", "Slow", "Every answer takes some seconds."),
    BadDay(
        "session-dies",
        "App session dies",
        "The app's session is logged out; only a new log-in goes on.",
    ),
    BadDay(
        "login-challenge",
        "Log-in challenged",
        "Every log-in is stopped until a code that comes by e-mail is entered.",
    ),
    BadDay("garbled-item", "Odd items", "One post of each page of the home feed is unreadable."),
    BadDay("odd-reels", "Odd reels", "One reel of each page of a profile is unreadable."),
    BadDay(
        "reels-throttled",
        "429 on page 3 of reels",
        "The third page of a profile's reels is answered with a bare 429, the first time.",
    ),
)
REFUSALS = {
    "rate-limit": Refusal.RATE_LIMIT,
    "please-wait": Refusal.PLEASE_WAIT,
    "checkpoint": Refusal.CHECKPOINT,
    "challenge": Refusal.CHALLENGE,
    "feedback": Refusal.FEEDBACK,
    "html": Refusal.HTML,
    "home-redirect": Refusal.HOME,
    "garbage": Refusal.UNKNOWN_SHAPE,
}
TROUBLE_FAULTS = {
    Trouble.GONE_404: Fault.NOT_FOUND,
    Trouble.GONE_400: Fault.NOT_FOUND,
    Trouble.FILES_404: Fault.NOT_FOUND,
    Trouble.FILES_403: Fault.FORBIDDEN,
    Trouble.FILES_500: Fault.SERVER_ERROR,
    Trouble.FILES_SHORT: Fault.SHORT,
    Trouble.FILES_WRONG: Fault.WRONG_TYPE,
}
# With "broken-media": the files whose checksum leaves this rest when divided by BROKEN_OF.
BROKEN_OF = 30
BROKEN = dict(enumerate(Fault))
BROKEN_ONCE = {Fault.SERVER_ERROR, Fault.SHORT}  # the second try finds the file whole


class BadDays(Switches):
    """Which bad days are on. `slow_seconds` is how long an answer takes on a slow day."""

    def __init__(self) -> None:
        super().__init__(DAYS)
        self.slow_seconds = 3.0
        self._died: dict[str, int] = {}  # username -> the newest generation that died
        self._broken_once: set[str] = set()
        self._dead: dict[str, Session] = {}  # by username, on a day of dying sessions
        self._switched: collections.Counter[str] = collections.Counter()

    def switch(self, name: str, on: bool) -> None:
        """Each switching starts that day anew. KeyError for a name that is not in DAYS."""
        super().switch(name, on)
        self._switched[name] += 1
        if name == "cookies-die":
            self._died.clear()
        if name == "broken-media":
            self._broken_once.clear()
        if name == "session-dies":
            self._dead.clear()

    # ------------------------------------------------------------------ what the application asks

    def times_switched(self, name: str) -> int:
        """For what is remembered of a day only until it is switched again."""
        return self._switched[name]

    def refusal(self, session: Session | None) -> Refusal | None:
        for name, refusal in REFUSALS.items():
            if name in self._on:
                return refusal
        if session and session.generation <= self._died.get(session.username, 0):
            return Refusal.LOGIN
        return None

    def dead_session(self, session: Session | None) -> Refusal | None:
        """On a day of dying sessions: the first one that each person comes with is logged out."""
        if session is None or "session-dies" not in self._on:
            return None
        dead = self._dead.setdefault(session.username, session)
        return Refusal.LOGIN_REQUIRED if session == dead else None

    def listed(self, session: Session, last: int) -> None:
        """A page of a list was sent; `last` is how many posts of the list were sent by now."""
        if "cookies-die" in self._on and last >= FATAL_POST:
            self._died.setdefault(session.username, session.generation)

    def is_gone(self, post: Post) -> bool:
        """Deleted for good, or only for today."""
        if post.trouble and post.trouble.gone:
            return True
        return "deleted-posts" in self._on and post.pk % DELETED_SHARE == 0

    # ------------------------------------------------------------------ what the CDN asks

    def fault(self, name: str, post: Post | None) -> Fault | None:
        """What is wrong with the file of this name (unique in the world)."""
        if post and post.trouble:
            return TROUBLE_FAULTS[post.trouble]
        if post and self.is_gone(post):
            return Fault.NOT_FOUND
        if "broken-media" not in self._on or name in self._broken_once:
            return None
        fault = BROKEN.get(zlib.crc32(name.encode()) % BROKEN_OF)
        if fault in BROKEN_ONCE:
            self._broken_once.add(name)
        return fault
