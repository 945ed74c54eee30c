"""Stories of followed accounts: each once, and nothing that goes wrong harms the timeline."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from sandbox.instagram.answers import Refusal
from sandbox.instagram.bad_days import Fault
from sandbox.instagram.mobile import stories as sandbox_stories
from services.feed import stories as room
from services.feed.fetching import TRIES
from services.feed.stories import LONG_REST, REST, whose_turn
from services.instagram.mobile_stories import StoryTray, TrayReel
from storage import feed_notices, feeds, followed_stories
from storage.followed_stories import Tally
from storage.tables import feed_items, posts, unread_items
from storage.tables import feeds as feed_table
from tests.services.feed.stage import Stage
from tests.support.rows import at

TRAY = "/api/v1/feed/reels_tray/"
REEL = "/api/v1/feed/user/"


@pytest.fixture
def stage(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Nobody tells a story but who is made to by `tell`; it lives for a day of the bot's clock."""
    monkeypatch.setattr(sandbox_stories, "_posts_in", lambda _author, _span: False)
    monkeypatch.setattr(stage.instagram._mobile.stories, "_now", stage.clock)
    return stage


async def switched_on(stage: Stage) -> None:
    await stage.poll()
    await stage.app.feed.home.switch_stories_on(stage.mia.user_id, stage.connection_id)
    stage.instagram.reset_log()


def tell(stage: Stage, who: int = 0) -> str:
    """A new story of this one of those whom Mia follows; its number."""
    author = stage.harness.sandbox.world.following("mia")[who].username
    return str(stage.instagram.tell_story(author).pk)


async def states(stage: Stage) -> dict[str, str]:
    """{platform id: state} in the feed of stories."""
    i = feed_items.c
    query = (
        sa.select(posts.c.platform_id, i.state)
        .join(posts, posts.c.id == i.post_id)
        .join(feed_table, feed_table.c.id == i.feed_id)
        .where(feed_table.c.lists == feeds.STORIES)
    )
    async with stage.app.database.read() as db:
        return {row[0]: row[1] for row in await db.execute(query)}


async def tally(stage: Stage) -> Tally:
    feed_id = (await stage.row()).stories_feed_id
    assert feed_id
    async with stage.app.database.read() as db:
        return await followed_stories.tally(db, feed_id, stage.clock())


def asked(stage: Stage) -> tuple[int, int]:
    """(for the tray, for single accounts)."""
    return len(stage.requests(TRAY)), len(stage.requests(REEL))


# ------------------------------------------------------------------ they arrive


async def test_they_are_archived_once_in_a_feed_of_their_own(stage: Stage) -> None:
    first = tell(stage)
    await switched_on(stage)
    revision, posted = (await stage.feed()).revision, await stage.items()
    assert await states(stage) == {}
    row = await stage.poll()
    assert (await states(stage), asked(stage)) == ({first: "shown"}, (1, 1))
    assert (await stage.items(), (await stage.feed()).revision) == (posted, revision)
    assert await tally(stage) == Tally(alive=1, unreadable=0, gone=0)
    assert row.stories_feed_id

    second = tell(stage)
    await stage.poll()
    await stage.poll()
    assert (await states(stage), asked(stage)) == ({first: "shown", second: "shown"}, (3, 2))

    stage.clock.advance(hours=25)  # gone from Instagram
    await stage.poll()
    async with stage.app.database.read() as db:
        listed = await feeds.newest(db, row.stories_feed_id, limit=9)
    assert [(one.kind, one.guid) for one in listed] == [
        ("story", f"tag:instagram.com,2010:{number}") for number in (second, first)
    ]
    assert (await tally(stage)).alive == 0


async def test_switched_off_or_read_a_moment_ago_nothing_is_asked(stage: Stage) -> None:
    tell(stage)
    home, user_id, number = stage.app.feed.home, stage.mia.user_id, stage.connection_id
    await stage.poll()
    assert asked(stage) == (0, 0)
    await switched_on(stage)
    await stage.poll()
    stage.clock.advance(minutes=2)
    assert await home.poll_now(user_id, number)
    await stage.poll()
    assert (asked(stage), len(stage.requests())) == ((1, 1), 2)
    await home.switch_stories_off(user_id, number)
    stage.clock.advance(hours=1)
    await stage.poll()
    assert asked(stage) == (1, 1)
    assert len(await states(stage)) == 1


async def test_so_many_accounts_in_one_poll_the_oldest_first(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MOST_ACCOUNTS", 2)
    told = []
    for who in (2, 0, 1):
        told.append(tell(stage, who))
        stage.clock.advance(minutes=1)
    await switched_on(stage)
    await stage.poll()
    assert (set(await states(stage)), asked(stage)) == ({*told[:2]}, (1, 2))
    await stage.poll()
    assert (set(await states(stage)), asked(stage)) == ({*told}, (2, 3))


def test_whose_turn_it_is() -> None:
    def reel(who: str, minutes: int, *ids: str, muted: bool = False) -> TrayReel:
        return TrayReel(who, who, at(minutes), ids, muted)

    known, some, numberless = reel("1", 1, "11"), reel("2", 5, "21", "22"), reel("3", 0)
    muted, mine, older = reel("4", 2, "41", muted=True), reel("me", 3, "51"), reel("6", 4, "61")
    tray = StoryTray((known, some, numberless, muted, mine, older), ())
    assert whose_turn(tray, {"11", "21"}, "me") == [older, some, numberless]


async def test_what_can_not_be_had_is_counted_and_not_asked_for_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(stage)
    await switched_on(stage)
    await stage.poll()
    draw = sandbox_stories.Stories._item
    monkeypatch.setattr(
        sandbox_stories.Stories,
        "_item",
        lambda self, story: draw(self, story) | {"taken_at": None},
    )
    unparsed = (await stage.row()).unparsed
    gone = tell(stage, 1)
    stage.clock.advance(seconds=1)
    odd = tell(stage, 2)
    stage.instagram.reset_log()
    stage.instagram.refuse_next(REEL, Refusal.NOT_FOUND)
    row = await stage.poll()
    await stage.poll()
    assert (asked(stage), row.state, row.stories_error) == ((2, 2), "due", None)
    assert await tally(stage) == Tally(alive=1, unreadable=1, gone=1)
    assert (await stage.row()).unparsed == unparsed + 1
    assert len(await states(stage)) == 1
    async with stage.app.database.read() as db:
        kept = (await db.execute(sa.select(unread_items.c.key))).scalars()
        assert {gone, odd} & set(kept) == {odd}


# ------------------------------------------------------------------ each failure and its outcome


async def test_what_passes_by_itself_harms_no_timeline(stage: Stage) -> None:
    await switched_on(stage)
    (post,), story = stage.publish(), tell(stage)
    for path, refusal, error, rest in (  # within the day that the story lives
        (TRAY, Refusal.RATE_LIMIT_BARE, "RateLimited", LONG_REST),
        (REEL, Refusal.FEEDBACK, "RateLimited", LONG_REST),
        (TRAY, Refusal.SERVER_ERROR, "Unavailable", REST),
        (REEL, Refusal.TIMEOUT, "Unavailable", REST),
        (TRAY, Refusal.UNKNOWN_SHAPE, "UpstreamChanged", REST),
        (REEL, Refusal.HTML, "UpstreamChanged", REST),
        (REEL, Refusal.GARBAGE, "UpstreamChanged", REST),
    ):
        polled, asks = (await stage.row()).polled, asked(stage)
        stage.instagram.refuse_next(path, refusal)
        row = await stage.poll()
        assert (row.state, row.polled, row.failures) == ("due", polled + 1, 0), refusal
        assert (row.stories_error, row.last_error) == (error, None), refusal
        assert asked(stage) == (asks[0] + 1, asks[1] + (path == REEL)), refusal
        assert row.stories_at
        assert timedelta(0) <= stage.clock() + rest - row.stories_at < timedelta(minutes=1)
        asks = asked(stage)
        row = await stage.poll()  # no freeze is left for the timeline
        assert (row.state, row.polled, asked(stage)) == ("due", polled + 2, asks), refusal
        stage.clock.advance(seconds=rest.total_seconds())
    assert (await states(stage), (await stage.items())[post]) == ({}, "shown")
    row = await stage.poll()
    assert (row.stories_error, await states(stage)) == (None, {story: "shown"})
    assert (await stage.told(), await stage.notices("feed_ill")) == ([], 0)


async def test_an_answer_that_nobody_can_read_keeps_no_other_account_waiting(stage: Stage) -> None:
    await switched_on(stage)
    odd = tell(stage, 0)
    stage.clock.advance(seconds=1)
    other = tell(stage, 1)
    stage.instagram.refuse_next(REEL, Refusal.HTML)
    row = await stage.poll()
    assert (row.stories_error, await states(stage)) == ("UpstreamChanged", {other: "shown"})
    stage.clock.advance(seconds=REST.total_seconds())
    await stage.poll()
    assert await states(stage) == {odd: "shown", other: "shown"}


@pytest.mark.parametrize(
    ("refusal", "error", "incident", "status"),
    [
        (Refusal.LOGIN_REQUIRED, "SessionRefused", "session_dead", "expired"),
        (Refusal.CHECKPOINT, "Checkpoint", "checkpoint", "blocked"),
    ],
)
async def test_an_account_that_is_refused_is_told_after_its_posts_are_listed(
    stage: Stage, refusal: Refusal, error: str, incident: str, status: str
) -> None:
    await switched_on(stage)
    (post,), story = stage.publish(), tell(stage)
    stage.clock.advance(seconds=1)
    tell(stage, 1)
    stage.instagram.refuse_next(REEL, refusal, skip=1)  # the second account's
    row = await stage.poll()
    assert (row.state, row.last_error, await stage.status()) == ("ill", error, status)
    assert ((await stage.items())[post], await states(stage)) == ("shown", {story: "shown"})
    assert await stage.told() == [(incident, False)]
    assert row.stories_feed_id
    async with stage.app.database.read() as db:
        told = await feed_notices.notices_of(db, row.stories_feed_id, closed_after=stage.clock())
    assert [one.kind for one in told] == [incident]
    if status == "blocked":
        await stage.app.feed.home.confirmed(stage.mia.user_id, stage.connection_id)
    else:
        await stage.renew_cookies()
    asks = asked(stage)
    assert ((await stage.poll()).state, asked(stage)) == ("due", asks)  # the timeline's first
    assert await stage.told() == [(incident, True)]


async def test_a_story_whose_file_does_not_come_is_tried_in_three_polls(stage: Stage) -> None:
    await switched_on(stage)
    expired, broken = tell(stage, 0), tell(stage, 1)
    for number, times in ((expired, 3), (broken, 3 * TRIES)):
        url = stage.instagram.file_url(int(number), "full")
        stage.instagram.break_next(url, Fault.FORBIDDEN, times=times)
    found = []
    for _ in range(TRIES):
        row = await stage.poll()
        assert (row.state, row.stories_error) == ("due", None)
        found.append(await states(stage))
    assert found == [
        {expired: "pending", broken: "pending"},
        {expired: "shown", broken: "pending"},  # Instagram gave fresh addresses
        {expired: "shown", broken: "placeholder"},
    ]
    assert asked(stage) == (3, 2 + 2 + 1)
    part = await stage.app.objects.part(f"feed-{stage.connection_id}-{broken}-1.part")
    part.write_bytes(b"x")
    await stage.app.feed.poll_job._files.fetch(row, (row.feed_id,), set())
    assert part.exists()  # what the timeline's part of a poll sweeps is not a story's
    part.unlink()
    await stage.poll()
    assert asked(stage) == (4, 5)


async def test_a_run_that_is_cut_short_among_the_stories_costs_no_timeline(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await switched_on(stage)
    (post,), _ = stage.publish(), tell(stage)

    async def bug(*_: object) -> None:
        raise KeyError("a bug of ours")

    with monkeypatch.context() as broken:
        broken.setattr(room.StoryReader, "_ask", bug)
        stage.clock.advance(hours=1)
        job = await stage.poll_job()
        with pytest.raises(KeyError):
            await stage.app.feed.poll_job.work(job)
        again = await stage.app.feed.poll_job.restart(job)
        assert again
        assert not await stage.app.feed.poll_job.work(again)
    row = await stage.row()
    assert (row.state, (await stage.items())[post], asked(stage)) == ("due", "shown", (0, 0))
    await stage.poll()
    assert len(await states(stage)) == 1


async def test_switched_off_in_mid_poll_they_stay_off(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await switched_on(stage)
    home, user_id, number = stage.app.feed.home, stage.mia.user_id, stage.connection_id
    stage.instagram.refuse_next(TRAY, Refusal.SERVER_ERROR)
    ask = room.StoryReader._ask

    async def off_meanwhile(*args: object) -> object:
        await home.switch_stories_off(user_id, number)
        return await ask(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(room.StoryReader, "_ask", off_meanwhile)
    row = await stage.poll()
    assert (row.state, row.stories_at, row.stories_error) == ("due", None, None)
