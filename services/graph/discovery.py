"""Business discovery: the public profile of a professional account, and what it posts.

Called by the analysis, with an account that is connected by Facebook Login; Instagram Login has no
such call. Facts: Meta's page "Business Discovery". Meta numbers accounts anew: its id of a person
is not the one that the app knows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.errors import BadInput, MetaChanged, RequestRefused
from services.graph.account import Account
from services.graph.reading import Fields
from services.graph.wire import Flavour

PAGE_SIZE = 50
REELS = "REELS"
_PROFILE = (
    "id,username,name,biography,profile_picture_url,followers_count,follows_count,media_count"
)
_MEDIA = (
    "id,caption,media_type,media_product_type,permalink,timestamp,like_count,comments_count,"
    "view_count,thumbnail_url"
)
_NAME = re.compile(r"[A-Za-z0-9._]{1,30}")
_CURSOR = re.compile(r"[A-Za-z0-9_=+/%-]{1,1000}")
_PERMALINK = re.compile(r"https://www\.instagram\.com/[a-z]+/([A-Za-z0-9_-]{1,64})/?(?:[?#].*)?")


@dataclass(frozen=True, slots=True)
class DiscoveredProfile:
    """Counts are None where Meta does not tell."""

    id: str
    username: str
    name: str
    biography: str
    followers: int | None
    follows: int | None
    media_count: int | None
    picture: str
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class DiscoveredMedia:
    """`likes` None: hidden. `views`: of reels only. `product`: FEED, REELS, …"""

    id: str
    shortcode: str
    product: str
    caption: str
    likes: int | None
    comments: int | None
    views: int | None
    thumbnail: str
    posted_at: datetime
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class OddMedia:
    """One that nobody could read. `id`: Meta's, "" where even that was odd."""

    id: str
    what: str
    raw: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class DiscoveredPage:
    """`user_id`: whose it is. `after`: of the next page, None at the end."""

    user_id: str
    media: tuple[DiscoveredMedia, ...]
    odd: tuple[OddMedia, ...]
    after: str | None


async def discover(account: Account, username: str) -> DiscoveredProfile:
    """One call. Errors: MetaNotFound where nobody is called so, or who is has no professional
    account or an age limit; other MetaError; BadInput for what is no user name."""
    found = await _ask(account, username, _PROFILE)
    return DiscoveredProfile(
        id=found.id("id"),
        username=found.text("username"),
        name=found.optional_text("name"),
        biography=found.optional_text("biography"),
        followers=found.optional_count("followers_count"),
        follows=found.optional_count("follows_count"),
        media_count=found.optional_count("media_count"),
        picture=found.optional_text("profile_picture_url"),
        raw=found.values,
    )


async def discover_media(account: Account, username: str, after: str | None) -> DiscoveredPage:
    """A page of all that they post, newest first; the address of a next page is never given, so the
    question is put anew with `after`. One call. Errors: as `discover`."""
    paging = ""
    if after is not None:
        if not _CURSOR.fullmatch(after):
            raise RequestRefused(subject="cursor")
        paging = f".after({after})"
    found = await _ask(account, username, f"id,media.limit({PAGE_SIZE}){paging}{{{_MEDIA}}}")
    edge = found.optional_fields("media")  # there is none where nothing was posted
    rows = edge.list("data") if edge else []
    media: list[DiscoveredMedia] = []
    odd: list[OddMedia] = []
    for row in rows:
        try:
            media.append(_media(row))
        except MetaChanged as error:
            known = row.values.get("id")
            number = known if isinstance(known, str) and known.isdecimal() else ""
            odd.append(OddMedia(number, error.subject, row.values))
    return DiscoveredPage(found.id("id"), tuple(media), tuple(odd), _after(edge, rows, after))


async def _ask(account: Account, username: str, fields: str) -> Fields:
    if account.flavour is not Flavour.FACEBOOK:
        raise RequestRefused("Only accounts connected by Facebook can look others up at Meta.")
    if not _NAME.fullmatch(username):  # it goes into the expression
        raise BadInput("That is not a user name of Instagram.")
    asked = f"business_discovery.username({username}){{{fields}}}"
    answer = await account.read(account.user_id, {"fields": asked})
    return answer.fields.fields("business_discovery")


def _media(row: Fields) -> DiscoveredMedia:
    permalink = _PERMALINK.fullmatch(row.text("permalink"))
    if permalink is None:
        raise MetaChanged(subject=f"{row.where}.permalink")
    return DiscoveredMedia(
        id=row.id("id"),
        shortcode=permalink[1],
        product=row.optional_text("media_product_type"),
        caption=row.optional_text("caption"),
        likes=row.optional_count("like_count"),
        comments=row.optional_count("comments_count"),
        views=row.optional_count("view_count"),
        thumbnail=row.optional_text("thumbnail_url"),
        posted_at=row.moment("timestamp"),
        raw=row.values,
    )


def _after(edge: Fields | None, rows: list[Fields], before: str | None) -> str | None:
    """None at the end: no cursor, or an empty page. MetaChanged for one that leads nowhere."""
    paging = edge.optional_fields("paging") if edge else None
    cursors = paging.optional_fields("cursors") if paging else None
    after = cursors.optional_text("after") if cursors else ""
    if not after or not rows:
        return None
    if after == before or not _CURSOR.fullmatch(after):
        raise MetaChanged(subject="business_discovery.media.paging.cursors.after")
    return after
