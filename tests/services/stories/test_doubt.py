"""Publications whose answer is lost, or whose container can't be read."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.graph import Call, Fault, documented
from sandbox.world import World
from services.errors import NotAllowed
from services.stories.deciding import AlreadyDecided
from services.stories.machine import State
from storage.database import Database
from tests.services.stories.stage import LocalStage, on_stage
from tests.support.rows import MIA

TOOK_EFFECT = [Fault.LOST, Fault.ERROR_AFTER, Fault.GATEWAY_AFTER, Fault.GARBAGE]


@pytest.mark.parametrize("fault", [*TOOK_EFFECT, Fault.DROPPED, Fault.DOWN])
async def test_an_answer_is_lost(stage: LocalStage, fault: Fault) -> None:
    await stage.story(1)
    stage.meta.trouble_next(Call.PUBLISH, fault)
    story = await stage.play()
    assert (story.state, len(stage.meta.published)) == ("published", 1)
    assert stage.count(Call.PUBLISH) == (1 if fault in TOOK_EFFECT else 2)
    assert stage.count(Call.CREATE) == 1
    assert (story.media_id is None) == (fault in TOOK_EFFECT)


async def test_it_takes_effect_only_after_the_second_request(stage: LocalStage) -> None:
    """The first one was on its way for so long that it was asked for again."""
    await stage.story(1)
    await stage.play(State.PROCESSING)
    stage.meta.trouble_next(Call.PUBLISH, Fault.DROPPED)
    story = await stage.play(State.PUBLISHING)
    meta_account = stage.meta.people.account("mia")
    stage.clock.advance(seconds=31)
    stage.meta.trouble_next(Call.PUBLISH, documented(2))
    await stage.turn()
    await stage.meta.containers.publish(meta_account, story.container_id or "")
    assert (await stage.play()).state == "published"
    assert len(stage.meta.published) == 1


async def test_what_was_live_before_is_noted_before_the_first_request(stage: LocalStage) -> None:
    await stage.story(1)
    stage.meta.trouble_next(Call.PUBLISH, Fault.DROPPED)
    await stage.play(State.PUBLISHING)
    await stage.story(1)
    await stage.play(story_id=2)
    story = await stage.play()
    assert (story.publishes, story.live_before) == (2, [])


async def test_a_photo_is_asked_for_though_it_cannot_be_seen(stage: LocalStage) -> None:
    await stage.story(1)
    stage.meta.bad_days.switch("meta-blind", True)
    began = stage.clock()
    assert (await stage.play()).state == "published"
    assert timedelta(seconds=60) <= stage.clock() - began < timedelta(seconds=90)
    assert stage.count(Call.PUBLISH) == 1


async def test_a_film_that_cannot_be_seen_is_asked_about(stage: LocalStage) -> None:
    await stage.story(1, "video")
    stage.meta.bad_days.switch("meta-blind", True)
    assert (await stage.play()).state == "asking"
    assert stage.count(Call.PUBLISH) == 0


async def in_doubt_for_a_day(stage: LocalStage, fault: Fault) -> None:
    await stage.story(1)
    stage.meta.bad_days.switch("meta-blind", True)
    stage.meta.trouble_next(Call.PUBLISH, fault)
    await stage.play(State.UNKNOWN)
    asked = stage.clock()
    while stage.clock() - asked < timedelta(hours=24):
        assert await stage.deciding.ask_in_doubt() == 0
        with pytest.raises(AlreadyDecided):
            await stage.deciding.answer(MIA, 1, live=False)
        assert (await stage.get()).state == "unknown"
        stage.clock.advance(hours=4)
        await stage.turn()
    assert (stage.count(Call.PUBLISH), stage.count(Call.CREATE)) == (1, 1)


async def test_after_a_day_a_person_is_asked_and_says_it_is_live(stage: LocalStage) -> None:
    await in_doubt_for_a_day(stage, Fault.LOST)
    assert [await stage.deciding.ask_in_doubt() for _ in range(3)] == [1, 0, 0]
    assert await stage.said() == ["story_unknown"]
    [notice] = await stage.notices()
    assert notice.data == {"story": 1}
    with pytest.raises(NotAllowed):
        await stage.deciding.take_by_hand(MIA, 1)
    story = await stage.deciding.answer(MIA, 1, live=True)
    assert (story.state, story.posting_method) == ("published", "api")
    with pytest.raises(AlreadyDecided):
        await stage.deciding.answer(MIA, 1, live=False)


async def test_after_a_day_a_person_says_that_it_is_not_there(stage: LocalStage) -> None:
    await in_doubt_for_a_day(stage, Fault.DROPPED)
    story = await stage.deciding.answer(MIA, 1, live=False)
    assert (story.state, story.publish_requested_at) == ("by_hand", None)
    # and may send it by the API after all, later
    stage.meta.bad_days.switch("meta-blind", False)
    await stage.deciding.postpone(MIA, 1, stage.clock() + timedelta(hours=1))
    stage.clock.advance(hours=1)
    await stage.deciding.turn()
    assert (await stage.play()).state == "published"
    assert len(stage.meta.published) == 1


async def test_it_is_found_while_a_person_is_asked(stage: LocalStage) -> None:
    await in_doubt_for_a_day(stage, Fault.LOST)
    await stage.deciding.ask_in_doubt()
    stage.meta.bad_days.switch("meta-blind", False)
    assert (await stage.play()).state == "published"
    assert await stage.said() == ["story_unknown", "story_published"]


async def test_the_page_token_is_blind_and_the_users_sees(
    database: Database, tmp_path: Path, world: World
) -> None:
    async with on_stage(database, tmp_path / "media", world) as stage:
        await stage.account(stage.meta.facebook_token("mia", is_long=True))
        await stage.story(1)
        await stage.play(State.PROCESSING)
        stage.meta.trouble_next(Call.CONTAINER, documented(100, 33))
        assert (await stage.play()).state == "published"
        assert "trouble" not in await stage.events()
