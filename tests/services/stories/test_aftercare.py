"""What is done for stories that are live: name, figures, copies."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sandbox.graph import Call, Fault, documented
from services.graph.account import LiveStory
from services.stories.aftercare import MISSED, own_among
from services.stories.machine import State
from storage import stories
from tests.services.stories.stage import LocalStage

DAY = timedelta(days=1)


async def lost(stage: LocalStage, story_id: int = 1) -> None:
    """Published, without an answer that told its id."""
    await stage.story(1)
    stage.meta.trouble_next(Call.PUBLISH, Fault.LOST)
    assert (await stage.play(story_id=story_id)).media_id is None


# ---------------------------------------------------------------- the name


async def test_a_lost_id_is_found_by_the_difference(stage: LocalStage) -> None:
    await stage.story(1)
    await stage.play()
    await lost(stage, 2)
    assert await stage.aftercare.name() == 2
    first, second = stage.meta.published
    for story_id, live in ((1, first), (2, second)):
        story = await stage.get(story_id)
        assert (story.media_id, story.permalink) == (live.id, live.permalink)
    assert await stage.aftercare.name() == 0


async def test_two_lost_at_once_are_told_apart_where_they_can_be(stage: LocalStage) -> None:
    await lost(stage)
    await lost(stage, 2)
    for _ in range(2):
        await stage.aftercare.name()
    found = [(await stage.get(story_id)).media_id for story_id in (1, 2)]
    assert found == [one.id for one in stage.meta.published]


async def test_nothing_is_guessed_while_another_one_is_in_doubt(stage: LocalStage) -> None:
    await lost(stage)
    await stage.story(1)
    stage.meta.trouble_next(Call.PUBLISH, Fault.DROPPED)
    await stage.play(State.PUBLISHING, 2)
    assert await stage.aftercare.name() == 0
    assert (await stage.get()).media_id is None
    await stage.play(story_id=2)
    assert await stage.aftercare.name() == 2
    assert (await stage.get()).media_id == stage.meta.published[0].id


async def test_an_id_that_meta_answers_beats_one_that_was_guessed(stage: LocalStage) -> None:
    await lost(stage)
    async with stage.database.write() as db:
        wrong = str(int(stage.meta.published[0].id) + 1)  # of the one that comes next
        await stories.move(db, 1, stage.clock(), from_states=["published"], media_id=wrong)
    await stage.story(1)
    assert (await stage.play(story_id=2)).media_id == wrong
    assert (await stage.get()).media_id is None


async def test_who_is_not_found_in_time_has_no_address(stage: LocalStage) -> None:
    await lost(stage)
    stage.clock.advance(minutes=16)
    stage.meta.requests.reset()
    assert await stage.aftercare.name() == 0
    assert not len(stage.meta.requests)


@pytest.mark.parametrize(
    ("live", "taken", "found"),
    [
        ([("9", 0)], set(), "9"),
        ([("9", -2)], set(), None),  # older than the asking
        ([("9", 0)], {"9"}, None),  # of another story
        ([("1", 0)], set(), None),  # was there before
        ([("9", 0), ("8", 5)], set(), None),  # the person has posted one, too
        ([("9", 0), ("8", 5)], {"8"}, "9"),
        ([("9", 0)], None, None),  # don't guess
    ],
)
async def test_which_one_is_its_own(
    stage: LocalStage, live: list[tuple[str, int]], taken: set[str] | None, found: str | None
) -> None:
    await stage.story(1)
    asked = stage.clock()
    story = replace(await stage.get(), publish_requested_at=asked, live_before=["1"])
    whole = asked.replace(microsecond=0)
    there = [LiveStory(id_, "IMAGE", whole + timedelta(seconds=at), "") for id_, at in live]
    own = own_among(there, story, taken)
    assert (own.id if own else None) == found
    assert own_among(there, replace(story, live_before=None), taken) is None


# ---------------------------------------------------------------- figures


async def figures(stage: LocalStage) -> dict[tuple[int, str], int | str | None]:
    async with stage.database.read() as db:
        found = await stories.figures(db, 1)
    return {(one.hour, one.metric): one.reason if one.value is None else one.value for one in found}


async def test_figures_at_their_hours(stage: LocalStage) -> None:
    await stage.story(1)
    await stage.play()
    assert await stage.aftercare.measure() == 0
    stage.clock.advance(hours=1)
    assert await stage.aftercare.measure() == 12  # eight, and what navigation consists of
    asked = len(stage.meta.requests)
    assert await stage.aftercare.measure() == 0
    assert len(stage.meta.requests) == asked
    stage.clock.advance(hours=5)
    await stage.aftercare.measure()
    found = await figures(stage)
    assert {hour for hour, _ in found} == {1, 6}
    assert 0 < found[1, "reach"] < found[6, "reach"]  # type: ignore[operator]
    assert found[6, "tap_forward"] < found[6, "navigation"]  # type: ignore[operator]


async def test_a_missed_hour_and_a_refused_figure_are_said(stage: LocalStage) -> None:
    await stage.story(1)
    await stage.play()
    stage.clock.advance(hours=6)
    stage.meta.trouble_next(Call.MEDIA_INSIGHTS, documented(-1, 2207086))
    stage.meta.trouble_next(Call.MEDIA_INSIGHTS, documented(10))
    await stage.aftercare.measure()
    found = await figures(stage)
    assert found[1, "reach"] == MISSED
    assert found[6, "reach"] == "This was never shared to Facebook."
    assert "permission" in str(found[6, "views"]).lower()
    assert isinstance(found[6, "replies"], int)
    assert "meta_refused" not in await stage.said()
    stage.clock.advance(days=1)
    await stage.aftercare.measure()
    assert (await figures(stage))[23, "reach"] == MISSED


async def test_what_cannot_be_asked_is_asked_again_within_the_hour(stage: LocalStage) -> None:
    await stage.story(1)
    await stage.play()
    stage.clock.advance(hours=1)
    stage.meta.trouble_next(Call.MEDIA_INSIGHTS, documented(80002), skip=3)
    assert await stage.aftercare.measure() == 3
    assert await stage.aftercare.measure() == 9


# ---------------------------------------------------------------- copies


async def test_a_copy_goes_once_the_story_has_ended(stage: LocalStage) -> None:
    await stage.story(1)
    await stage.play(State.PROCESSING)
    assert await stage.aftercare.clear() == 0
    await stage.play()
    stage.cloud.switch("cloudinary-down", True)
    assert await stage.aftercare.clear() == 0
    stage.cloud.switch("cloudinary-down", False)
    assert await stage.aftercare.clear() == 1
    assert (stage.cloud.assets, await stage.aftercare.clear()) == ((), 0)


async def test_what_a_crash_left_there_is_swept_after_a_day(stage: LocalStage) -> None:
    await stage.story(1)
    await stage.play()
    async with stage.database.write() as db:
        for copy in await stories.spent_copies(db, stage.clock()):
            await stories.forget_copy(db, copy)
    assert await stage.aftercare.sweep() == 0
    stage.clock.advance(hours=25)
    assert await stage.aftercare.sweep() == 1
    assert stage.cloud.assets == ()
