"""The account's own posts and reels as Meta lists them, newest first.

Called by the insights' reading of posts. Facts: Meta's page "IG User Media": never stories, and not
the children of albums. Its page on the fields names `caption` and `media_product_type` for Facebook
Login only, so an account of the other kind is asked for them once, and then without.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.errors import MetaChanged, RequestRefused
from services.graph.account import Account
from services.graph.reading import Fields
from services.graph.wire import Flavour

PAGE_SIZE = 50
PAGES = 20  # of one listing, at most
_FIELDS = "id,media_type,timestamp,permalink"
_MORE_FIELDS = f"{_FIELDS},media_product_type,caption"
_LONGEST_CAPTION = 200  # of what is kept of it
_LONGEST = 300  # of an address, and of a word of Meta's
_LONGEST_CURSOR = 1000
_INSTAGRAM = "https://www.instagram.com/"


@dataclass(frozen=True, slots=True)
class OwnMedia:
    """`media_type`: IMAGE, VIDEO or CAROUSEL_ALBUM. `product`: FEED, REELS, AD, …; concluded from
    the type where Meta does not tell. `caption`: its beginning, foreign; "" where Meta did not
    tell. `permalink`: at www.instagram.com, or "". `posted_at`: aware UTC."""

    id: str
    media_type: str
    product: str
    posted_at: datetime
    permalink: str
    caption: str


@dataclass(frozen=True, slots=True)
class Listing:
    """`requests`: that it took. `whole`: what is not in `media` is not there any more; of an
    account that lists nothing at all, nobody knows."""

    media: tuple[OwnMedia, ...]
    requests: int
    whole: bool


async def own_media(account: Account, since: datetime, *, pages: int = PAGES) -> Listing:
    """What was posted since then (aware), or as much of it as `pages` hold. Errors: MetaError;
    MetaChanged for a row that can't be read, or for pages that lead nowhere."""
    found: dict[str, OwnMedia] = {}
    requests, after, fields = 0, "", _MORE_FIELDS
    while requests < pages:
        requests += 1
        try:
            page = await _page(account, fields, after)
        except RequestRefused:
            if account.flavour is not Flavour.INSTAGRAM or fields == _FIELDS:
                raise
            fields, pages = _FIELDS, pages + 1  # the refused one does not count
            continue
        rows = [_media(row) for row in page.list("data")]
        found |= {one.id: one for one in rows if one.posted_at >= since}
        before, after = after, _after(page)
        if not rows or not after or any(one.posted_at < since for one in rows):
            return Listing(tuple(found.values()), requests, whole=bool(rows or found))
        if after == before:
            raise MetaChanged(subject=f"{page.where}.paging.cursors.after")
    return Listing(tuple(found.values()), requests, whole=False)


async def _page(account: Account, fields: str, after: str) -> Fields:
    params = {"fields": fields, "limit": str(PAGE_SIZE), **({"after": after} if after else {})}
    return (await account.read(f"{account.user_id}/media", params)).fields


def _media(row: Fields) -> OwnMedia:
    kind = row.text("media_type")[:_LONGEST]
    product = row.optional_text("media_product_type")[:_LONGEST]
    permalink = row.optional_text("permalink")
    good = permalink.startswith(_INSTAGRAM) and len(permalink) <= _LONGEST
    return OwnMedia(
        id=row.id("id"),
        media_type=kind,
        product=product or ("REELS" if kind == "VIDEO" else "FEED"),
        posted_at=row.moment("timestamp"),
        permalink=permalink if good else "",
        caption=row.optional_text("caption")[:_LONGEST_CAPTION],
    )


def _after(page: Fields) -> str:
    """ "" at the end: Meta gives no address of a next page there, but still a cursor."""
    paging = page.optional_fields("paging")
    if paging is None or not paging.optional_text("next"):
        return ""
    after = paging.fields("cursors").text("after")
    if len(after) > _LONGEST_CURSOR:
        raise MetaChanged(subject=f"{page.where}.paging.cursors.after")
    return after
