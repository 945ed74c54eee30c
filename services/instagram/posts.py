"""Reads posts out of Instagram's own JSON, the "v1 media" shape that its web and mobile API share.

Called by the import (and later the feed) with what the gallery-dl adapter lists. Pure. Which fields
exist and which may be missing was measured with gallery-dl 1.32.18 and instagrapi 3.2.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import urlsplit

from services.errors import InstagramError, Remedy

Item = dict[str, Any]
"""One post exactly as Instagram sent it."""

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_LONGEST_CODE = 11
_CODE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PK = re.compile(r"[0-9]{1,20}")
_HASHTAG = re.compile(r"#(\w{1,100})")
_MAX_HASHTAGS = 60  # Instagram counts 30
_MAX_MEDIA = 100  # Instagram allows 20 a carousel
_LAST_SECOND = 253_402_300_799


class UnreadablePost(InstagramError):
    """One post in a shape that nobody knows; the rest of its page is fine."""

    remedy = Remedy.RETRY
    default_message = "Instagram described this post in a way that this version can't read."
    default_next_step = "Upgrade Reelay, then press Retry failed."

    def __init__(self, what: str, *, platform_id: str = "", shortcode: str = "") -> None:
        super().__init__(subject=shortcode or platform_id)
        self.what = what
        self.platform_id = platform_id
        self.shortcode = shortcode


@dataclass(frozen=True, slots=True)
class MediaSource:
    """One picture or film of a post. `position` counts from 1; `url` works for some hours only."""

    position: int
    kind: Literal["image", "video"]
    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Head:
    """What every post has. `taken_at` is aware, UTC."""

    platform_id: str
    shortcode: str
    caption: str
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class ListedPost:
    """A post as listed, nothing downloaded yet. `taken_at` is aware, UTC."""

    platform_id: str
    shortcode: str
    author_id: str
    author: str
    caption: str
    taken_at: datetime
    kind: Literal["photo", "video", "carousel"]
    media: tuple[MediaSource, ...]
    raw: Item = field(repr=False)


def shortcode_of(pk: int) -> str:
    """The code in a post's address: its number in base 64, most significant digit first."""
    code = ""
    while pk > 0:
        pk, digit = divmod(pk, 64)
        code = _ALPHABET[digit] + code
    return code


def number_of(shortcode: str) -> int:
    """The number of a public post with this code; what follows in a private one's is no part of
    it."""
    number = 0
    for letter in shortcode[:_LONGEST_CODE]:
        number = number * len(_ALPHABET) + _ALPHABET.index(letter)
    return number


def items_of(page: object) -> list[Item]:
    """The posts of one answer, unwrapped: lists wrap each in "media", a single post does not.

    What is no post stays in the list as an empty one, so that nothing vanishes uncounted.
    Raises UnreadablePost when the answer is no list of posts at all.
    """
    entries = page.get("items") if isinstance(page, dict) else None
    if not isinstance(entries, list):
        raise UnreadablePost("an answer without a list of items")
    items: list[Item] = []
    for entry in entries:
        item = entry.get("media", entry) if isinstance(entry, dict) else None
        items.append(item if isinstance(item, dict) else {})
    return items


def read_head(item: Item) -> Head:
    """Of one item of items_of(), whatever its files are like. Raises UnreadablePost, with the ids
    where they are known."""
    platform_id, shortcode = _ids(item)
    caption = item.get("caption")
    try:
        _require(bool(platform_id), "no number")
        taken_at = _taken_at(item)
    except _UnfitError as unfit:
        raise UnreadablePost(str(unfit), platform_id=platform_id, shortcode=shortcode) from None
    return Head(
        platform_id=platform_id,
        shortcode=shortcode,
        caption=clean_text(caption.get("text") if isinstance(caption, dict) else caption),
        taken_at=taken_at,
    )


def read_post(item: Item) -> ListedPost:
    """Read one item of items_of(). Raises UnreadablePost, with the ids where they are known."""
    head = read_head(item)
    try:
        children = item.get("carousel_media")
        carousel = isinstance(children, list) and bool(children)
        parts = children if isinstance(children, list) and carousel else [item]
        media = tuple(_source(part, position) for position, part in enumerate(parts, 1))
        _require(len(media) <= _MAX_MEDIA, "too many files")
    except _UnfitError as unfit:
        raise UnreadablePost(
            str(unfit), platform_id=head.platform_id, shortcode=head.shortcode
        ) from None
    user = item.get("user")
    author = user if isinstance(user, dict) else {}
    return ListedPost(
        platform_id=head.platform_id,
        shortcode=head.shortcode,
        author_id=_number(author.get("pk") or author.get("id")),
        author=clean_text(author.get("username")),
        caption=head.caption,
        taken_at=head.taken_at,
        kind="carousel" if carousel else "video" if media[0].kind == "video" else "photo",
        media=media,
        raw=item,
    )


class _UnfitError(Exception):
    """Why an item can't be read; becomes an UnreadablePost that names the post."""


def _require(good: bool, what: str) -> None:
    if not good:
        raise _UnfitError(what)


def _ids(item: Item) -> tuple[str, str]:
    """(number, shortcode), each "" if it can't be known; the one is made from the other."""
    number = _number(item.get("pk"))
    if not number and isinstance(item.get("id"), str):
        number = _number(item["id"].partition("_")[0])  # "<post>_<author>"
    code = item.get("code")
    if isinstance(code, str) and _CODE.fullmatch(code):
        return number, code
    return number, shortcode_of(int(number)) if number else ""


def _number(value: object) -> str:
    """An id as digits; Instagram sends it as a number or as text."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    if isinstance(value, int):
        return str(value) if 0 < value < 10**20 else ""
    return value if _PK.fullmatch(value) else ""


def clean_text(value: object) -> str:
    """Text that every database can hold: no NUL, no half of a surrogate pair."""
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode().replace("\0", "")


def _taken_at(item: Item) -> datetime:
    for key in ("taken_at", "created_at"):
        seconds = item.get(key)
        if isinstance(seconds, str) and _PK.fullmatch(seconds):
            seconds = int(seconds)
        if isinstance(seconds, int | float) and 0 < seconds <= _LAST_SECOND:
            return datetime.fromtimestamp(int(seconds), UTC)
    raise _UnfitError("no date")


def _source(part: object, position: int) -> MediaSource:
    """The best version of one file: the largest, whatever order Instagram lists them in."""
    _require(isinstance(part, dict), "a file that is no object")
    assert isinstance(part, dict)
    films = _versions(part.get("video_versions"))
    if films:
        # Several films share one size; the last of them is the one that gallery-dl takes too.
        width, height, url = max(reversed(films), key=_area)
        return MediaSource(position, "video", url, width, height)
    # A film without its address is not a photo: to save its cover only would lose it silently.
    _require(part.get("media_type") != 2, "a film without an address")
    images = part.get("image_versions2")
    pictures = _versions(images.get("candidates") if isinstance(images, dict) else None)
    _require(bool(pictures), "a file without an address")
    width, height, url = max(pictures, key=_area)
    return MediaSource(position, "image", url, width, height)


def _area(version: tuple[int, int, str]) -> int:
    return version[0] * version[1]


def _versions(entries: object) -> list[tuple[int, int, str]]:
    """(width, height, url) of each usable version; unknown sizes count as 0."""
    found: list[tuple[int, int, str]] = []
    for entry in entries if isinstance(entries, list) else ():
        url = entry.get("url") if isinstance(entry, dict) else None
        if isinstance(url, str) and _is_address(url):
            found.append((_size(entry.get("width")), _size(entry.get("height")), url))
    return found


def _size(value: object) -> int:
    return value if isinstance(value, int) and 0 < value < 100_000 else 0


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and url.isprintable()
    except ValueError:
        return False


def hashtags(caption: str) -> list[str]:
    """Without "#", lower case, each once, in the order of the caption."""
    found = dict.fromkeys(tag.lower() for tag in _HASHTAG.findall(caption))
    return list(found)[:_MAX_HASHTAGS]
