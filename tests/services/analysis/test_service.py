"""What a person does with analyses: limits, the archive, deletion, retention, addresses."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from sandbox.instagram import Instagram
from services.analysis.reports import LIFE, Reports
from services.analysis.service import AlreadyAnalysing, TooManyToday
from services.errors import NotAllowed, SessionRefused
from storage.tables import analyses, profiles, reels, unread_reels
from storage.tables import reports as report_table
from tests.services.analysis.stage import Stage
from tests.support.clock import StillClock
from tests.support.rows import LEO, MIA, person

ROSA = "rosa.reels"


async def rows(stage: Stage, table: sa.Table) -> int:
    async with stage.database.read() as db:
        return int((await db.execute(sa.select(sa.func.count()).select_from(table))).scalar_one())


async def test_a_second_tap_and_the_archive_of_a_day(stage: Stage, clock: StillClock) -> None:
    first = await stage.begin()
    with pytest.raises(AlreadyAnalysing) as caught:
        await stage.begin("@Rosa.Reels")
    assert caught.value.analysis_id == first
    await stage.rest(first)
    clock.advance(hours=23)
    again = await stage.service.begin(MIA, ROSA)
    assert (again.analysis_id, again.from_archive) == (first, True)
    assert stage.jobs.waiting == []
    clock.advance(hours=2)
    assert (await stage.service.begin(MIA, ROSA)).from_archive is False
    archived = await stage.service.archived(MIA, ROSA)
    assert archived is not None
    assert (archived.item.id, archived.account) == (first, "@mia")


async def test_ten_a_day_whatever_became_of_them(stage: Stage, clock: StillClock) -> None:
    for number in range(10):
        clock.advance(minutes=1)
        analysis_id = await stage.begin(f"somebody{number}")
        await stage.service.delete(MIA, analysis_id)
    with pytest.raises(TooManyToday) as caught:
        await stage.begin()
    assert (caught.value.free_at - clock()).total_seconds() == (24 * 60 - 9) * 60
    clock.advance(hours=24, minutes=-9)
    await stage.begin()


async def test_without_an_account_nothing_begins(stage: Stage) -> None:
    await person(stage.database, LEO)
    with pytest.raises(NotAllowed, match="no account"):
        await stage.service.begin(LEO, ROSA)
    async with stage.database.write() as db:
        await db.execute(sa.text("update connections set status = 'expired'"))
    with pytest.raises(SessionRefused) as caught:
        await stage.begin()
    assert "/connect" in caught.value.next_step
    assert await rows(stage, analyses) == 0


async def test_deleted_means_all_of_it_and_only_by_its_person(
    stage: Stage, instagram: Instagram, clock: StillClock
) -> None:
    instagram.bad_days.switch("odd-reels", True)
    item = await stage.analysed()
    addresses = Reports(stage.database, clock, base="http://here/")
    await addresses.make(MIA, item.id)
    for touch in (stage.service.delete, stage.service.view, stage.service.cancel, addresses.make):
        with pytest.raises(NotAllowed):
            await touch(LEO, item.id)
    assert await rows(stage, reels) == 66
    await stage.service.delete(MIA, item.id)
    for table in (analyses, reels, unread_reels, profiles, report_table):
        assert await rows(stage, table) == 0


async def test_other_peoples_profiles_are_kept_for_a_time_and_ones_own_stay(
    stage: Stage, instagram: Instagram, clock: StillClock
) -> None:
    instagram.fill("mia", 3)
    own, other = await stage.analysed("mia"), await stage.analysed()
    assert (own.state, other.state) == ("completed", "completed")
    clock.advance(days=89)
    assert await stage.service.sweep() == 0
    clock.advance(days=2)
    assert await stage.service.sweep() == 1
    assert [view.item.id for view in await stage.service.latest(MIA)] == [own.id]
    assert await rows(stage, reels) == 3
    assert await rows(stage, profiles) == 1


async def test_the_address_of_a_page_ends_or_is_taken_back(stage: Stage, clock: StillClock) -> None:
    item = await stage.analysed()
    addresses = Reports(stage.database, clock, base="http://here/")
    _, address = [await addresses.make(MIA, item.id) for _ in range(2)]
    start, _, token = address.url.rpartition("/")
    assert start == "http://here/reports"
    opened = await addresses.open(token)
    assert opened is not None
    assert (opened.analysis_id, opened.user_id) == (item.id, MIA)
    assert await addresses.open("A" * 22) is None
    assert await addresses.revoke(MIA, item.id) == 2
    assert await addresses.open(token) is None
    third = await addresses.make(MIA, item.id)
    clock.advance(seconds=LIFE.total_seconds())
    assert await addresses.open(third.url.rpartition("/")[2]) is None
    await stage.service.sweep()
    assert await rows(stage, report_table) == 0


async def test_whose_account_is_gone_goes_on_with_another(
    stage: Stage, instagram: Instagram
) -> None:
    analysis_id = await stage.begin()
    for _ in range(2):
        await stage.step()
    async with stage.database.write() as db:
        await db.execute(sa.text("delete from connections"))
    item = await stage.rest(analysis_id)
    assert (item.state, item.error, item.stored) == ("paused", "SessionRefused", 12)
    with pytest.raises(NotAllowed):
        await stage.service.resume(MIA, analysis_id)
    await stage.connect(instagram.world, "leo")
    assert await stage.service.resume(MIA, analysis_id)
    item = await stage.rest(analysis_id)
    assert (item.state, item.stored, item.listed) == ("completed", 72, 72)


async def test_to_try_again_is_to_look_again(stage: Stage, instagram: Instagram) -> None:
    item = await stage.analysed("zoe")
    assert (item.state, item.error) == ("failed", "NoReels")
    instagram.fill("zoe", 3)
    assert await stage.service.resume(MIA, item.id)
    item = await stage.rest(item.id)
    assert (item.state, item.error, item.stored, item.media_count) == ("completed", None, 3, 3)
