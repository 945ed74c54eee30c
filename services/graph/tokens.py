"""When a token is renewed, when its end is announced, and what may replace it. Pure.

Called by the clock's daily look at the connections and by whoever stores what Meta granted. Facts:
Meta's pages on long-lived tokens and on refresh_access_token.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.graph.wire import Flavour
from storage.vault import Secret

WARN_DAYS = (10, 3, 1)
RENEW_BEFORE = timedelta(days=15)
YOUNGEST = timedelta(hours=24)  # ig_refresh_token refuses younger ones
LONG_LIVED = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Life:
    """Of one token, all times aware UTC. `issued_at`: when Meta granted it, or when we first saw
    it. `expires_at` None: it has no end, if `unlimited`, or else nobody has told us.
    `data_ends_at`: when Meta stops giving data for it, though it lives on (Facebook, 90 days
    after the person was last seen)."""

    flavour: Flavour
    issued_at: datetime
    expires_at: datetime | None
    unlimited: bool = False  # a Page's token, or a system user's
    data_ends_at: datetime | None = None

    @property
    def ends_at(self) -> datetime | None:
        """When it stops being of use; None: never, or nobody knows."""
        return min((end for end in (self.expires_at, self.data_ends_at) if end), default=None)


@dataclass(frozen=True, slots=True)
class Granted:
    """What Meta gave for a code, or for another token. `scopes` (): it did not say."""

    token: Secret
    expires_at: datetime | None
    scopes: tuple[str, ...] = ()


class Renewal(StrEnum):
    NOT_YET = "not_yet"
    DUE = "due"
    TOO_LATE = "too_late"  # an expired token can't be renewed: a person logs in again


def renewal(life: Life, now: datetime) -> Renewal:
    """Instagram Login: from the 15th day before the end, but not in the first 24 hours; one whose
    end nobody knows as soon as it is old enough, for the answer tells the end. Facebook Login: the
    user's token is exchanged in the same window, a Page's needs nothing."""
    if life.expires_at is not None and life.expires_at <= now:
        return Renewal.TOO_LATE
    if life.unlimited:
        return Renewal.NOT_YET
    if life.flavour is Flavour.INSTAGRAM and now - life.issued_at < YOUNGEST:
        return Renewal.NOT_YET
    near = life.expires_at is None or life.expires_at - now <= RENEW_BEFORE
    return Renewal.DUE if near else Renewal.NOT_YET


def replaces(life: Life, granted: Granted, now: datetime) -> bool:
    """False for what must never take a good token's place: nothing, or what ends sooner.

    Meta grants a renewed token 60 days; where it does not say, those are assumed.
    """
    if not granted.token.reveal():
        return False
    if life.unlimited:
        return granted.expires_at is None
    new_end = granted.expires_at or now + LONG_LIVED
    return new_end > now and (life.expires_at is None or new_end >= life.expires_at)


def alert_due(ends_at: datetime | None, warned_days: int | None, now: datetime) -> int | None:
    """The nearest of 10, 3, 1 days that has come and was not announced yet; None if none.

    `warned_days`: the last that was announced, None after every renewal.
    """
    if ends_at is None or ends_at <= now:
        return None
    nearest = min(
        (days for days in WARN_DAYS if ends_at - now <= timedelta(days=days)), default=None
    )
    announced = nearest is None or (warned_days is not None and warned_days <= nearest)
    return None if announced else nearest
