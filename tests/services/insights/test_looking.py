"""An account's figures as they are shown, from what is stored."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from services.errors import BadInput, NotAllowed
from services.insights.figures import What
from services.insights.looking import CHARTED, HEADLINES, Looking
from services.insights.states import Reason
from storage import people, syncs
from storage.database import Database
from storage.syncs import SyncResult
from tests.services.insights import kept
from tests.support.clock import StillClock
from tests.support.queries import counted
from tests.support.rows import LEO, MIA, NOW, person

LAST = date(2026, 11, 19)


@pytest.fixture
def looking(database: Database) -> Looking:
    clock = StillClock(NOW)
    return Looking(database, kept.insights(database, clock), clock)


def days(count: int, last: date = LAST) -> list[date]:
    return [last - timedelta(n) for n in range(count)]


async def test_a_metric_over_some_days(database: Database, looking: Looking) -> None:
    mine = await kept.account(database)
    await kept.figures(database, mine, "reach", [(day, 10) for day in days(7)], revision=1)
    week = [(LAST - timedelta(7), 4), (LAST, 20)]
    await kept.figures(database, mine, "reach.week", week)
    sight = await looking.sight(MIA, 0, "reach", 7)
    assert (sight.account.id, sight.days, sight.sync) == (mine, 7, None)
    assert (sight.figure.headline.what, sight.figure.headline.value) == (What.UNIQUE, 20)
    assert (sight.figure.change.ratio, sight.revisions) == (4, 7)
    assert sight.figure.series.values == (10,) * 7
    assert (await looking.sight(MIA, mine, "reach", 28)).figure.headline.what is What.MEAN


async def test_what_the_last_sync_could_not_read_is_said_of_that_metric_only(
    database: Database, looking: Looking
) -> None:
    mine = await kept.account(database)
    refused = SyncResult("likes", error="PermissionMissing", message="x")
    for results in ([], [refused, SyncResult("saves", 3, 3)]):  # the newest counts
        async with database.write() as db:
            made = await syncs.start(db, mine, LAST, MIA, NOW)
            assert made is not None
            for one in results:
                await syncs.note(db, made[0], one)
            await syncs.move(db, made[0], NOW, from_states=syncs.UNFINISHED, state="done")
    likes, saves = await looking.sights(MIA, mine, ["likes", "saves"], 7)
    assert likes.missed is not None
    assert (likes.missed.error, saves.missed) == ("PermissionMissing", None)


async def test_the_days_are_those_that_are_over_where_the_person_is(
    database: Database, looking: Looking
) -> None:
    mine = await kept.account(database)
    async with database.write() as db:
        await people.change(db, MIA, zone="Pacific/Kiritimati")  # the 21st there
    sight = await looking.sight(MIA, mine, "likes", 7)
    assert sight.figure.span.last == LAST  # but at Meta the 20th goes on
    assert (await looking.sight(MIA, mine, "media_count", 7)).figure.span.last == NOW.date()


async def test_the_overview_has_every_headline_and_asks_once(
    database: Database, looking: Looking
) -> None:
    mine = await kept.account(database)
    await kept.figures(database, mine, "likes", [(day, 3) for day in days(14)])
    await kept.figures(database, mine, "views", [(day, 3) for day in days(14)])
    with counted(database) as statements:
        await looking.overview(MIA, mine, 7)
    few = len(statements)
    await kept.figures(database, mine, "views", [(day, 3) for day in days(180)[14:]])
    await kept.figures(database, mine, "followers_count", [(NOW.date(), 50)])
    with counted(database) as statements:
        overview = await looking.overview(MIA, mine, 90)
    assert len(statements) == few == 6, "\n".join(statements)
    assert tuple(one.metric.key for one in overview.figures) == HEADLINES
    told = {one.metric.key: one.headline.value for one in overview.figures}
    assert (told["views"], told["followers_count"], told["reach"]) == (270, 50, None)


async def test_the_best_are_of_the_days_and_by_reach(database: Database, looking: Looking) -> None:
    mine = await kept.account(database)
    begin = datetime(2026, 11, 13, tzinfo=NOW.tzinfo)
    for n, reach in enumerate((5, 9, 9)):
        posted_at = begin + timedelta(hours=n)
        await kept.post(database, mine, str(n), posted_at, LAST, reach=reach, views=1.5)
    await kept.post(database, mine, "untold", begin, LAST, views=7)
    await kept.post(database, mine, "before", begin - timedelta(seconds=1), LAST, reach=99)
    best = await looking.best(MIA, mine, 7)
    assert [(one.place, one.permalink[-2], one.reach) for one in best.posts.top] == [
        (1, "2", 9), (1, "1", 9), (3, "0", 5),
    ]  # fmt: skip
    assert (best.posts.known, best.posts.of, best.stories.of) == (3, 4, 0)
    assert (best.posts.top[0].views, best.posts.top[0].interactions) == (1.5, None)
    assert best.posts.top[0].may_grow


async def test_of_whom_the_audience_is_or_why_nobody_knows(
    database: Database, looking: Looking
) -> None:
    mine = await kept.account(database)
    key = "follower_demographics.age"
    for part, value in (("18-24", 30), ("25-34", 60), ("65+", 10)):
        await kept.figures(database, mine, key, [(LAST, value)], breakdown=f"age={part}")
    await kept.figures(
        database, mine, key, [(LAST, None)], breakdown="city", reason="too_few", said="100!"
    )
    age, gender, country, city = (await looking.audience(MIA, mine)).boards
    assert [(one.name, one.value, one.share) for one in age.entries] == [
        ("25-34", 60, 0.6), ("18-24", 30, 0.3), ("65+", 10, 0.1),
    ]  # fmt: skip
    assert (age.total, age.of, age.day, age.reason) == (100, 3, LAST, None)
    assert (city.reason, city.said, city.entries) == (Reason.TOO_FEW, "100!", ())
    assert (gender.reason, gender.read_at, country.of) == (None, None, 0)


async def test_a_digest_is_of_its_week(database: Database, looking: Looking) -> None:
    mine = await kept.account(database)
    monday = date(2026, 11, 9)
    await kept.figures(database, mine, "views", [(day, 1) for day in days(11)])
    await kept.figures(
        database, mine, "followers_count", [(monday + timedelta(7 * n), 10 + n) for n in range(2)]
    )
    await kept.post(database, mine, "p", NOW - timedelta(days=9), LAST, reach=5)
    told = await looking.digest(MIA, mine, monday)
    values = {one.metric.key: one.headline for one in told.figures}
    assert (values["views"].value, values["views"].known, values["views"].of) == (7, 7, 7)
    # the level of Sunday is read on Monday
    followers = next(one for one in told.figures if one.metric.key == "followers_count")
    assert (followers.headline.value, followers.change.difference) == (11, 1)
    assert (told.post.reach if told.post else None, told.posts, told.story) == (5, 1, None)


async def test_only_what_is_offered_and_theirs(database: Database, looking: Looking) -> None:
    mine = await kept.account(database)
    assert "reach.week" not in CHARTED
    for key, number in (("reach.week", 7), ("nothing", 7), ("reach", 8)):
        with pytest.raises(BadInput):
            await looking.sight(MIA, mine, key, number)
    await person(database, LEO)
    with pytest.raises(NotAllowed):
        await looking.overview(LEO, mine, 7)
