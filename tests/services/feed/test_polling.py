"""Polls through the real adapter: posts arrive once, and each outside failure has its outcome."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from sandbox.instagram.answers import Refusal
from sandbox.instagram.bad_days import Fault
from sandbox.world.posts import shortcode
from services.feed.fetching import TRIES
from storage import feeds
from storage.tables import feed_items, media, mobile_sessions, posts, samples, unread_items
from tests.services.feed.stage import PAGE, PAGES, Stage

# ------------------------------------------------------------------ posts arrive


async def test_the_first_poll_brings_all_pages_it_may_and_the_next_asks_once(stage: Stage) -> None:
    unreadable = stage.truth()[3]
    row = await stage.poll()
    wanted = [pk for pk in stage.truth()[: PAGES * PAGE] if pk != unreadable]
    assert await stage.items() == dict.fromkeys(wanted, "shown")
    assert (row.state, row.found, row.polled, row.requests) == ("due", len(wanted), 1, PAGES)
    assert (row.ads_skipped, row.unparsed, row.gaps) == (PAGES, 1, 0)
    assert await stage.told() == []
    revision = (await stage.feed()).revision

    stage.instagram.reset_log()
    row = await stage.poll()
    assert (row.polled, row.found, row.unparsed) == (2, len(wanted), 1)  # nothing counts twice
    assert len(stage.requests("/api/")) == 1
    assert (await stage.feed()).revision == revision

    async with stage.app.database.read() as db:
        (odd,) = (await db.execute(sa.select(unread_items.c.key, unread_items.c.raw))).all()
        guids = set((await db.execute(sa.select(feed_items.c.guid))).scalars())
    assert (odd.key, str(odd.raw["pk"])) == (unreadable, unreadable)
    assert guids == {f"tag:instagram.com,2010:{pk}" for pk in wanted}


async def test_what_is_new_is_found_and_too_much_of_it_is_a_gap(stage: Stage) -> None:
    await stage.poll()
    before = set(await stage.items())
    (new,) = stage.publish()
    row = await stage.poll()
    assert set(await stage.items()) - before == {new}
    assert (row.gaps, await stage.told()) == (0, [])

    stage.publish(PAGES * PAGE + 1)
    stage.instagram.reset_log()
    row = await stage.poll()
    found = set(await stage.items()) - before - {new}
    assert found == set(stage.truth()[: PAGES * PAGE])  # the oldest was out of reach
    assert (row.state, row.gaps, len(stage.requests())) == ("due", 1, PAGES)
    assert await stage.told() == [("gap", False)]
    await stage.poll()
    assert await stage.told() == [("gap", True)]
    assert await stage.notices("feed_ill") == 0


async def test_a_chain_that_was_cut_goes_on_where_it_stood(stage: Stage) -> None:
    await stage.poll()
    new = stage.publish(PAGE + 1)
    stage.refuse(Refusal.SERVER_ERROR, skip=1)  # page 1 comes, page 2 does not
    row = await stage.poll()
    assert (row.state, row.last_error) == ("waiting", "Unavailable")
    assert row.cursor is not None
    newest = stage.publish()
    await stage.restart()
    row = await stage.poll()
    assert (row.state, row.gaps, row.cursor) == ("due", 0, None)
    assert set(new) <= set(await stage.items())
    assert row.next_at <= stage.clock()  # the newest page was not looked at
    await stage.poll()
    assert set(newest) <= set(await stage.items())


async def test_a_place_that_instagram_forgot_is_a_gap_and_no_dead_end(stage: Stage) -> None:
    await stage.poll()
    stage.publish(2 * PAGE)
    stage.refuse(Refusal.UNKNOWN_SHAPE, skip=1, times=2)
    assert (await stage.poll()).cursor is not None
    row = await stage.poll()
    assert (row.state, row.cursor, row.gaps) == ("waiting", None, 1)
    assert (await stage.poll()).state == "due"


# ------------------------------------------------------------------ files


async def test_files_that_do_not_come_leave_a_placeholder_until_they_do(stage: Stage) -> None:
    await stage.poll()
    (new,) = stage.publish()
    url = stage.instagram.file_url(int(new), "full")
    stage.instagram.break_next(url, Fault.NOT_FOUND, times=3 * TRIES)
    for number in range(TRIES):
        assert (await stage.items()).get(new) == ("pending" if number else None)
        row = await stage.poll()
        assert row.state == "due"  # that one post is no reason to call the poll bad
    assert [(await stage.items(own=own))[new] for own in (True, False)] == ["placeholder"] * 2
    async with stage.app.database.read() as db:
        listed = await feeds.newest(db, row.feed_id, limit=1)
        assert [(one.state, await feeds.files_of(db, [one.post_id])) for one in listed] == [
            ("placeholder", {})
        ]
    revision = (await stage.feed()).revision
    await stage.poll()  # Instagram lists it again, and the file is there
    assert (await stage.items())[new] == "shown"
    assert (await stage.feed()).revision == revision + 1


async def test_what_an_import_brought_is_listed_without_a_second_download(stage: Stage) -> None:
    await stage.poll()
    (new,) = stage.publish()
    url = stage.instagram.file_url(int(new), "full")
    stage.instagram.break_next(url, Fault.NOT_FOUND, times=3)
    await stage.poll()
    assert (await stage.items())[new] == "pending"
    stage.mia.say(f"https://www.instagram.com/p/{shortcode(int(new))}/")
    await stage.mia.sees("✅ Done")
    async with stage.app.database.read() as db:
        planned = sa.select(samples.c.state).select_from(samples.join(media).join(posts))
        states = await db.execute(planned.where(posts.c.platform_id == new))
        assert list(states.scalars()) == ["pending"]  # the library knows it as one of its own
    stage.instagram.reset_log()
    await stage.poll()
    assert (await stage.items())[new] == "shown"
    assert not [one for one in stage.instagram.requests if not one.path.startswith("/api/")]


async def test_a_stop_in_mid_download_loses_nothing(stage: Stage) -> None:
    stage.instagram.break_next("/", Fault.SLOW, skip=2)
    stage.clock.advance(seconds=1)
    await stage.harness.tick("wake polls")
    async with asyncio.timeout(20):
        while "shown" not in (await stage.items()).values():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await stage.restart()
    row = await stage.rests()
    assert row.state == "due"
    assert set((await stage.items()).values()) == {"shown"}
    async with stage.app.database.read() as db:
        count = (await db.execute(sa.select(sa.func.count()).select_from(posts))).scalar_one()
    assert count == len(await stage.items()) == row.found


async def test_a_full_disk_waits(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def adopt(part: Path, key: str) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(stage.app.objects, "adopt", adopt)
        row = await stage.poll()
        assert (row.state, row.last_error) == ("waiting", "StorageFailed")
        assert set((await stage.items()).values()) == {"pending"}
    await stage.poll()
    assert set((await stage.items()).values()) == {"shown"}


async def test_only_parts_that_may_be_continued_stay(stage: Stage) -> None:
    await stage.poll()
    number = stage.connection_id
    for name in (f"feed-{number}-41-1.part", f"feed-{number}-41-1.part.from", "feed-99-42-1.part"):
        (await stage.app.objects.part(name)).write_bytes(b"x")
    stage.publish()
    await stage.poll()
    assert await stage.app.objects.parts("feed-") == []


# ------------------------------------------------------------------ failures, from first to last
# what one refusal leads to: test_outside_failures


async def test_a_dead_session_is_asked_once_and_goes_on_with_new_cookies(stage: Stage) -> None:
    await stage.poll()
    async with stage.app.database.read() as db:
        phone = (await db.execute(sa.select(mobile_sessions.c.sealed))).scalar_one()
    stage.instagram.bad_days.switch("session-dies", True)
    stage.instagram.reset_log()
    row = await stage.poll()
    assert (row.state, row.last_error, await stage.status()) == ("ill", "SessionRefused", "expired")
    for _ in range(3):
        stage.clock.advance(hours=1)
        await stage.harness.tick("heartbeat")
        await stage.harness.tick("wake polls")
        await stage.harness.tick("watch polls")
        await stage.harness.tick("alerts")  # they leave incidents alone that are not theirs
    assert len(stage.requests("/api/")) == 1
    assert await stage.told() == [("session_dead", False)]
    assert await stage.named() == ["", "Home of @mia"]
    card = await stage.mia.sees("has logged the account out")
    assert "🍪 Send new cookies" in stage.mia.labels(card)

    (new,) = stage.publish()
    await stage.renew_cookies()
    assert (await stage.poll()).state == "due"
    assert (await stage.items())[new] == "shown"
    assert await stage.told() == [("session_dead", True)]
    await stage.mia.sees("is read again")
    assert (await stage.notices("feed_ill"), await stage.notices("feed_well")) == (1, 1)
    async with stage.app.database.read() as db:
        assert (await db.execute(sa.select(mobile_sessions.c.sealed))).scalar_one() != phone


async def test_a_long_freeze_is_told_and_ends_by_itself(stage: Stage) -> None:
    await stage.poll()
    stage.refuse(Refusal.PLEASE_WAIT, times=3)
    told = []
    for _ in range(3):
        await stage.poll()
        told.append([kind for kind, _ in await stage.told()])
    assert told == [[], [], ["frozen"]]  # 5, 15, 45 minutes
    assert (await stage.poll()).state == "due"
    assert await stage.told() == [("frozen", True)]
    assert await stage.notices("feed_ill") == 1


async def test_an_hour_without_a_good_poll_is_told_once(stage: Stage) -> None:
    await stage.poll()
    good = (await stage.row()).last_good_at
    assert good is not None
    stage.refuse(Refusal.SERVER_ERROR, times=20)
    for _ in range(9):
        row = await stage.poll()
        await stage.harness.tick("alerts")
        silent = (stage.clock() - good).total_seconds() > 3600
        assert bool(await stage.told()) == silent
    assert (row.state, await stage.told()) == ("waiting", [("stale", False)])
    assert "feed_stale" not in await stage.alerts()  # the owner is the one who was told
    stage.instagram.forget_orders()
    stage.refuse(Refusal.LOGIN_REQUIRED)  # the same trouble has a better name now
    await stage.poll()
    assert await stage.told() == [("stale", True), ("session_dead", False)]
    assert (await stage.notices("feed_ill"), await stage.notices("feed_well")) == (2, 0)
    await stage.renew_cookies()
    await stage.poll()
    assert await stage.told() == [("stale", True), ("session_dead", True)]
    assert await stage.notices("feed_well") == 1


# ------------------------------------------------------------------ runs


async def test_runs_that_lead_nowhere_end_in_a_rest(stage: Stage) -> None:
    job = await stage.poll_job()
    for _ in range(2):
        again = await stage.app.feed.poll_job.restart(job)
        assert again is not None
        assert again.run == job.run + 1
        assert await stage.app.feed.poll_job.restart(job) is None  # that run is over
        job = again
    assert await stage.app.feed.poll_job.restart(job) is None
    row = await stage.row()
    assert (row.state, row.last_error) == ("ill", "NoProgress")
    assert await stage.told() == [("stale", False)]
    assert await stage.app.feed.poll_job.wake() == []
    assert (await stage.poll()).state == "due"  # after an hour
    assert await stage.told() == [("stale", True)]


async def test_a_run_that_is_not_wanted_any_more_does_nothing(stage: Stage) -> None:
    job = await stage.poll_job()
    await stage.app.feed.home.switch_off(stage.mia.user_id, stage.connection_id)
    assert not await stage.app.feed.poll_job.work(job)
    assert (await stage.row()).state == "off"
    await stage.switch_on()
    assert not await stage.app.feed.poll_job.work(job)  # an old run that wakes up late
    assert stage.requests("/api/") == []
    assert (await stage.poll()).state == "due"


async def test_a_feed_switched_off_in_mid_poll_keeps_what_it_has(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await stage.poll_job()
    ask = stage.app.feed.poll_job._sessions.ask

    async def off_meanwhile(connection_id: int, question: object) -> object:
        page = await ask(connection_id, question)  # type: ignore[arg-type]
        await stage.app.feed.home.switch_off(stage.mia.user_id, stage.connection_id)
        return page

    monkeypatch.setattr(stage.app.feed.poll_job._sessions, "ask", off_meanwhile)
    assert not await stage.app.feed.poll_job.work(job)
    assert ((await stage.row()).state, await stage.items()) == ("off", {})


async def test_a_poll_that_no_worker_takes_is_told(stage: Stage) -> None:
    await stage.poll_job()
    stage.clock.advance(minutes=61)
    await stage.harness.tick("watch polls")
    await stage.harness.tick("watch polls")
    assert await stage.told() == [("stale", False)]
    await stage.app.connecting.forget(stage.mia.user_id, stage.connection_id)
    await stage.harness.tick("watch polls")
    assert await stage.told() == [("stale", True)]  # there is nothing to repair any more
