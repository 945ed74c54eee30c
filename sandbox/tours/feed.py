"""The tour of the feed: switch it on, read it as RSS, Atom and JSON Feed, let its session die and
come back, and compare what readers get with what the stand-in's timeline has shown.

Knows the feed only as a reader does: by the address that the chat gives out.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

import aiohttp

from sandbox.demo import Sandbox
from sandbox.tours.importing import connected
from sandbox.tours.stage import Stage
from sandbox.tours.visitor import TourFailed, Visitor
from sandbox.world import Kind

ADDRESS = re.compile(r"http://\S+/f/[\w-]+/(?=feed\.xml)")
STANDS_STILL = "The feed of @mia stands still"
NEW = (Kind.PHOTO, Kind.CAROUSEL, Kind.REEL)  # published while the feed is on
LIMIT = 200  # items: all that the feed lists
LOOK = 2.0  # seconds between two looks at how far the polls are
POLL = 120.0  # seconds that one may take to come and to end
ATOM = "{http://www.w3.org/2005/Atom}"
MRSS = "{http://search.yahoo.com/mrss/}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
SOURCE = re.compile(r'<(?:img|video) src="([^"]+)"')

Status = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """`files`: each address that it names, with its length where that is told."""

    guid: str
    title: str
    files: dict[str, int | None]


@dataclass(frozen=True, slots=True)
class Document:
    etag: str
    items: list[Item]

    @property
    def guids(self) -> list[str]:
        return [item.guid for item in self.items]


class Reader:
    """A feed reader. `base`: what its address begins with; ends in a slash."""

    def __init__(self, http: aiohttp.ClientSession, base: str) -> None:
        self._http = http
        self._base = base

    async def document(self, name: str) -> Document:
        """`name`: a key of FORMATS. Errors: TourFailed."""
        async with self._http.get(f"{self._base}{name}?limit={LIMIT}") as answer:
            body = await answer.read()
            if answer.status != 200:
                raise TourFailed(f"{name} answers {answer.status}")
            return Document(answer.headers["ETag"], list(FORMATS[name](body)))

    async def documents(self) -> dict[str, Document]:
        return {name: await self.document(name) for name in FORMATS}

    async def is_unchanged(self, name: str, etag: str) -> bool:
        """A conditional request: is it 304, without a body?"""
        address = f"{self._base}{name}?limit={LIMIT}"
        async with self._http.get(address, headers={"If-None-Match": etag}) as answer:
            return answer.status == 304 and not await answer.read()

    async def has_file(self, address: str, length: int | None) -> bool:
        """Is it there, as long as the feed says?"""
        async with self._http.get(address) as answer:
            got = len(await answer.read())
            return answer.status == 200 and got > 0 and length in (None, got)

    async def status(self) -> Status:
        async with self._http.get(f"{self._base}status") as answer:
            found: Status = await answer.json()
            return found

    async def waits(self, until: Callable[[Status], bool], what: str) -> Status:
        """Looks at the status until it is so. Errors: TourFailed."""
        begun = time.monotonic()
        while not until(status := await self.status()):
            if time.monotonic() - begun > POLL:
                raise TourFailed(f"{POLL:.0f} s in vain for {what}: {status}")
            await asyncio.sleep(LOOK)
        return status


async def tour_feed(stage: Stage) -> dict[str, object]:
    """The newest pages of a home feed, three new posts, an illness."""
    mia = await connected(stage)
    return await visit_feed(mia, stage.sandbox, stage.out)


async def visit_feed(mia: Visitor, sandbox: Sandbox, out: TextIO) -> dict[str, object]:
    """For a visitor who has connected @mia. Errors: TourFailed."""
    base = await _switch_on(mia)
    async with aiohttp.ClientSession() as http:
        reader = Reader(http, base)
        status = await reader.waits(lambda now: _read(now, 1), "the first poll")
        _say(out, f"first poll: {status['posts']} posts, {status['media']} files archived")

        _publish(sandbox)
        wanted = status["posts"] + len(NEW)
        status = await reader.waits(lambda now: now["posts"] == wanted, "the new posts")
        _say(out, f"{len(NEW)} posts were published: {status['posts']} archived")
        documents = await reader.documents()

        polls = _polls(status)  # one may be at work already, so the second from here is a whole one
        status = await reader.waits(lambda now: _read(now, polls + 2), "a poll with nothing new")
        unchanged = [await reader.is_unchanged(name, documents[name].etag) for name in documents]
        _say(out, f"{_polls(status)} polls; conditional requests that were 304: {sum(unchanged)}")
        mia.say("/feed")
        await mia.sees(f"{status['posts']} posts · ")

        named = _named(documents)
        missing = sum([not await reader.has_file(address, length) for address, length in named])
        _say(out, f"{len(named)} files are named; missing or of another length: {missing}")
        notices = await _fall_ill(mia, sandbox, reader, documents)
        mia.say("/feed")
        await mia.tap("Readers · 1")
        await mia.sees("Phone · ")
    facts = _facts(sandbox, status, documents)
    facts |= {
        "media_missing": missing,
        "requests": sandbox.instagram.api_requests(),
        "not_modified": all(unchanged),
        "notices_when_ill": notices,
    }
    return {name: facts[name] for name in FIGURES}


async def _switch_on(mia: Visitor) -> str:
    """Reads @mia, makes a reader; returns what its address begins with."""
    mia.say("/feed")
    await mia.tap("Read @mia")
    await mia.tap("New reader")
    await mia.sees("New reader of All accounts")
    mia.say("Phone")
    found = ADDRESS.search((await mia.sees("reads All accounts here"))["text"])
    if found is None:
        raise TourFailed("the reader was given no address")
    return found[0]


def _publish(sandbox: Sandbox) -> None:
    authors = sandbox.world.following("mia")
    for author, kind in zip(authors, NEW, strict=False):
        sandbox.instagram.publish_new(author.username, kind)


def _read(status: Status, polls: int) -> bool:
    return _polls(status) >= polls and not status["posts_waiting"]


def _polls(status: Status) -> int:
    return sum(account["polls"] for account in status["accounts"])


def _named(documents: Mapping[str, Document]) -> list[tuple[str, int | None]]:
    """(address, length) of each file that a feed names. Errors: TourFailed."""
    items = [item for document in documents.values() for item in document.items]
    named = {file for item in items for file in item.files.items()}
    if not named:
        raise TourFailed("the feeds name no file")
    return sorted(named, key=str)


async def _fall_ill(
    mia: Visitor, sandbox: Sandbox, reader: Reader, before: Mapping[str, Document]
) -> int:
    """The session dies, and new cookies heal it. Returns how many items told of that meanwhile.

    Errors: TourFailed, also if the formats do not agree, or the chat was told more than once.
    """
    sandbox.instagram.bad_days.switch("session-dies", True)
    cards = mia.count(STANDS_STILL)
    await mia.sees(STANDS_STILL)
    rss = "feed.xml"
    ill = await _until_changed(reader, rss, before[rss])
    told = {
        name: set((await reader.document(name)).guids) - set(document.guids)
        for name, document in before.items()
    }
    if len({frozenset(guids) for guids in told.values()}) != 1:
        raise TourFailed(f"the formats tell of the illness differently: {told}")
    if mia.count(STANDS_STILL) - cards != 1:
        raise TourFailed("the illness was not told once in the chat")
    mia.say("/feed")
    await mia.sees("🔴 @mia")
    await mia.tap("Send new cookies")
    cookies = sandbox.world.cookies_txt("mia", session="new")
    mia.send_file("cookies.txt", cookies.encode())
    await mia.sees("The feed of @mia is read again")
    well = await _until_changed(reader, rss, ill)
    if well.guids != ill.guids:
        raise TourFailed("the notice was not resolved, but replaced")
    return len(told[rss])


async def _until_changed(reader: Reader, name: str, old: Document) -> Document:
    """What is changed may be served a second later. Errors: TourFailed."""
    begun = time.monotonic()
    while (new := await reader.document(name)).etag == old.etag:
        if time.monotonic() - begun > POLL:
            raise TourFailed(f"{name} has not changed")
        await asyncio.sleep(LOOK)
    return new


def _facts(
    sandbox: Sandbox, status: Status, documents: Mapping[str, Document]
) -> dict[str, object]:
    """Errors: TourFailed, if a post that the timeline has shown is nowhere."""
    shown = {post.pk for post in sandbox.instagram.shown("mia")}
    rss, atom, js = (documents[name].guids for name in FORMATS)
    lost = shown - {int(guid.rpartition(":")[2]) for guid in rss}
    if len(lost) != status["unparsed"]:
        raise TourFailed(f"{len(lost)} posts are not listed, {status['unparsed']} were unreadable")
    return {
        "timeline_posts": len(shown),
        "archived": status["posts"],
        "items_rss": len(rss),
        "items_atom": len(atom),
        "items_json": len(js),
        "duplicates": sum(len(guids) - len(set(guids)) for guids in (rss, atom, js)),
        "unparsed": status["unparsed"],
        "ads_skipped": status["ads_skipped"],
    }


FIGURES = (
    "timeline_posts", "archived", "items_rss", "items_atom", "items_json", "media_missing",
    "duplicates", "unparsed", "ads_skipped", "requests", "not_modified", "notices_when_ill",
)  # fmt: skip


def _say(out: TextIO, text: str) -> None:
    print(f"    * {text}", file=out, flush=True)


# ---------------------------------------------------------------- how a reader reads them


def _rss(body: bytes) -> Iterator[Item]:
    for item in ET.fromstring(body).iter("item"):  # noqa: S314 - from the bot beside us
        files = _in_html(item.findtext(CONTENT) or "")
        for enclosure in item.iter("enclosure"):
            files[enclosure.get("url", "")] = int(enclosure.get("length", "0"))
        for content in item.iter(f"{MRSS}content"):
            files[content.get("url", "")] = int(content.get("fileSize", "0"))
        yield Item(item.findtext("guid") or "", item.findtext("title") or "", files)


def _atom(body: bytes) -> Iterator[Item]:
    for entry in ET.fromstring(body).iter(f"{ATOM}entry"):  # noqa: S314 - from the bot beside us
        files = _in_html(entry.findtext(f"{ATOM}content") or "")
        for link in entry.iter(f"{ATOM}link"):
            if link.get("rel") == "enclosure":
                files[link.get("href", "")] = int(link.get("length", "0"))
        title = entry.findtext(f"{ATOM}title") or ""
        yield Item(entry.findtext(f"{ATOM}id") or "", title, files)


def _json_feed(body: bytes) -> Iterator[Item]:
    for item in json.loads(body)["items"]:
        files = _in_html(item["content_html"])
        for attachment in item.get("attachments", ()):
            files[attachment["url"]] = attachment["size_in_bytes"]
        yield Item(item["id"], item["title"], files)


def _in_html(html: str) -> dict[str, int | None]:
    """The files that the text itself shows."""
    return dict.fromkeys(SOURCE.findall(html))


FORMATS: Mapping[str, Callable[[bytes], Iterator[Item]]] = {
    "feed.xml": _rss,
    "atom.xml": _atom,
    "feed.json": _json_feed,
}
