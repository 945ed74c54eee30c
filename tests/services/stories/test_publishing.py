"""Publications through the real client against the sandbox's Meta and Cloudinary."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.graph import Call, Fault, documented
from sandbox.world import World
from services.graph.account import Account as MetaAccount
from services.graph.account import LiveStory, Quota
from services.stories.deciding import AlreadyDecided
from services.stories.machine import State
from storage import stories
from storage.database import Database, Transaction
from storage.stories import Story
from tests.services.stories.stage import LocalStage, on_stage
from tests.support.rows import MIA

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("kind", ["photo", "video"])
async def test_a_story_goes_live(stage: LocalStage, kind: str) -> None:
    await stage.story(1, kind)
    story = await stage.play()
    [live] = stage.meta.live("mia")
    assert (story.state, story.media_id, story.posting_method) == ("published", live.id, "api")
    assert live.media_type == ("VIDEO" if kind == "video" else "IMAGE")
    assert await stage.events() == ["container", "asked", "published"]
    assert await stage.said() == ["story_published"]
    assert (stage.cloud.uploads, stage.count(Call.PUBLISH)) == (1, 1)
    assert not await stage.turn()


# ---------------------------------------------------------------- limits


async def test_a_used_up_quota_is_waited_for(stage: LocalStage) -> None:
    await stage.story(1)
    stage.meta.bad_days.switch("meta-quota", True)
    await stage.turn()
    story = await stage.get()
    assert (story.state, story.word) == ("preparing", "QuotaUsed")
    assert story.next_at - stage.clock() == 15 * MINUTE
    assert "no more posts" in story.detail
    assert stage.cloud.uploads == 0
    stage.clock.advance(minutes=16)
    await stage.turn()
    assert await stage.said() == ["story_waits"], "once"
    stage.meta.bad_days.switch("meta-quota", False)
    assert (await stage.play()).state == "published"
    assert (await stage.get()).detail == ""
    assert await stage.said() == ["story_waits", "story_published"]


async def test_a_quota_used_up_meanwhile_keeps_the_container(stage: LocalStage) -> None:
    await stage.story(1)
    await stage.play(State.PROCESSING)
    stage.meta.trouble_next(Call.PUBLISH, documented(9, 2207042))
    story = await stage.play(State.PUBLISHING)
    assert (story.word, story.next_at - stage.clock()) == ("QuotaUsed", 15 * MINUTE)
    stage.meta.containers.quota = 0
    asked = stage.count(Call.PUBLISH)
    for _ in range(3):
        stage.clock.advance(minutes=15)
        await stage.turn()
    assert stage.count(Call.PUBLISH) == asked
    stage.meta.containers.quota = 50
    assert (await stage.play()).state == "published"
    assert (stage.count(Call.CREATE), len(stage.meta.published)) == (1, 1)


async def test_a_rate_limit_is_not_prolonged(stage: LocalStage) -> None:
    await stage.story(1)
    await stage.play(State.PROCESSING)
    stage.meta.bad_days.switch("meta-rate-limit", True)
    stage.clock.advance(seconds=5)
    await stage.turn()
    story = await stage.get()
    assert (story.verdict, story.next_at - stage.clock()) == ("wait", 5 * MINUTE)
    stage.meta.bad_days.switch("meta-rate-limit", False)
    assert (await stage.play()).state == "published"


async def test_our_own_bound_holds_for_many_at_once(
    database: Database, tmp_path: Path, world: World
) -> None:
    async with on_stage(database, tmp_path / "media", world, per_hour=2) as stage:
        await stage.account(stage.meta.instagram_token("mia"))
        for _ in range(4):
            await stage.story(1)
        for _ in range(6):
            await stage.turn()
            stage.clock.advance(seconds=20)
        assert len(stage.meta.published) == 2
        held = await stage.get(3)
        assert (held.state, held.word) == ("processing", "QuotaUsed")
        assert "2 posts within an hour" in held.detail
        stage.clock.advance(minutes=58)
        for story_id in (3, 4):
            assert (await stage.play(story_id=story_id)).state == "published"
        assert len(stage.meta.published) == 4


async def test_two_at_the_same_moment_do_not_share_the_last_place(
    database: Database, tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, read = asyncio.Barrier(2), MetaAccount.stories

    async def together(account: MetaAccount) -> list[LiveStory]:
        await both.wait()
        return await read(account)

    monkeypatch.setattr(MetaAccount, "stories", together)
    async with on_stage(database, tmp_path / "media", world, per_hour=1) as stage:
        await stage.account(stage.meta.instagram_token("mia"))
        for _ in range(2):
            await stage.story(1)
        await stage.turn()
        stage.clock.advance(seconds=5)
        jobs = await stage.publishing.wake()
        await asyncio.gather(*(stage.publishing.work(job) for job in jobs))
        states = sorted([(await stage.get(story_id)).state for story_id in (1, 2)])
        assert states == ["processing", "published"]


# ---------------------------------------------------------------- the log-in


@pytest.mark.parametrize("at", [None, State.PROCESSING, State.PUBLISHING])
async def test_a_dead_log_in_is_said_once_and_waited_for(
    stage: LocalStage, at: State | None
) -> None:
    await stage.story(1)
    if at:
        await stage.play(State.PROCESSING)
    if at is State.PUBLISHING:
        stage.meta.trouble_next(Call.PUBLISH, Fault.LOST)
        await stage.play(State.PUBLISHING)
    stage.meta.revoke("mia")
    for _ in range(4):
        stage.clock.advance(minutes=5)
        await stage.turn()
    assert await stage.said() == ["meta_refused"]
    story = await stage.get()
    assert (story.verdict, story.word) == ("login", "TokenRefused")
    assert story.state == {None: "preparing", State.PUBLISHING: "unknown"}.get(at, at)
    asked = len(stage.meta.requests)
    stage.clock.advance(minutes=5)
    await stage.turn()
    assert len(stage.meta.requests) == asked, "a dead token was used again"

    await stage.logins.paste(MIA, stage.meta.instagram_token("mia"))
    assert (await stage.play()).state == "published"
    assert len(stage.meta.published) == 1


async def test_an_account_that_is_not_connected_waits(stage: LocalStage) -> None:
    await stage.story(1)
    await stage.logins.forget(MIA, 1)
    await stage.turn()
    story = await stage.get()
    assert (story.state, story.verdict, story.meta_id) == ("preparing", "login", None)
    assert "not connected" in story.detail


# ---------------------------------------------------------------- files that Meta can't fetch


async def test_meta_cannot_fetch_twice(stage: LocalStage) -> None:
    await stage.story(1)
    stage.meta.bad_days.switch("meta-no-fetch", True)
    story = await stage.play()
    assert (story.state, story.containers) == ("published", 2)
    assert len(stage.meta.published) == 1


async def test_meta_can_never_fetch(stage: LocalStage) -> None:
    await stage.story(1)
    stage.meta.trouble_next(Call.CREATE, documented(9004, 2207052), times=99)
    story = await stage.play()
    assert (story.state, stage.count(Call.CREATE)) == ("by_hand", 4)
    assert "could not download" in story.detail
    assert await stage.said() == ["story_waits", "story_by_hand"]
    # another try on another day begins from nothing
    stage.meta.forget_orders()
    stage.meta.trouble_next(Call.CREATE, documented(9004, 2207052))
    await stage.deciding.postpone(MIA, 1, stage.clock() + timedelta(days=1))
    stage.clock.advance(days=1)
    await stage.deciding.turn()
    assert (await stage.play()).state == "published"


async def test_the_cloud_is_down_for_a_while_and_for_good(stage: LocalStage) -> None:
    await stage.story(1)
    stage.cloud.switch("cloudinary-down", True)
    await stage.turn()
    assert (await stage.get()).word == "HostingFailed"
    stage.cloud.switch("cloudinary-down", False)
    assert (await stage.play()).state == "published"

    await stage.story(1)
    stage.cloud.switch("cloudinary-down", True)
    story = await stage.play(story_id=2)
    assert (story.state, len(stage.meta.published)) == ("by_hand", 1)
    assert "where Meta can fetch it" in story.detail


async def test_a_film_can_be_uploaded_where_there_is_no_cloud(
    database: Database, tmp_path: Path, world: World
) -> None:
    async with on_stage(database, tmp_path / "media", world, hosted=False) as stage:
        await stage.account(stage.meta.page_token("mia"))
        await stage.story(1, "video")
        await stage.story(1, "photo")
        assert (await stage.play()).state == "published"
        photo = await stage.play(story_id=2)
        assert (photo.state, photo.word) == ("by_hand", "HostingRefused")
        assert stage.count(Call.UPLOAD) == 1


# ---------------------------------------------------------------- containers that die


@pytest.mark.parametrize("subcode", [2207053, 2207082, 2207077, 2207001])
async def test_a_dead_container_is_replaced(stage: LocalStage, subcode: int) -> None:
    await stage.story(1)
    stage.meta.fail_next(subcode)
    assert (await stage.play()).state == "published"
    assert (stage.count(Call.CREATE), stage.count(Call.PUBLISH)) == (2, 1)


@pytest.mark.parametrize(("subcode", "made"), [(2207053, 4), (2207077, 2), (2207026, 1)])
async def test_not_for_ever(stage: LocalStage, subcode: int, made: int) -> None:
    await stage.story(1)
    stage.meta.fail_next(*[subcode] * 9)
    assert (await stage.play()).state == "by_hand"
    assert (stage.count(Call.CREATE), stage.count(Call.PUBLISH)) == (made, 0)


async def test_what_is_never_finished_is_asked_about(stage: LocalStage) -> None:
    await stage.story(1)
    stage.meta.bad_days.switch("meta-stuck", True)
    began = stage.clock()
    story = await stage.play()
    assert (story.state, story.container_id) == ("asking", None)
    assert timedelta(hours=2) < stage.clock() - began < timedelta(hours=2, minutes=6)
    assert await stage.said() == ["story_ask"]
    stage.meta.bad_days.switch("meta-stuck", False)
    await stage.deciding.approve(MIA, 1, at_once=True)
    stage.clock.advance(seconds=30)
    await stage.deciding.turn()
    assert (await stage.play()).state == "published"
    assert len(stage.meta.published) == 1


async def test_one_that_was_asked_for_and_expires_is_asked_about(stage: LocalStage) -> None:
    await stage.story(1)
    stage.meta.trouble_next(Call.PUBLISH, documented(9007, 2207027))
    await stage.play(State.PUBLISHING)
    stage.meta.bad_days.switch("meta-stuck", True)
    stage.clock.advance(hours=23)
    await stage.turn()
    assert (await stage.get()).state == "publishing"
    stage.clock.advance(hours=1)
    assert (await stage.play()).state == "asking"
    assert (len(stage.meta.published), stage.count(Call.PUBLISH)) == (0, 1)


# ---------------------------------------------------------------- people


async def test_a_late_story_asks_again(stage: LocalStage) -> None:
    await stage.story(1)
    stage.clock.advance(hours=2, seconds=1)
    story = await stage.play()
    assert (story.state, story.asked_at) == ("asking", stage.clock())
    assert await stage.said() == ["story_ask"]
    assert stage.count(Call.CREATE) == 0


@pytest.mark.parametrize("state", [State.PREPARING, State.PROCESSING])
async def test_a_person_takes_it_from_a_job_under_way(
    stage: LocalStage, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of its step: what the job does then is not stored, nor asked for."""
    await stage.story(1)
    await stage.play(state)
    stage.clock.advance(seconds=10)
    read = MetaAccount.quota

    async def meanwhile(account: MetaAccount) -> Quota:
        await stage.deciding.take_by_hand(MIA, 1)
        return await read(account)

    monkeypatch.setattr(MetaAccount, "quota", meanwhile)
    await stage.turn()
    assert (await stage.get()).state == "by_hand"
    assert (stage.count(Call.PUBLISH), await stage.said()) == (0, ["story_by_hand"])
    story = await stage.deciding.posted(MIA, 1)
    assert (story.state, story.posting_method) == ("posted", "manual")


async def test_a_worker_that_was_given_up_asks_for_nothing(
    stage: LocalStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was believed to be dead in the middle of its step, and another one went on."""
    await stage.story(1)
    await stage.play(State.PROCESSING)
    stage.clock.advance(seconds=10)
    read, gone_on = MetaAccount.quota, False
    stage.meta.trouble_next(Call.PUBLISH, Fault.DROPPED)

    async def meanwhile(account: MetaAccount) -> Quota:
        nonlocal gone_on
        if not gone_on:
            gone_on = True
            await stage.reconcile()
        return await read(account)

    monkeypatch.setattr(MetaAccount, "quota", meanwhile)
    await stage.turn()
    story = await stage.get()
    assert (story.state, story.publishes, stage.count(Call.PUBLISH)) == ("publishing", 1, 1)
    assert (await stage.play()).state == "published"


async def test_once_it_was_asked_for_nobody_takes_it(stage: LocalStage) -> None:
    await stage.story(1)
    stage.meta.trouble_next(Call.PUBLISH, Fault.DROPPED)
    await stage.play(State.PUBLISHING)
    with pytest.raises(AlreadyDecided):
        await stage.deciding.take_by_hand(MIA, 1)
    assert (await stage.play()).state == "published"


# ---------------------------------------------------------------- dead processes


async def test_a_run_that_breaks_off_three_times_goes_to_a_person(stage: LocalStage) -> None:
    await stage.story(1)
    await stage.publishing.wake()
    for _ in range(3):
        [job] = await stage.publishing.stranded(stage.clock() + MINUTE)
        await stage.publishing.restart(job)
    story = await stage.get()
    assert (story.state, story.word) == ("by_hand", "StorageFailed")
    assert not await stage.publishing.stranded(stage.clock() + MINUTE)


async def test_a_run_that_is_given_up_just_when_a_person_takes_it_is_theirs(
    stage: LocalStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.story(1)
    await stage.publishing.wake()
    for _ in range(2):
        [job] = await stage.publishing.stranded(stage.clock() + MINUTE)
        await stage.publishing.restart(job)
    [job] = await stage.publishing.stranded(stage.clock() + MINUTE)
    read = stories.get

    async def just_before(db: Transaction, story_id: int) -> Story | None:
        story = await read(db, story_id)
        monkeypatch.setattr(stories, "get", read)
        await stage.deciding.take_by_hand(MIA, 1)
        return story

    monkeypatch.setattr(stories, "get", just_before)
    assert await stage.publishing.restart(job) is None
    assert (await stage.get()).decided_by == MIA
    assert (await stage.said()).count("story_by_hand") == 1


async def test_but_not_what_was_asked_for(stage: LocalStage) -> None:
    await stage.story(1)
    stage.meta.trouble_next(Call.PUBLISH, Fault.LOST)
    await stage.play(State.PUBLISHING)
    stage.clock.advance(seconds=31)
    await stage.publishing.wake()
    for _ in range(3):
        [job] = await stage.publishing.stranded(stage.clock() + MINUTE)
        await stage.publishing.restart(job)
    assert (await stage.get()).state == "publishing"
    assert (await stage.play()).state == "published"


async def test_an_old_run_does_nothing(stage: LocalStage) -> None:
    await stage.story(1)
    stage.meta.requests.reset()
    [job] = await stage.publishing.wake()
    assert await stage.publishing.restart(job)
    await stage.publishing.work(job)
    assert len(stage.meta.requests) == 0
    async with stage.database.read() as db:
        assert [one.id for one in await stories.stranded(db, stage.clock() + MINUTE)] == [1]
