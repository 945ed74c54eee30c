"""What its time decides about a story, where nobody taps."""

from __future__ import annotations

from datetime import datetime

import pytest

from services.stories import deciding
from services.stories.deciding import AlreadyDecided
from services.stories.machine import State
from storage import people, story_accounts, story_items
from tests.services.stories.stage import LocalStage
from tests.support.rows import LEO, MIA


async def leaving(stage: LocalStage, at: datetime | None) -> None:
    async with stage.database.write() as db:
        await people.change(db, MIA, delete_after=at)


async def test_nothing_goes_out_for_who_wants_everything_deleted(stage: LocalStage) -> None:
    story_id = await stage.story(1, state=State.HELD)
    await leaving(stage, stage.clock())
    assert await stage.deciding.turn() == 0
    assert (await stage.get(story_id)).state == State.HELD
    await leaving(stage, None)
    assert await stage.deciding.turn() == 1
    assert (await stage.get(story_id)).state == State.PREPARING


async def test_who_leaves_keeps_nobody_elses_stories_waiting(
    stage: LocalStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "BATCH", 1)
    await stage.story(await _place(stage, MIA), state=State.SCHEDULED)
    await leaving(stage, stage.clock())
    async with stage.database.write() as db:
        await people.add(
            db, LEO, name="Leo", username=None, locale="en", role="member", now=stage.clock()
        )
    await stage.story(await _place(stage, LEO), state=State.SCHEDULED)
    assert await stage.deciding.turn() == 1


async def _place(stage: LocalStage, user_id: int) -> int:
    async with stage.database.write() as db:
        return await story_accounts.add(db, user_id, "x", "UTC", stage.clock())


async def test_remove_skips_the_story_and_takes_its_file_out_of_the_library(
    stage: LocalStage,
) -> None:
    story_id = await stage.story(1, state=State.ASKING)
    story = await stage.deciding.remove(MIA, story_id)
    async with stage.database.read() as db:
        item = await story_items.get(db, story.item_id)
    assert story.state == State.SKIPPED
    assert item is not None
    assert item.removed_at is not None
    with pytest.raises(AlreadyDecided):
        await stage.deciding.remove(MIA, story_id)
