"""Hostile captions through the whole chain: from Instagram's JSON to what readers read back.

Each is posted in the stand-in's timeline, polled, archived, and fetched over HTTP in all three
formats and as a page; tests/faults/read_back reads them with parsers that are not ours. The bot
runs in this process, on a clock that is moved from poll to poll.
"""

from __future__ import annotations

import itertools
import json
import random
import re
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

from sandbox.world import Kind, Post, World
from sandbox.world.posts import draw_post
from services.clock import utc_now
from services.feed.render.text import title_of
from services.feed.serving import PAGE
from storage.feeds import CAPTION_LIMIT
from tests.faults import read_back
from tests.faults.read_back import Seen
from tests.faults.table import Figure, equal, most, say
from tests.services.feed.render.samples import HOSTILE, captions
from tests.services.feed.stage import Stage
from tests.support.harness import Harness

BATCH = PAGE  # posts of one poll, all on one page of the archive
CAROUSELS = 100  # each so-manieth post has ITEMS pictures
ITEMS = 50
HUGE = 50  # each so-manieth caption is huge
HUGEST = 10_000_000  # bytes as Instagram sends it; one caption has so many
SMALL = (24, 24)  # pixels of a picture: the words are what is tried
SHOWN = 3  # captions that are printed for each kind of trouble
KINDS = {
    "control characters": re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"),
    "lone surrogates": re.compile("[\ud800-\udfff]"),
    "]]>": re.compile("]]>"),
    "tags": re.compile("<[a-z]"),
    "right-to-left": re.compile("[\u0590-\u08ff\u200f\u202e\u2067]"),
    "over a hundred thousand characters": re.compile("(?s).{100000}"),
}


@dataclass(slots=True)
class Tally:
    """`wrong`: {where: captions that were read back otherwise}."""

    captions: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    carousels: int = 0
    longest: int = 0  # bytes of a caption as it was sent
    wrong: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    largest: int = 0
    slowest_poll: float = 0.0
    slowest_answer: float = 0.0


async def run(runs: int, seed: int) -> list[Figure]:
    drawn = hostile(runs, seed)
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="reelay-captions-") as folder:
        async with Harness(Path(folder), World()) as harness:
            mia = await harness.owner()
            stage = Stage(harness, mia, await harness.connect(mia, "mia"))
            await stage.switch_on()
            await stage.poll()
            feed = await stage.feed()
            made = await harness.app.feed.readers.add(mia.user_id, feed.id, "captions")
            posts = _posts(harness, random.Random(seed), runs)
            for start in range(0, runs, BATCH):
                batch = {next(posts): text for text in drawn[start : start + BATCH]}
                await _try(stage, made.archive, batch, tally)
                if start // BATCH % 10 == 9:
                    say(f"{tally.captions} captions, wrong: {dict(tally.wrong)}")
            await stage.check()
            unread = (await stage.row()).unparsed
    return _figures(tally, runs, unread)


def hostile(count: int, seed: int) -> list[str]:
    """`count` captions as hypothesis draws them, some of them made huge."""
    drawn = list(HOSTILE)

    @hypothesis.seed(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(captions())
    def take(text: str) -> None:
        drawn.append(text)

    take()
    rng = random.Random(seed)
    drawn += [rng.choice(HOSTILE) for _ in range(count - len(drawn))]
    sizes = itertools.chain([HUGEST], iter(lambda: int(10 ** rng.uniform(3.5, 7)), None))
    for place, size in zip(range(HUGE // 2, count, HUGE), sizes, strict=False):
        piece = drawn[place] + rng.choice(HOSTILE) + "word "
        drawn[place] = piece * (size // (len(json.dumps(piece)) - 2) + 1)  # without quotes
    return drawn[:count]


def _posts(harness: Harness, rng: random.Random, count: int) -> Iterator[Post]:
    """Posts without words, each a second younger than the one before."""
    author = harness.sandbox.world.following("mia")[0]
    begun = utc_now() - timedelta(seconds=count)

    for number in range(count):
        at = begun + timedelta(seconds=number)
        made = draw_post(rng, author, 0, kind=Kind.PHOTO, taken_at=at)
        pieces = made.pieces
        if number % CAROUSELS == CAROUSELS // 3:
            others = [
                draw_post(rng, author, 0, kind=Kind.PHOTO, taken_at=at - timedelta(seconds=n + 1))
                for n in range(ITEMS)
            ]
            made = replace(made, kind=Kind.CAROUSEL)
            pieces = tuple(one.pieces[0] for one in others)
        small = (replace(piece, width=SMALL[0], height=SMALL[1]) for piece in pieces)
        yield replace(made, pieces=tuple(small))


async def _try(stage: Stage, base: str, batch: dict[Post, str], tally: Tally) -> None:
    """One batch is posted, polled, fetched and compared."""
    wanted: dict[str, Seen] = {}
    for post, text in batch.items():
        stage.instagram.publish(replace(post, caption=text))
        wanted[f"tag:instagram.com,2010:{post.pk}"] = _wanted(post, text)
        tally.kinds.update(name for name, kind in KINDS.items() if kind.search(text))
        tally.carousels += len(post.pieces) == ITEMS
        tally.longest = max(tally.longest, len(json.dumps(text)))
    tally.captions += len(batch)
    began = time.monotonic()
    await stage.poll()
    tally.slowest_poll = max(tally.slowest_poll, time.monotonic() - began)
    stage.clock.advance(minutes=5)
    async with aiohttp.ClientSession() as http:
        bodies: dict[str, bytes] = {}
        for name in read_back.READERS:
            began = time.monotonic()
            query = f"?limit={len(batch)}" if name else ""
            async with http.get(base + name + query) as answer:
                bodies[name] = await answer.read()
                if answer.status != 200:
                    tally.wrong[f"{name or 'page'}: answers {answer.status}"] += len(batch)
                    bodies.pop(name)
            tally.slowest_answer = max(tally.slowest_answer, time.monotonic() - began)
    for name, body in bodies.items():
        tally.bytes += len(body)
        tally.largest = max(tally.largest, len(body))
        _compare(name, body, wanted, tally)


def _compare(name: str, body: bytes, wanted: dict[str, Seen], tally: Tally) -> None:
    where = name or "page"
    try:
        found = read_back.READERS[name](body)
    except ValueError as error:  # no document at all: what is counted
        found = []
        say(f"UNREADABLE {where}: {error}")
    if name:
        found = [(guid, seen) for guid, seen in found if guid in wanted]
    else:  # the page has no ids; it is in the order of the posts, the newest first
        found = list(zip(reversed(wanted), (seen for _, seen in found), strict=False))
    if len(found) != len(wanted) or len({guid for guid, _ in found}) != len(wanted):
        tally.wrong[f"{where}: posts lost or twice"] += abs(len(wanted) - len(found)) or 1
    for guid, seen in found:
        for difference in seen.differs(wanted[guid]):
            trouble = f"{where}: {difference}"
            tally.wrong[trouble] += 1
            if tally.wrong[trouble] <= SHOWN:
                say(f"WRONG {trouble}\n  {seen!r:.400}\n  wanted {wanted[guid]!r:.400}")


def _wanted(post: Post, text: str) -> Seen:
    kind = "Carousel" if post.children else "Photo"
    caption = what_is_left(text)
    title = title_of(caption, f"{kind} by {post.owner.username}")
    return Seen(caption, len(post.pieces), title)


def what_is_left(caption: str) -> str:
    """What the feed promises to give back of a caption, said anew and in another way than the
    product does: what XML 1.0 can hold and is no control character, of as much as is read."""
    sent: str = json.loads(json.dumps(caption))  # halves of a pair that meet become one character
    held = ["?" if "\ud800" <= letter <= "\udfff" else letter for letter in sent if letter != "\0"]
    text = "".join(held[:CAPTION_LIMIT])
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "\n")
    return "".join(letter for letter in text if _is_kept(ord(letter)))


def _is_kept(code: int) -> bool:
    return code in (9, 10) or 0x20 <= code < 0x7F or 0xA0 <= code <= 0xFFFD or code >= 0x10000


def _figures(tally: Tally, runs: int, unread: int) -> list[Figure]:
    def wrong(name: str) -> int:
        return sum(count for where, count in tally.wrong.items() if where.startswith(f"{name}:"))

    for where, count in tally.wrong.most_common():
        say(f"{count:6} {where}")
    part = "captions"
    # of this process, which is the bot and the stand-ins and the readers
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        Figure(part, "captions", str(tally.captions), f">= {runs}", tally.captions >= runs),
        *(
            Figure(part, f"of them: {kind}", str(tally.kinds[kind]), ">= 1", tally.kinds[kind] > 0)
            for kind in KINDS
        ),
        Figure(part, "longest of them", f"{tally.longest / 1e6:.1f} MB", "", True),
        Figure(part, f"carousels of {ITEMS}", str(tally.carousels), "", True),
        *(equal(part, f"read back otherwise: {name or 'page'}", wrong(name or "page"), 0)
          for name in read_back.READERS),
        equal(part, "posts that the poll could not read", unread, 1),
        Figure(part, "read back", f"{tally.bytes / 1e6:.0f} MB", "", True),
        most(part, "largest document", tally.largest / 1e6, 10, " MB"),
        most(part, "slowest answer", tally.slowest_answer, 5, " s"),
        Figure(part, "slowest poll", f"{tally.slowest_poll:.1f} s", "", True),
        Figure(part, "memory of all parts together", f"{memory:.0f} MB", "", True),
    ]  # fmt: skip
