"""`launch`: the real bot with a connected Mia, checked for its books and its disk at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot import ground as ground_module
from sandbox.instagram import web_api
from sandbox.world import World
from services.instagram import cdn
from tests.services.importing.stage import PAGE, POSTS, Stage, world_with
from tests.support.harness import Harness

Launch = Callable[..., Awaitable[Stage]]


@pytest.fixture
async def launch(
    tmp_path: Path, templates: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Launch]:
    """`await launch(connected=…, world=…, **settings)`; the world is a small one unless given."""
    monkeypatch.setattr(ground_module, "_scratch", lambda data: data / "scratch")
    monkeypatch.setattr(cdn, "_PAUSES", (0, 0))
    small = world_with(world, world.collection("mia", "beats").posts[:POSTS])
    stages: list[Stage] = []
    async with AsyncExitStack() as stack:

        async def start(
            *, connected: bool = True, world: World | None = None, **settings: str
        ) -> Stage:
            if world is None:
                world = small
                monkeypatch.setattr(web_api, "PAGE_SIZE", PAGE)
            harness = await stack.enter_async_context(
                Harness(tmp_path / "data", world, templates=templates, **settings)
            )
            stage = Stage(harness, await harness.owner())
            if connected:
                await stage.connect()
            stages.append(stage)
            return stage

        yield start
        for stage in stages:
            await stage.check()
    # the job engine had put its own thread pool there and has now closed it
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(4))


@pytest.fixture
async def stage(launch: Launch) -> Stage:
    return await launch()


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> int:
    """Batches of 2, so that an import of 8 posts has several."""
    for module in ("decisions", "service"):
        monkeypatch.setattr(f"services.importing.{module}.BATCH", 2)
    return 2
