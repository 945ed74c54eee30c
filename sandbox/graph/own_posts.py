"""The posts and reels of an account of its own: one every two or three days, since January 2026.

Called by `api`; tours and tests ask `OwnPosts` and `figure` what is true. Drawn from the account
and the day, so they go on with the clock. Figures grow with a post's age and are never stored.
Rules: Meta's pages on ig-user/media and on media insights (2026-09).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sandbox.graph.figures_of_days import unit
from sandbox.graph.people import Account, People
from sandbox.graph.refusals import Json
from sandbox.world.posts import shortcode

FIRST = date(2026, 1, 5)
FIRST_ID = 17_950_000_000_000_000
BLOCK = 5  # days, with a post on the first and one on the third or fourth
FEED, REELS = "FEED", "REELS"
TYPES = (  # the share up to which, media_type, media_product_type
    (0.45, "VIDEO", REELS),
    (0.72, "IMAGE", FEED),
    (0.92, "CAROUSEL_ALBUM", FEED),
    (1.0, "VIDEO", FEED),  # a kind that cannot be made any more; Meta has no views of it
)
CAPTIONS = ("Slow morning #coffee", "What I saved this week", "Asked & answered <3", "")
INTERACTIONS = {  # with the share of the reach
    "likes": 0.06,
    "comments": 0.006,
    "saved": 0.012,
    "shares": 0.01,
    "reposts": 0.002,
}
OTHERS = {"views": 1.3, "follows": 0.003, "profile_visits": 0.015, "profile_activity": 0.004}
HOURS = {FEED: 20.0, REELS: 60.0}  # after so many, 63 % of the reach is there
EVENING = range(17, 21)


@dataclass(frozen=True, slots=True)
class OwnPost:
    """`at`: aware UTC."""

    id: str
    account: Account
    type: str
    product: str
    caption: str
    at: datetime

    @property
    def shortcode(self) -> str:
        return shortcode(int(self.id))

    @property
    def permalink(self) -> str:
        path = "reel" if self.product == REELS else "p"
        return f"https://www.instagram.com/{path}/{self.shortcode}/"


class OwnPosts:
    """`tells_all`: with Instagram Login, too, Meta tells caption and media_product_type. Its pages
    say that it does not, its specification says that it does."""

    def __init__(self, people: People, now: Callable[[], datetime]) -> None:
        self.tells_all = False
        self._people = people
        self._now = now

    def of(self, account: Account) -> list[OwnPost]:
        """All there are now, newest first."""
        now = self._now()
        days = max((now.date() - FIRST).days + 1, 0)
        drawn = (_drawn(account, number) for number in reversed(range(days)))
        return [post for post in drawn if post and post.at <= now]

    def find(self, media_id: str) -> OwnPost | None:
        for account in self._people.accounts.values():
            number = int(media_id) - int(_id(account, 0)) if media_id.isdecimal() else -1
            if 0 <= number < 100_000:
                post = _drawn(account, number)
                return post if post and post.at <= self._now() else None
        return None

    def node(self, post: OwnPost, origin: str) -> Json:
        """`origin`: where files are."""
        age = self._now() - post.at
        url = f"{origin}/media/{post.id}.{'mp4' if post.type == 'VIDEO' else 'jpg'}"
        return {
            "id": post.id,
            "caption": post.caption or None,
            "comments_count": figure(post, "comments", age),
            "ig_id": post.id[::-1],
            "is_comment_enabled": True,
            "is_shared_to_feed": True if post.product == REELS else None,
            "like_count": figure(post, "likes", age),
            "media_product_type": post.product,
            "media_type": post.type,
            "media_url": url if post.type != "CAROUSEL_ALBUM" else None,
            "owner": {"id": post.account.id},
            "permalink": post.permalink,
            "shortcode": post.shortcode,
            "thumbnail_url": f"{origin}/media/{post.id}.jpg" if post.type == "VIDEO" else None,
            "timestamp": post.at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "username": post.account.username,
        }


def figure(post: OwnPost, metric: str, age: timedelta) -> int | float:
    """Since it was posted. KeyError for what is not measured of posts."""
    hours = max(age / timedelta(hours=1), 0)
    luck = unit(post.id, "luck")
    if metric == "reels_skip_rate":
        return round(20 + 50 * luck + 2 * math.exp(-hours / 24), 2)
    if metric == "ig_reels_avg_watch_time":  # milliseconds
        return int((2500 + 6000 * luck) * (1 - 0.1 * math.exp(-hours / 48)))
    if metric == "ig_reels_video_view_total_time":
        return int(figure(post, "ig_reels_avg_watch_time", age) * figure(post, "views", age))
    if metric == "total_interactions":
        return sum(figure(post, name, age) for name in INTERACTIONS)
    most = post.account.followers * (0.25 + 1.5 * luck**2)
    most *= (2.5 if post.product == REELS else 1) * (1.4 if post.at.hour in EVENING else 1)
    reach = int(most * (1 - math.exp(-hours / HOURS[post.product])))
    if metric == "reach":
        return reach
    share = (INTERACTIONS | OTHERS)[metric]
    return int(reach * share * (0.6 + 0.8 * unit(post.id, metric)))


def _id(account: Account, number: int) -> str:
    return str(FIRST_ID + int(account.id) % 1000 * 10**6 + number)


@functools.lru_cache(1 << 13)
def _drawn(account: Account, number: int) -> OwnPost | None:
    """The post of this day, counted from FIRST; None if there is none."""
    block, place = divmod(number, BLOCK)
    second = 2 if unit(account.id, block, "second") < 0.5 else 3
    if place not in (0, second):
        return None
    day = FIRST + timedelta(days=number)
    minutes = int(7 * 60 + 14 * 60 * unit(account.id, day, "minute"))
    chance = unit(account.id, day, "type")
    _, kind, product = next(row for row in TYPES if chance < row[0])
    return OwnPost(
        id=_id(account, number),
        account=account,
        type=kind,
        product=product,
        caption=CAPTIONS[int(len(CAPTIONS) * unit(account.id, day, "caption"))],
        at=datetime.combine(day, time(), UTC) + timedelta(minutes=minutes),
    )
