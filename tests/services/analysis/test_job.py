"""Analyses through the real adapters: every reel once, and each outside failure has its outcome."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sandbox.graph import Call, Meta, documented
from sandbox.instagram import Instagram
from sandbox.instagram.answers import Refusal
from sandbox.world import World
from services.analysis.views import profile_of
from services.errors import Unavailable
from storage import analysis
from storage.tables import notices, profiles, reels, unread_reels
from tests.services.analysis.stage import CLIPS, Stage
from tests.support.clock import StillClock
from tests.support.rows import MIA

ROSA = "rosa.reels"
PAGE = 12


def truth(instagram: Instagram, name: str = ROSA) -> list[str]:
    return [str(reel.pk) for reel in instagram.reels(name)]


async def told(stage: Stage) -> list[str]:
    async with stage.database.read() as db:
        return list((await db.execute(sa.select(notices.c.kind).order_by(notices.c.id))).scalars())


# ------------------------------------------------------------------ all is well


async def test_a_profile_with_all_its_reels(
    stage: Stage, instagram: Instagram, world: World
) -> None:
    analysis_id = await stage.begin("https://www.instagram.com/Rosa.Reels/?igsh=1")
    seen = [(await stage.get(analysis_id)).percent]
    while stage.jobs.waiting:
        await stage.step()
        seen.append((await stage.get(analysis_id)).percent)
    item = await stage.get(analysis_id)
    wanted = truth(instagram)
    assert sorted(await stage.stored(analysis_id)) == sorted(wanted)
    assert (item.state, item.stored, item.unread, item.more) == ("completed", 72, 0, False)
    assert seen == sorted(seen)
    assert (seen[0], seen[1], seen[-1]) == (0, 30, 100)
    assert all(30 <= percent < 80 for percent in seen[1:-1])
    assert len([r for r in instagram.requests if r.path == CLIPS]) == len(wanted) / PAGE
    assert await told(stage) == ["analysis_ended"]

    profile = profile_of(item)
    assert profile is not None
    person = world.person(ROSA)
    assert person is not None
    assert (profile.platform_id, profile.full_name) == (str(person.pk), person.full_name)
    assert profile.media_count == len(world.posts_by(ROSA))
    found = {reel.platform_id: reel for reel in await stage.service.all_reels(MIA, analysis_id)}
    for post in instagram.reels(ROSA):
        reel = found[str(post.pk)]
        assert reel.likes == (None if post.hides_likes else post.likes)
        assert (reel.plays, reel.views, reel.comments) == (post.plays, None, post.comments)
        assert (reel.taken_at, reel.shortcode) == (
            post.taken_at.replace(microsecond=0),
            post.code,
        )
        assert reel.seconds == post.pieces[0].seconds
        assert (reel.audio is not None) == (post.pieces[0].sound.value != "none")
    assert sum(reel.likes is None for reel in found.values()) == 8


async def test_no_more_than_wanted_and_it_says_so(stage: Stage, instagram: Instagram) -> None:
    stage.service._reel_limit = 30
    item = await stage.analysed()
    assert (item.state, item.stored, item.is_cut) == ("completed", 30, True)
    assert set(await stage.stored(item.id)) == set(truth(instagram)[:30])


async def test_who_is_connected_at_meta_is_looked_up_there(
    stage: Stage, instagram: Instagram, meta: Meta, world: World
) -> None:
    assert stage.logins is not None
    await stage.logins.paste(MIA, meta.facebook_token("mia", is_long=True))
    item = await stage.analysed()
    assert (item.state, item.source, item.percent) == ("completed", "meta", 100)
    assert sorted(await stage.stored(item.id)) == sorted(truth(instagram))  # the app's numbers
    assert item.listed == len(world.posts_by(ROSA))
    by_number = {str(post.pk): post for post in instagram.reels(ROSA)}
    for reel in await stage.service.all_reels(MIA, item.id):
        post = by_number[reel.platform_id]
        likes = None if post.hides_likes else post.likes
        assert (reel.likes, reel.views, reel.plays) == (likes, post.plays, None)
    assert not [request for request in instagram.requests if request.path == CLIPS]

    item = await stage.analysed("quietframes")  # no professional account
    assert (item.state, item.source, item.not_by_meta) == ("completed", "app", "not_found")
    assert set(await stage.stored(item.id)) == set(truth(instagram, "quietframes"))


async def test_a_log_in_that_is_refused_at_meta_leaves_the_app(stage: Stage, meta: Meta) -> None:
    assert stage.logins is not None
    [account] = await stage.logins.paste(MIA, meta.facebook_token("mia", is_long=True))
    meta.revoke("mia")
    item = await stage.analysed()
    assert (item.state, item.source, item.not_by_meta) == ("completed", "app", "refused")
    [after] = await stage.logins.of_user(MIA)
    assert (after.id, after.problem is not None) == (account.id, True)


async def test_meta_without_an_app_says_its_three_reasons(
    stage: Stage, meta: Meta, world: World
) -> None:
    assert stage.logins is not None
    await stage.logins.paste(MIA, meta.facebook_token("mia", is_long=True))
    async with stage.database.write() as db:
        await db.execute(sa.text("update connections set status = 'expired'"))
    item = await stage.analysed("quietframes")
    assert (item.state, item.error) == ("failed", "MetaNotFound")
    assert "personal" in item.message
    assert "/connect" in item.next_step
    meta.trouble_next(Call.ACCOUNT, documented(80002))
    item = await stage.analysed()
    assert (item.state, item.error) == ("waiting", "MetaRateLimited")


# ------------------------------------------------------------------ whom nobody can look at


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("nobody.at.all", "ProfileMissing"),
        ("locked.diary", "ProfilePrivate"),
        ("midnight.still", "ProfileGated"),
        ("zoe", "NoReels"),
    ],
)
async def test_each_has_its_own_sentence(stage: Stage, name: str, error: str) -> None:
    item = await stage.analysed(name)
    assert (item.state, item.error) == ("failed", error)
    assert item.message
    assert item.next_step
    assert await told(stage) == ["analysis_ended"]


async def test_who_has_another_name_is_found_and_keeps_the_history(
    stage: Stage, instagram: Instagram, clock: StillClock
) -> None:
    first = await stage.analysed()
    instagram.rename(ROSA, "rosa.moves")
    clock.advance(days=2)
    second = await stage.analysed()
    assert (second.state, second.username, second.renamed) == ("completed", "rosa.moves", True)
    assert second.profile_id == first.profile_id
    third = await stage.analysed("rosa.moves", anew=True)
    assert (third.profile_id, third.renamed) == (first.profile_id, False)
    previous = await stage.service.previous(MIA, third.id)
    assert previous is not None
    assert previous.item.id == second.id
    async with stage.database.read() as db:
        names = list((await db.execute(sa.select(profiles.c.username))).scalars())
    assert names == ["rosa.moves"]


# ------------------------------------------------------------------ bad days


async def test_a_429_on_page_3_cuts_nothing(
    stage: Stage, instagram: Instagram, clock: StillClock
) -> None:
    instagram.bad_days.switch("reels-throttled", True)
    item = await stage.analysed()
    assert (item.state, item.error, item.stored) == ("waiting", "RateLimited", 2 * PAGE)
    assert item.wait_until is not None
    assert item.wait_until > clock()
    assert await stage.wake() == 0
    clock.advance(seconds=(item.wait_until - clock()).total_seconds())
    assert await stage.wake() == 1
    item = await stage.rest(item.id)
    assert (item.state, item.error, item.message) == ("completed", None, "")
    assert sorted(await stage.stored(item.id)) == sorted(truth(instagram))


async def test_an_odd_reel_in_each_page_loses_itself_only(
    stage: Stage, instagram: Instagram
) -> None:
    instagram.bad_days.switch("odd-reels", True)
    item = await stage.analysed()
    odd = set(truth(instagram)[4::PAGE])
    assert (item.state, item.stored, item.unread) == ("completed", 66, 6)
    assert set(await stage.stored(item.id)) == set(truth(instagram)) - odd
    async with stage.database.read() as db:
        assert set((await db.execute(sa.select(unread_reels.c.key))).scalars()) == odd


async def test_a_dead_session_waits_for_a_new_one(
    stage: Stage, instagram: Instagram, world: World
) -> None:
    instagram.refuse_next(CLIPS, Refusal.LOGIN_REQUIRED, skip=2)
    item = await stage.analysed()
    assert (item.state, item.error, item.stored) == ("paused", "SessionRefused", 2 * PAGE)
    assert await told(stage) == ["analysis_paused"]
    assert await stage.wake() == 0
    await stage.connect(world, session="new")
    assert await stage.wake() == 1
    item = await stage.rest(item.id)
    assert (item.state, len(await stage.stored(item.id))) == ("completed", 72)


@pytest.mark.parametrize("refusal", [Refusal.SERVER_ERROR, Refusal.GARBAGE, Refusal.UNKNOWN_SHAPE])
async def test_what_is_not_well_is_tried_again_and_not_for_ever(
    stage: Stage, instagram: Instagram, clock: StillClock, refusal: Refusal
) -> None:
    instagram.refuse_next(CLIPS, refusal, skip=1, times=100)
    item = await stage.analysed()
    tries = 1
    while item.state == "waiting":
        assert item.stored == PAGE
        assert item.wait_until is not None
        clock.advance(seconds=(item.wait_until - clock()).total_seconds())
        assert await stage.wake() == 1
        item = await stage.rest(item.id)
        tries += 1
    assert (item.state, tries) == ("failed", 5)
    instagram.forget_orders()
    assert await stage.service.resume(MIA, item.id)
    item = await stage.rest(item.id)
    assert (item.state, len(await stage.stored(item.id))) == ("completed", 72)


# ------------------------------------------------------------------ stop and go


async def test_what_was_cut_short_goes_on_at_its_page(stage: Stage, instagram: Instagram) -> None:
    analysis_id = await stage.begin()
    for _ in range(4):
        await stage.step()
    stage.jobs.waiting.clear()  # the process is gone
    instagram.reset_log()
    await stage.reconcile()
    item = await stage.rest(analysis_id)
    assert (item.state, len(await stage.stored(analysis_id))) == ("completed", 72)
    assert len([r for r in instagram.requests if r.path == CLIPS]) == 3


async def test_three_runs_that_bring_nothing_are_the_end(stage: Stage) -> None:
    analysis_id = await stage.begin()
    for _ in range(3):
        stage.jobs.waiting.clear()
        await stage.reconcile()
    item = await stage.get(analysis_id)
    assert (item.state, item.error) == ("failed", "NoProgress")


async def test_canceled_means_at_once(stage: Stage, instagram: Instagram) -> None:
    analysis_id = await stage.begin()
    for _ in range(2):
        await stage.step()
    running = await stage.get(analysis_id)
    assert await stage.service.cancel(MIA, analysis_id)
    assert not await stage.service.cancel(MIA, analysis_id)
    instagram.reset_log()
    item = await stage.rest(analysis_id)
    assert (item.state, item.stored, len(instagram.requests)) == ("canceled", PAGE, 0)
    # the page that was on its way finds the fence closed
    await stage.job._stop(running, Unavailable())
    assert (await stage.get(analysis_id)).state == "canceled"


async def test_a_reel_that_is_pinned_is_there_once(stage: Stage, instagram: Instagram) -> None:
    """Two pages that overlap: what a page has brought before is passed over."""
    analysis_id = await stage.begin()
    await stage.step()
    await stage.step()
    async with stage.database.write() as db:
        await analysis.move(db, analysis_id, stage.clock(), from_states=["processing"], cursor=None)
    item = await stage.rest(analysis_id)
    assert (item.state, item.stored, item.listed) == ("completed", 72, 84)
    async with stage.database.read() as db:
        assert (await db.execute(sa.select(sa.func.count()).select_from(reels))).scalar() == 72
