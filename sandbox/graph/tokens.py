"""Access tokens: issued, exchanged, refreshed, checked, revoked. Called by `log_in` and `api`.

Lives and rules are those of Meta's log-in pages: short tokens live an hour, long ones 60 days, a
Page's token from a long one has no end, an expired one cannot be renewed.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.graph.refusals import Refusal, Refused, documented

SHORT = timedelta(hours=1)
LONG = timedelta(seconds=5_183_944)  # what Meta's samples show for "60 days"
REFRESHABLE_AFTER = timedelta(hours=24)
DATA_ACCESS = timedelta(days=90)
NO_TOKEN = Refusal(104, "An access token is required to request this resource.")
# Which words Instagram has for these two is not documented; that it refuses them is.
WRONG_KIND = Refusal(
    452,
    "Session key invalid. This could be because the session key has an incorrect format, or"
    " because the user has revoked this session",
)
TOO_YOUNG = Refusal(100, "(#100) The access token must be at least 24 hours old to be refreshed")


class Kind(enum.Enum):
    USER = "USER"  # of Facebook Login
    PAGE = "PAGE"
    INSTAGRAM = "IG_USER"  # of Instagram Login


FACEBOOK_SCOPES = frozenset(
    {
        "instagram_basic",
        "instagram_content_publish",
        "instagram_manage_insights",
        "instagram_manage_contents",
        "pages_read_engagement",
        "pages_show_list",
        "business_management",
        "public_profile",
    }
)
INSTAGRAM_SCOPES = frozenset(
    {
        "instagram_business_basic",
        "instagram_business_content_publish",
        "instagram_business_manage_insights",
        "instagram_business_manage_comments",
        "instagram_business_manage_messages",
    }
)


@dataclass(slots=True)
class Token:
    """`owner`: the id of a Facebooker, a Page or an Account, after its kind. `user`: whose it is,
    the id of a Facebooker or of an Account. `dead`: the subcode of 190 with which it ended."""

    text: str
    kind: Kind
    owner: str
    user: str
    scopes: frozenset[str]
    issued_at: datetime
    expires_at: datetime | None
    is_long: bool
    dead: int | None = None


class Tokens:
    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._tokens: dict[str, Token] = {}

    # ------------------------------------------------------------------ making

    def issue(
        self,
        kind: Kind,
        owner: str,
        scopes: frozenset[str],
        *,
        is_long: bool = False,
        age: timedelta = timedelta(0),
    ) -> Token:
        """A token of a log-in (short) or of the dashboard (long), issued `age` ago."""
        issued = self._now() - age
        life = LONG if is_long else SHORT
        return self._add(kind, owner, owner, scopes, issued, issued + life, is_long)

    def lengthened(self, token: Token) -> Token:
        """A long-lived token anew, for the same user; the old one stays good until its end."""
        now = self._now()
        return self._add(
            token.kind, token.owner, token.user, token.scopes, now, now + LONG, is_long=True
        )

    def of_page(self, page_id: str, user: Token) -> Token:
        """The Page's token: without an end if the user's is long-lived. One per user's token."""
        for token in self._tokens.values():
            same = (token.owner, token.user, token.is_long) == (page_id, user.user, user.is_long)
            if same and token.dead is None and token.scopes == user.scopes and self._alive(token):
                return token
        expires_at = None if user.is_long else user.expires_at
        return self._add(
            Kind.PAGE, page_id, user.user, user.scopes, self._now(), expires_at, user.is_long
        )

    def _add(
        self,
        kind: Kind,
        owner: str,
        user: str,
        scopes: frozenset[str],
        issued_at: datetime,
        expires_at: datetime | None,
        is_long: bool,
    ) -> Token:
        number = len(self._tokens)
        digest = hashlib.sha256(f"token {number} {kind} {owner}".encode()).hexdigest()
        start = "IGAA" if kind is Kind.INSTAGRAM else "EAAE"
        text = f"{start}{digest}ZD"
        self._tokens[text] = Token(text, kind, owner, user, scopes, issued_at, expires_at, is_long)
        return self._tokens[text]

    # ------------------------------------------------------------------ checking

    def checked(self, text: str | None, *, instagram: bool) -> Token:
        """The living token. Errors: Refused with 104 or 190; those of the other log-in, too."""
        if not text:
            raise Refused(NO_TOKEN)
        token = self._tokens.get(text)
        if token is None or (token.kind is Kind.INSTAGRAM) is not instagram:
            raise Refused(documented(190))
        if token.dead is not None:
            raise Refused(documented(190, token.dead))
        if not self._alive(token):
            raise Refused(self._expired(token))
        return token

    def find(self, text: str) -> Token | None:
        """Dead or alive."""
        return self._tokens.get(text)

    def is_valid(self, token: Token) -> bool:
        return token.dead is None and self._alive(token)

    def may_refresh(self, token: Token) -> None:
        """Errors: Refused for a short one, and for one that is not a day old."""
        if not token.is_long:
            raise Refused(WRONG_KIND)
        if self._now() - token.issued_at < REFRESHABLE_AFTER:
            raise Refused(TOO_YOUNG)

    def data_access_ends(self, token: Token) -> datetime:
        return token.issued_at + DATA_ACCESS

    def seconds_left(self, token: Token) -> int:
        assert token.expires_at is not None
        return round((token.expires_at - self._now()).total_seconds())

    def _alive(self, token: Token) -> bool:
        return token.expires_at is None or self._now() < token.expires_at

    def _expired(self, token: Token) -> Refusal:
        assert token.expires_at is not None
        clock = "%A, %d-%b-%y %H:%M:%S UTC"
        return Refusal(
            190,
            f"Error validating access token: Session has expired on"
            f" {token.expires_at.strftime(clock)}. The current time is"
            f" {self._now().strftime(clock)}.",
            463,
        )

    # ------------------------------------------------------------------ ending

    def revoke(self, subcode: int, users: frozenset[str] | None = None) -> None:
        """All that these users, or all, have by now; what they get later is good."""
        for token in self._tokens.values():
            if (users is None or token.user in users) and token.dead is None:
                token.dead = subcode
