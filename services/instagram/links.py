"""Finds the Instagram link in what a person pasted, and says what is wrong when there is none.

Pure. Called by the chat (a pasted message, /import) and by the import. Whatever leaves here is
rebuilt from checked parts, so nothing foreign ever reaches a command line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote, urlsplit

from services.errors import BadLink

SITE = "https://www.instagram.com"

_MAX_TEXT = 8192
_HOSTS = {"instagram.com", "www.instagram.com", "m.instagram.com", "instagr.am", "www.instagr.am"}
_SEPARATORS = re.compile(r"[\s<>\"'()\[\]{}|\\^`«»“”]+")
_HOST = re.compile(r"(?:[a-z0-9-]{1,63}\.)+[a-z]{2,24}(?::\d{1,5})?", re.IGNORECASE)
_USER = re.compile(r"[A-Za-z0-9._]{1,30}")
_COLLECTION_ID = re.compile(r"[0-9]{5,25}")
_SHORTCODE = re.compile(r"[A-Za-z0-9_-]{5,14}")
_PRIVATE_TAIL = 28  # a private account's shortcodes are longer by this; the head is the post's own
_SHARE = re.compile(r"[A-Za-z0-9_-]{5,40}")
_SLUG = re.compile(r"[^\x00-\x20/?#\\\x7f]{1,100}")
_POST_WORDS = {"p", "reel", "reels", "tv"}
_SITE_PAGES = {"accounts", "api", "audio", "about", "direct", "explore", "legal", "s", "share"}
_SITE_PAGES |= {"stories", "web", *_POST_WORDS}
_PROFILE_TABS = {"reels", "tagged", "posts", "photos", "feed", "channel", "followers", "following"}


class LinkKind(StrEnum):
    COLLECTION = "collection"
    SAVED = "saved"
    POST = "post"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Link:
    """What to import. `url` is canonical, with scheme, www. and without query or fragment."""

    kind: LinkKind
    owner: str | None
    slug: str | None
    collection_id: str | None
    shortcode: str | None
    url: str

    @property
    def key(self) -> str:
        """The same for every spelling of the same thing; never longer than 64 characters."""
        match self.kind:
            case LinkKind.COLLECTION:
                return f"collection:{self.collection_id}"
            case LinkKind.SAVED:
                return "saved"
            case LinkKind.POST:
                return f"post:{self.shortcode}"
            case LinkKind.SHARE:
                return "share:" + self.url.rstrip("/").rsplit("/", 1)[-1]

    @property
    def title(self) -> str:
        """What the chat calls it: "Reels ideas", "All saved posts", "Post C1a2b3"."""
        match self.kind:
            case LinkKind.COLLECTION:
                shown = "".join(letter for letter in self.slug or "" if letter.isprintable())
                words = re.sub(r"[-_\s]+", " ", shown).strip()
                return words[:1].upper() + words[1:] or f"Collection {self.collection_id}"
            case LinkKind.SAVED:
                return "All saved posts"
            case LinkKind.POST:
                return f"Post {self.shortcode}"
            case LinkKind.SHARE:
                return "Shared post"


def find_link(text: str) -> Link:
    """The first importable link in the text, else BadLink about the first link there is."""
    trouble: BadLink | None = None
    for url in _urls(text[:_MAX_TEXT]):
        try:
            return _read(url)
        except BadLink as error:
            trouble = trouble or error
    raise trouble or BadLink(
        "I see no link in that.",
        "Open the collection on instagram.com, copy the address and paste it here. To look for a "
        "word in what you saved, send /library and the word.",
    )


def _urls(text: str) -> Iterator[str]:
    """Everything that looks like a web address, with a scheme; trailing punctuation removed."""
    for word in _SEPARATORS.split(text):
        lower = word.lower()
        start = min((at for at in map(lower.find, ("http://", "https://")) if at >= 0), default=-1)
        if start >= 0:
            yield word[start:].rstrip(".,;:!?…*")
            continue
        address = word.strip(".,;:!?…*@")
        host = re.split(r"[/?#]", address, maxsplit=1)[0]
        known = _bare_host(host) in _HOSTS or _is_tiktok(_bare_host(host))
        if _HOST.fullmatch(host) and (known or "/" in address or lower.startswith("www.")):
            yield "https://" + address


def _bare_host(host: str) -> str:
    return host.lower().partition(":")[0]


def _is_tiktok(host: str) -> bool:
    return host == "tiktok.com" or host.endswith(".tiktok.com")


def _read(url: str) -> Link:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:  # a host that urlsplit refuses, such as one with "℀" in it
        host = ""
    if not host:
        raise BadLink("I can't read that link.", "Copy the address again and paste it.")
    if _is_tiktok(host):
        raise BadLink(
            "That is a TikTok link; I import from Instagram only.",
            "Send the link of a saved collection, a post or a reel on Instagram.",
        )
    if host not in _HOSTS and host.endswith(".instagram.com"):
        raise _refusal(["web"])  # help, about, business: no posts there
    if host not in _HOSTS:
        raise BadLink(
            f"That link leads to {host[:60]}, not to Instagram.",
            "Send the link of a saved collection, a post or a reel on instagram.com.",
        )
    path = [unquote(segment) for segment in parts.path.split("/") if segment]
    link = _importable(path)
    if link is None:
        raise _refusal(path)
    return link


def _importable(path: list[str]) -> Link | None:
    match path:
        case ["share", ("p" | "reel" | "reels" | "tv") as word, code]:
            return _share(f"{word}/", code)
        case ["share", code] if code not in _POST_WORDS:
            return _share("", code)
        case ["reels", "audio", *_]:  # gallery-dl would take "audio" for a shortcode
            return None
        case [word, code, *_] if word in _POST_WORDS:
            return _post(code)
        case [user, *_] if user in _SITE_PAGES or not _USER.fullmatch(user):
            return None
        case [user, "saved"] | [user, "saved", "all-posts", *_]:
            owner = user.lower()
            return Link(LinkKind.SAVED, owner, None, None, None, f"{SITE}/{owner}/saved/")
        case [user, "saved", slug, number, *_]:
            return _collection(user.lower(), slug, number)
        case [_, word, code, *_] if word in _POST_WORDS:
            return _post(code)
        case _:
            return None


def _refusal(path: list[str]) -> BadLink:
    send_another = "Send the link of a saved collection, a post or a reel."
    match path:
        case []:
            return BadLink(
                "That is Instagram's front page; it holds nothing to import.",
                "Open your saved collection there, copy its address and paste it here.",
            )
        case ["reels", "audio", *_] | ["audio", *_] | [_, "audio", *_]:
            return BadLink(
                "That is the page of a sound, not of a post.",
                "Open a reel that uses the sound and send the link of the reel.",
            )
        case ["stories", "highlights", *_] | [_, "highlights", *_] | ["s", *_]:
            return BadLink("That is a highlight; highlights can't be imported.", send_another)
        case ["stories", *_]:
            return BadLink("That is a story; stories can't be imported.", send_another)
        case ["explore", "tags", *_]:
            return BadLink(
                "That is a hashtag page; I import what you saved, not what everybody posts.",
                "Save the posts to a collection and send the link of the collection.",
            )
        case [page, *_] if page in _SITE_PAGES:
            return BadLink("That page of Instagram holds no post or collection.", send_another)
        case [_, "saved", _]:
            return BadLink(
                "That link of a collection is cut off: the number at its end is missing.",
                "Open the collection on instagram.com and copy the whole address.",
            )
        case [user, *tab] if _USER.fullmatch(user) and (not tab or tab[0] in _PROFILE_TABS):
            return BadLink(
                f"That is the profile of {user}; a profile can't be imported.",
                "Save the posts that you want to a collection and send that collection's link.",
            )
        case _:
            return BadLink("I don't know that kind of Instagram link.", send_another)


def _collection(owner: str, slug: str, number: str) -> Link:
    slug = slug.encode("utf-8", "replace").decode()  # half of a surrogate pair can't be escaped
    if not _COLLECTION_ID.fullmatch(number) or not _SLUG.fullmatch(slug):
        raise BadLink(
            "That link of a collection is damaged: it should end in its name and a number.",
            "Open the collection on instagram.com and copy the whole address.",
        )
    url = f"{SITE}/{owner}/saved/{quote(slug, safe='')}/{number}/"
    return Link(LinkKind.COLLECTION, owner, slug, number, None, url)


def _post(code: str) -> Link:
    if len(code) > _PRIVATE_TAIL:
        code = code[:-_PRIVATE_TAIL]
    if not _SHORTCODE.fullmatch(code):
        raise BadLink(
            "That link of a post is damaged: its code can't be right.",
            "Open the post, press Share, then Copy link, and paste it here.",
        )
    return Link(LinkKind.POST, None, None, None, code, f"{SITE}/p/{code}/")


def _share(kind: str, code: str) -> Link:
    if not _SHARE.fullmatch(code):
        raise BadLink(
            "That share link is damaged.",
            "Open the post, press Share, then Copy link, and paste it here.",
        )
    return Link(LinkKind.SHARE, None, None, None, None, f"{SITE}/share/{kind}{code}/")
