"""The tour of stories: what fails it, and a visit of all its scenes through the whole house."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import zoneinfo
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sandbox.demo import Sandbox
from sandbox.graph.containers import Story
from sandbox.graph.media import Media
from sandbox.tours import stories
from sandbox.tours.stories import visit_stories
from sandbox.tours.visitor import TourFailed
from sandbox.world import World
from services.media.runner import MediaRunner
from services.media.task import TASKS
from tests.support.harness import Harness

FACTS = {
    "stories": 6,
    "published_api": 3,
    "published_manual": 2,
    "live_at_meta": 3,
    "published_twice": 0,
    "unknown": 0,
    "skipped": 1,
    "cloud_copies_left": 0,
}


@pytest.fixture
def places(harness: Harness) -> Iterator[None]:
    """The zones of the sandbox, which the bot's process finds by its environment."""
    path = harness.sandbox.zones.environment["PYTHONTZPATH"]
    zoneinfo.reset_tzpath(path.split(os.pathsep))
    yield
    zoneinfo.reset_tzpath()


@pytest.fixture
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Media are fitted and read here: each process would import numpy anew."""

    async def run(
        runner: MediaRunner, name: str, arguments: Mapping[str, Any], **_limits: float
    ) -> dict[str, Any]:
        return json.loads(json.dumps(await asyncio.to_thread(TASKS[name], **arguments)))  # type: ignore[no-any-return]

    monkeypatch.setattr(MediaRunner, "run", run)


async def turning(harness: Harness) -> None:
    """The bot's time runs, so that slots come, and stories go out."""
    while True:
        harness.clock.advance(seconds=4)
        await harness.tick("story slots")
        await harness.tick("story copies")
        await asyncio.sleep(0.1)


@pytest.fixture
def sandbox(world: World) -> Sandbox:
    """Not started: nothing is asked of it."""
    return Sandbox(world)


def row(state: str, method: str = "") -> dict[str, str]:
    return {"state": state, "posting_method": method}


def went_live(sandbox: Sandbox, *files: bytes) -> None:
    account = sandbox.meta.people.account(stories.ACCOUNT)
    for file in files:
        number = str(len(sandbox.meta.published))
        media = Media.of(file, "image/jpeg")
        sandbox.meta.containers.published.append(
            Story(number, number, account, media, sandbox.now())
        )


def test_what_is_live_twice_fails_the_tour_whoever_posted_it(sandbox: Sandbox) -> None:
    """Whatever the chat says."""
    went_live(sandbox, b"sea", b"hills")
    said = [row("published", "api"), row("published", "api"), row("posted", "manual")]
    facts = stories._facts(sandbox, said, [b"poll"], io.StringIO())
    assert (facts["published_twice"], facts["live_at_meta"], facts["published_manual"]) == (0, 2, 1)
    with pytest.raises(TourFailed, match="'published_twice': 1"):
        stories._facts(sandbox, said, [b"sea"], io.StringIO())
    went_live(sandbox, b"sea")
    with pytest.raises(TourFailed, match="'published_twice': 1"):
        stories._facts(sandbox, [*said, row("published", "api")], [], io.StringIO())


def test_what_is_live_and_not_said_fails_the_tour(sandbox: Sandbox) -> None:
    went_live(sandbox, b"sea")
    with pytest.raises(
        TourFailed, match=r"'published_api': 0, .*'live_at_meta': 1, .*'unknown': 1"
    ):
        stories._facts(sandbox, [row("unknown")], [], io.StringIO())


async def test_the_tour(harness: Harness, places: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stories, "LOOK", 0.1)
    monkeypatch.setattr(stories, "STORY_PHOTO", (1080, 1920))  # little to do
    out = io.StringIO()
    mia = await harness.owner()
    turns = asyncio.create_task(turning(harness))
    facts = await visit_stories(mia, harness.sandbox, out)
    turns.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await turns
    assert list(facts.items()) == list(FACTS.items())
    told = out.getvalue()
    assert "Meta was asked once for the film, its answer was lost" in told
    nights = [line.split()[2] for line in told.splitlines() if "of the night: 1 story" in line]
    assert nights == ["2:30", "3:00", "2:30"]
