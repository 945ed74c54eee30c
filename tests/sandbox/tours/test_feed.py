"""The tour of the feed: how its reader reads, and a short one through the whole house."""

from __future__ import annotations

import asyncio
import contextlib
import io
from pathlib import Path
from typing import Any

import pytest

from sandbox.instagram.mobile import timeline
from sandbox.tours import feed
from sandbox.tours.feed import FIGURES, FORMATS, Document, visit_feed
from sandbox.tours.visitor import TourFailed, Visitor
from sandbox.world import World
from services.feed import catching_up
from services.feed.render import atom, json_feed, rss
from tests.services.feed.render.samples import entry, film, page, picture
from tests.support.harness import Harness

PAGE, PAGES = 2, 2  # posts of a page, pages; the second holds a post that nobody can read


@pytest.mark.parametrize(
    ("name", "form"), [("feed.xml", rss), ("atom.xml", atom), ("feed.json", json_feed)]
)
def test_every_file_that_a_feed_names_is_asked_for(name: str, form: Any) -> None:
    two, none = entry(media=(picture(), film(1))), entry("tag:instagram.com,2010:8", media=())
    read = list(FORMATS[name](form.render(page(two, none))))
    assert [(item.guid, item.title) for item in read] == [
        (one.guid, one.title) for one in (two, none)
    ]
    assert [item.files for item in read] == [{one.url: one.bytes for one in two.media}, {}]


def test_a_feed_without_files_fails_the_tour() -> None:
    with pytest.raises(TourFailed, match="no file"):
        feed._named({"feed.xml": Document('"1"', [])})


async def turning(harness: Harness) -> None:
    """The bot's time runs, so that polls are due, also while the visitor reads over HTTP. Its other
    loops turn by themselves: none may turn twice at once."""
    while True:
        harness.clock.advance(seconds=5)
        await harness.tick("wake polls")
        await asyncio.sleep(0.1)


async def test_a_short_tour(
    tmp_path: Path, templates: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "LOOK", 0.1)
    monkeypatch.setattr(catching_up, "MOST_PAGES", PAGES)
    monkeypatch.setattr(timeline, "PAGE_SIZE", PAGE)  # pictures and films take time to draw
    monkeypatch.setattr(timeline, "AD_AFTER", 1)
    monkeypatch.setattr(timeline, "UNREADABLE_PLACE", PAGE)  # no carousel
    out = io.StringIO()
    async with Harness(
        tmp_path / "data", world, templates=templates, FEED_POLL_MINUTES="0.01"
    ) as harness:
        await harness.connected()
        mia = Visitor(harness.telegram, harness.sandbox.users["mia"], out)
        turns = asyncio.create_task(turning(harness))
        facts = await visit_feed(mia, harness.sandbox, out)
        turns.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await turns
        posts = PAGE * PAGES + len(feed.NEW)
        assert tuple(facts) == FIGURES
        requests = harness.sandbox.instagram.api_requests()
        assert facts.pop("requests") == requests
        assert facts.pop("ads_skipped") >= PAGES  # type: ignore[operator]
    assert facts == {
        "timeline_posts": posts,
        "archived": posts - 1,
        "items_rss": posts - 1,
        "items_atom": posts - 1,
        "items_json": posts - 1,
        "media_missing": 0,
        "duplicates": 0,
        "unparsed": 1,
        "not_modified": True,
        "notices_when_ill": 1,
    }
    assert "stands still" in out.getvalue()
    assert "missing or of another length: 0" in out.getvalue()
