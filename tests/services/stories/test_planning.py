"""Slots become stories, each once, whatever people change in between."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.stories.deciding import Deciding
from services.stories.planning import Planning
from storage import notices, stories, story_accounts, story_items
from storage.database import Database
from storage.notices import Notice
from storage.stories import Story
from storage.story_accounts import StoryAccount
from tests.services.stories.desk import Desk
from tests.support.clock import StillClock
from tests.support.rows import MIA, NOW, person

DAY = timedelta(days=1)
FRIDAY, SATURDAY = 4, 5  # NOW is a Friday, 13:00 in Berlin
EIGHTEEN = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)  # in Berlin


class Planner:
    """Mia's plan, with one category that asks half an hour before."""

    def __init__(self, desk: Desk, category_id: int) -> None:
        self.desk, self.account_id, self.category_id = desk, desk.account_id, category_id
        self.accounts, self.now = desk.accounts, desk.now
        self.planning = Planning(desk.database, desk.now)

    async def slots(self, *times: tuple[int, int]) -> None:
        """(weekday, hour), on Berlin's clock."""
        pairs = [(weekday, hour * 60) for weekday, hour in times]
        await self.accounts.add_slots(MIA, self.account_id, pairs)

    async def files(self, count: int, **columns: Any) -> list[int]:
        async with self.desk.database.write() as db:
            return [
                await add_file(db, self.account_id, **{"category_id": self.category_id} | columns)
                for _ in range(count)
            ]

    async def account(self) -> StoryAccount:
        return await self.accounts.one(MIA, self.account_id)

    async def stories(self) -> list[Story]:
        async with self.desk.database.read() as db:
            return await stories.of_account(db, self.account_id, stories.OPEN, 100)

    async def planned(self) -> list[str]:
        return [f"{one.slot_at:%d %H:%M}" for one in await self.stories()]

    async def told(self) -> list[Notice]:
        async with self.desk.database.read() as db:
            return await notices.due(db, self.now() + DAY)

    def at(self, moment: datetime, **later: float) -> None:
        self.now.advance(seconds=(moment + timedelta(**later) - self.now()).total_seconds())


async def add_file(db: Any, account_id: int, **columns: Any) -> int:
    return await story_items.add(
        db,
        account_id,
        NOW,
        state="ready",
        kind="photo",
        source="chat",
        name="beach.jpg",
        sha256="ab" * 32,
        original_key="stories/original",
        fitted_key="stories/fitted",
        **columns,
    )


@pytest.fixture
async def planner(desk: Desk) -> Planner:
    await desk.accounts.set_zone(MIA, desk.account_id, "Europe/Berlin")
    category = await desk.accounts.add_category(MIA, desk.account_id, "Promo")
    return Planner(desk, category.id)


# ---------------------------------------------------------------- filling


async def test_a_slot_is_filled_half_an_hour_ahead_and_once(planner: Planner) -> None:
    await planner.slots((FRIDAY, 18), (SATURDAY, 18))
    first, second = await planner.files(2)
    planner.at(EIGHTEEN, minutes=-31)
    assert await planner.planning.fill() == 0
    planner.at(EIGHTEEN, minutes=-29)
    assert [await planner.planning.fill() for _ in range(2)] == [1, 0]
    [story] = await planner.stories()
    assert (story.due_at, story.next_at) == (EIGHTEEN, EIGHTEEN - timedelta(minutes=30))
    assert (story.item_id, story.mode, story.state) == (first, "ask", "scheduled")
    planner.at(EIGHTEEN, minutes=60)
    assert await planner.planning.fill() == 0, "neither again nor anew"
    planner.at(EIGHTEEN + DAY)
    assert await planner.planning.fill() == 1
    assert [one.item_id for one in await planner.stories()] == [first, second]


@pytest.mark.usefixtures("templates")  # made before the loop runs
@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
async def test_two_clocks_at_once_fill_each_slot_once(
    dialect: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{dialect}_url")
    databases = [Database(url) for _ in range(3)]
    await person(databases[0])
    async with databases[0].write() as db:
        account_id = await story_accounts.add(db, MIA, "@mia", "UTC", NOW)
        category_id = await story_accounts.add_category(db, account_id, "Promo")
        await story_accounts.set_slots(db, account_id, [(FRIDAY, 12 * 60 + n) for n in range(9)])
        for _ in range(8):
            await add_file(db, account_id, category_id=category_id)
    now = StillClock(NOW)
    made = await asyncio.gather(*(Planning(one, now).fill() for one in databases))
    async with databases[0].read() as db:
        found = await stories.of_account(db, account_id, stories.OPEN, 100)
        told = await notices.due(db, NOW)
    for one in databases:
        await one.close()
    assert sum(made) == len(found) == len({one.item_id for one in found}) == 8
    assert [notice.kind for notice in told] == ["story_slot_empty"]


async def test_what_was_missed_for_hours_stays_missed(planner: Planner) -> None:
    await planner.slots((FRIDAY, 18), (FRIDAY, 20))
    await planner.files(2)
    planner.at(EIGHTEEN, hours=3)
    await planner.planning.fill()
    assert await planner.planned() == ["20 19:00"]


@pytest.mark.parametrize(("mode", "late"), [("automatic", "ask"), ("manual", "manual")])
async def test_a_slot_that_is_over_is_asked_about_before_it_goes_out(
    planner: Planner, mode: str, late: str
) -> None:
    """Reelay was away, or somebody has just added the slot: that must post nothing by itself."""
    await planner.accounts.set_mode(MIA, planner.category_id, mode)
    await planner.accounts.set_ask_minutes(MIA, planner.account_id, 0)
    await planner.slots((FRIDAY, 12), (FRIDAY, 18))
    await planner.files(2)
    await planner.planning.fill()
    planner.at(EIGHTEEN, minutes=-1)
    await planner.planning.fill()
    assert [one.mode for one in await planner.stories()] == [late, mode]


async def test_an_empty_slot_is_said_once_and_while_something_can_be_done(
    planner: Planner,
) -> None:
    await planner.slots((FRIDAY, 12), (FRIDAY, 18))  # the first one is over
    planner.at(EIGHTEEN, minutes=-29)
    for _ in range(2):
        assert await planner.planning.fill() == 0
    assert [notice.data["at"] for notice in await planner.told()] == [EIGHTEEN.isoformat()]
    await planner.files(1)
    assert await planner.planning.fill() == 1


# ---------------------------------------------------------------- what changes meanwhile


async def test_a_new_zone_moves_the_slots_to_come_and_nothing_that_is_planned(
    planner: Planner,
) -> None:
    await planner.slots((FRIDAY, 18), (SATURDAY, 18))
    await planner.files(3)
    planner.at(EIGHTEEN, minutes=-20)
    await planner.planning.fill()
    await planner.accounts.set_zone(MIA, planner.account_id, "America/New_York")
    await planner.planning.fill()
    assert await planner.planned() == ["20 17:00"]
    planner.at(EIGHTEEN + DAY)
    await planner.planning.fill()
    assert await planner.planned() == ["20 17:00"], "18:00 in New York is later"
    planner.at(EIGHTEEN + DAY, hours=6)
    await planner.planning.fill()
    assert await planner.planned() == ["20 17:00", "21 23:00"]


async def test_a_removed_slot_and_a_day_off_leave_what_is_planned(planner: Planner) -> None:
    await planner.slots((FRIDAY, 18), (SATURDAY, 18))
    await planner.files(2)
    planner.at(EIGHTEEN, minutes=-20)
    await planner.planning.fill()
    week = await planner.planning.week(await planner.account())
    first = week.slots[0]
    await planner.accounts.remove_slot(MIA, planner.account_id, first.weekday, first.minute)
    tomorrow = EIGHTEEN.date() + DAY
    await planner.accounts.add_blackout(MIA, planner.account_id, EIGHTEEN.date(), tomorrow)
    await planner.planning.fill()
    planner.at(EIGHTEEN + DAY)
    await planner.planning.fill()
    assert await planner.planned() == ["20 17:00"]
    after = await planner.planning.week(await planner.account(), 8)
    assert [f"{turn.at:%d %H:%M}" for turn in after.turns] == ["28 17:00"]


async def test_a_planned_story_keeps_its_file_though_that_was_removed(planner: Planner) -> None:
    await planner.slots((FRIDAY, 18), (SATURDAY, 18))
    [item_id] = await planner.files(1)
    planner.at(EIGHTEEN, minutes=-20)
    await planner.planning.fill()
    await planner.desk.set(item_id, removed_at=planner.now())
    planner.at(EIGHTEEN)
    await planner.desk.arrivals.sweep()
    assert (await planner.desk.item(item_id)).state == "ready"
    planner.at(EIGHTEEN + DAY)
    await planner.planning.fill()
    assert await planner.planned() == ["20 17:00"], "the plan does not take it again"


async def test_a_skipped_slot_stays_empty_and_its_file_comes_again(planner: Planner) -> None:
    await planner.slots((FRIDAY, 18), (SATURDAY, 18))
    [item_id] = await planner.files(1)
    planner.at(EIGHTEEN, minutes=-20)
    await planner.planning.fill()
    await Deciding(planner.desk.database, planner.now).skip(MIA, (await planner.stories())[0].id)
    assert await planner.planning.fill() == 0
    planner.at(EIGHTEEN + DAY)
    await planner.planning.fill()
    assert [one.item_id for one in await planner.stories()] == [item_id]


async def test_what_was_posted_rests_and_a_longer_lock_stays(planner: Planner) -> None:
    posted, locked, forever = await planner.files(3)
    far = planner.now() + 90 * DAY
    await planner.desk.set(locked, locked_until=far)
    await planner.desk.set(forever, locked=True)
    async with planner.desk.database.write() as db:
        for item_id in (posted, locked, forever):
            await story_items.used(db, item_id, planner.now())
    assert (await planner.desk.item(posted)).locked_until == planner.now() + 30 * DAY
    assert (await planner.desk.item(locked)).locked_until == far
    assert (await planner.desk.item(forever)).locked


async def test_one_file_and_one_slot_a_week_go_on_for_ever(planner: Planner) -> None:
    """Also over the change to summer time, and though posting takes a moment."""
    await planner.accounts.set_lock_days(MIA, planner.account_id, 7)
    await planner.slots((FRIDAY, 18))
    [item_id] = await planner.files(1)
    planner.at(datetime(2027, 3, 19, 17, 0, tzinfo=UTC))
    for _ in range(3):
        assert await planner.planning.fill() == 1
        async with planner.desk.database.write() as db:
            [story] = await stories.of_account(db, planner.account_id, stories.OPEN, 9)
            now = planner.now() + timedelta(minutes=2)
            await stories.move(db, story.id, now, from_states=["scheduled"], state="published")
            await story_items.used(db, item_id, now)
        planner.now.advance(days=7, minutes=-30)
        planner.now.advance(minutes=30)


# ---------------------------------------------------------------- how long it lasts


@pytest.mark.parametrize(("files", "warned"), [(3, 1), (4, 0)])
async def test_three_days_before_the_end_it_is_said_once_a_day(
    planner: Planner, files: int, warned: int
) -> None:
    await planner.slots(*((weekday, 14) for weekday in range(7)))  # in an hour
    await planner.files(files)
    assert [await planner.planning.warn() for _ in range(2)] == [warned, 0]
    told = [notice.data["days"] for notice in await planner.told()]
    assert told == [[[planner.category_id, 3]]] * warned
    week = await planner.planning.week(await planner.account())
    assert week.runway == {planner.category_id: files}
    planner.now.advance(hours=23)  # tomorrow in Berlin
    assert await planner.planning.warn() == warned


async def test_who_has_no_slots_or_no_share_is_not_warned(planner: Planner) -> None:
    assert await planner.planning.warn() == 0
    await planner.accounts.change_share(MIA, planner.category_id, 0)
    await planner.slots((FRIDAY, 18))
    assert await planner.planning.warn() == 0
    assert (await planner.planning.week(await planner.account())).runway == {}
