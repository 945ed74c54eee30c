"""Own posts and reels, day by day, against the sandbox's Meta: every figure as it is there, once a
day, and the truth about those that are not told."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, timedelta

import httpx
import pytest
import sqlalchemy as sa

from sandbox.graph import Call, Fault, Meta, documented
from sandbox.graph.own_posts import OwnPost, figure
from sandbox.graph.refusals import Refusal
from services.errors import (
    ContainerInDoubt,
    MetaChanged,
    MetaError,
    MetaNotFound,
    MetaRateLimited,
    MetaSaid,
    MetaUnavailable,
    NotMeasured,
    PermissionMissing,
    RequestRefused,
    TokenRefused,
)
from services.graph.account import Account
from services.graph.wire import Addresses, Flavour, GraphClient
from services.insights import posts
from services.insights.metrics import MEDIA_METRICS
from services.insights.posts import Posts, PostsRead, due, refused
from services.insights.states import Reason
from storage.database import Database, Transaction
from storage.insight_media import Post, Reading
from storage.tables import insight_media, media_values
from storage.vault import Secret
from tests.services.insights import kept
from tests.support.clock import StillClock
from tests.support.rows import NOW

DAY = timedelta(days=1)
ALL = 10**6
Row = tuple[float | None, str | None, str]


async def _at_once(_seconds: float) -> None:
    pass


class Desk:
    """Reads the posts of one account as the job of a sync does."""

    def __init__(self, database: Database, meta: Meta, clock: StillClock, own: int) -> None:
        self.database, self.meta, self.clock = database, meta, clock
        self.account_id = own
        self.posts = Posts(database, clock)
        self.noted = PostsRead()
        self.started_at = clock()
        self.fence: Exception | None = None
        self.http = httpx.AsyncClient(trust_env=False)
        self.account = self.open(Flavour.FACEBOOK)

    def open(self, flavour: Flavour, name: str = "mia") -> Account:
        at = self.meta.addresses
        addresses = Addresses(at["graph.facebook.com"], at["graph.instagram.com"])
        client = GraphClient(self.http, self.clock, addresses=addresses, sleep=_at_once)
        by_page = flavour is Flavour.FACEBOOK
        token = self.meta.page_token(name) if by_page else self.meta.instagram_token(name)
        return Account(client, flavour, self.meta.people.account(name).id, Secret(token))

    @property
    def day(self) -> date:
        return (self.started_at - DAY).date()

    @property
    def young(self) -> list[OwnPost]:
        """The posts whose figures are due."""
        since = self.started_at - posts.MEASURED_FOR
        own = self.meta.own_posts.of(self.meta.people.account("mia"))
        return [post for post in own if post.at >= since]

    def begin(self, **later: float) -> None:
        """Another sync, so much later."""
        self.clock.advance(**later)
        self.started_at = self.clock()
        self.noted = PostsRead()

    async def note(self, _db: Transaction, read: PostsRead) -> None:
        if self.fence is not None:
            raise self.fence
        self.noted += read

    async def read(self, budget: int = ALL) -> PostsRead:
        before = self.noted
        self.noted = PostsRead()
        try:
            read = await self.posts.read(
                self.account, self.account_id, self.day, self.started_at, budget, self.note
            )
            assert self.noted == PostsRead(
                read.requests, read.fetched, read.written, read.skipped, read.errors
            )
            return read
        finally:
            self.noted = before + self.noted

    async def rows(self, day: date | None = None) -> dict[tuple[str, str], Row]:
        """{(Meta's id, metric): (value, reason, Meta's words)}"""
        v = media_values.c
        query = (
            sa.select(insight_media.c.media_id, v.metric, v.value, v.reason, v.said)
            .join(insight_media, insight_media.c.id == v.media_row)
            .where(v.day == (day or self.day))
        )
        async with self.database.read() as db:
            return {(row[0], row[1]): (row[2], row[3], row[4]) for row in await db.execute(query)}

    async def reasons(self) -> Counter[str | None]:
        return Counter(reason for _, reason, _ in (await self.rows()).values())

    def asked(self, call: Call) -> int:
        return sum(one.call is call for one in self.meta.requests)


@pytest.fixture
async def desk(database: Database, meta: Meta, clock: StillClock) -> AsyncIterator[Desk]:
    made = Desk(database, meta, clock, await kept.account(database))
    yield made
    await made.http.aclose()


@pytest.fixture
def few(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Only the newest posts are due: there is less to ask."""
    monkeypatch.setattr(posts, "MEASURED_FOR", timedelta(days=7))
    return desk


# ---------------------------------------------------------------- figures


@pytest.mark.parametrize("flavour", list(Flavour))
async def test_every_figure_is_metas(desk: Desk, flavour: Flavour) -> None:
    """Of a kind of film that cannot be made any more Meta refuses some."""
    desk.account = desk.open(flavour)
    read = await desk.read()
    rows = await desk.rows()
    assert len(desk.young) > 8
    assert {one for one, _ in rows} == {post.id for post in desk.young}
    old = {post.id for post in desk.young if (post.type, post.product) == ("VIDEO", "FEED")}
    for post in desk.young:
        age = desk.clock() - post.at
        for metric in MEDIA_METRICS[post.product]:
            value, reason, said = rows.get((post.id, metric), (None, "not asked", ""))
            if post.id in old and reason is not None:
                continue
            assert value == pytest.approx(figure(post, metric, age))
            assert (reason, said) == (None, "")
    for (media_id, metric), (value, reason, said) in rows.items():
        if reason is not None:
            assert (value, reason, media_id in old) == (None, Reason.REMOVED, True), metric
            assert "metric" in said
    told = sum(value is not None for value, _, _ in rows.values())
    listings = desk.asked(Call.MEDIA_LIST)
    assert listings == (1 if flavour is Flavour.FACEBOOK else 2)
    assert read == PostsRead(len(rows) + listings, told, told, len(rows) - told)


async def test_a_row_for_each_day_and_none_after_thirty(desk: Desk) -> None:
    first = {post.id for post in desk.young}
    await desk.read()
    desk.begin(days=29)
    later = {post.id for post in desk.young}
    await desk.read()
    assert {one for one, _ in await desk.rows()} == later
    gone = first - later
    assert gone
    async with desk.database.read() as db:
        known = set((await db.execute(sa.select(insight_media.c.media_id))).scalars())
    assert known == first | later


async def test_portions_list_once_and_ask_for_everything_once(few: Desk) -> None:
    reads = [await few.read(13)]
    while reads[-1].more:
        reads.append(await few.read(13))
    rows = await few.rows()
    assert len(reads) == -(-len(rows) // 13)
    assert sum(read.requests for read in reads) == len(rows) + 1
    assert few.asked(Call.MEDIA_LIST) == 1
    assert few.asked(Call.MEDIA_INSIGHTS) == len(rows)


async def test_another_sync_of_the_day_asks_for_what_is_new_and_what_failed(few: Desk) -> None:
    few.meta.trouble_next(Call.MEDIA_INSIGHTS, Fault.GARBAGE)
    await few.read()
    failed = [key for key, (_, reason, _) in (await few.rows()).items() if reason == "failed"]
    assert len(failed) == 1
    few.begin(minutes=5)
    read = await few.read()
    assert (read.requests, read.fetched, read.errors) == (2, 1, ())
    assert Reason.FAILED not in await few.reasons()
    few.begin(minutes=5)
    assert await few.read() == PostsRead(requests=1)


async def test_who_lost_the_sync_asks_for_no_more_than_one_figure(few: Desk) -> None:
    await few.read(1)
    few.fence = RuntimeError("canceled")
    asked = few.meta.requests.count(Call.MEDIA_INSIGHTS)
    with pytest.raises(RuntimeError, match="canceled"):
        await few.read()
    assert few.meta.requests.count(Call.MEDIA_INSIGHTS) == asked + 1


async def test_what_was_stored_before_a_kill_is_not_asked_for_again(few: Desk) -> None:
    few.fence = RuntimeError("killed")
    with pytest.raises(RuntimeError):
        await few.read()
    assert await few.rows() == {}
    few.fence = None
    first = await few.read(14)
    stored = await few.rows()
    assert len(stored) == 14
    assert first.more
    few.fence = RuntimeError("canceled")
    with pytest.raises(RuntimeError):
        await few.read()
    assert await few.rows() == stored
    few.fence = None
    few.meta.requests.reset()
    await few.read()
    assert few.asked(Call.MEDIA_INSIGHTS) == len(await few.rows()) - 14
    assert few.asked(Call.MEDIA_LIST) == 0


# ---------------------------------------------------------------- why there is none


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NotMeasured(said=MetaSaid(10, text="not enough viewers")), Reason.TOO_FEW),
        (NotMeasured(said=MetaSaid(-1, 2207086)), Reason.NO_DATA),
        (RequestRefused(said=MetaSaid(100, text="(#100)\0 no such metric")), Reason.REMOVED),
        (RequestRefused(subject="id"), Reason.FAILED),
        (PermissionMissing(said=MetaSaid(200)), Reason.NO_PERMISSION),
        (MetaError(), Reason.FAILED),
        (ContainerInDoubt(said=MetaSaid(100, 33)), Reason.FAILED),
    ],
)
def test_the_reason_of_a_refusal(error: MetaError, reason: Reason) -> None:
    found = refused("reach", error)
    assert (found.value, found.reason) == (None, reason)
    assert found.said == error.said.text.replace("\0", "")


async def test_no_figure_is_not_yet_one_and_then_none(few: Desk) -> None:
    """Nothing that Meta leaves out is 0."""
    nothing = {"data": [{"name": "reach", "period": "lifetime", "values": [{}]}]}

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/insights"):
            return httpx.Response(200, json={"data": []} if late(request) else nothing)
        rows = [row(1, hours=47), row(2, hours=49)]
        return httpx.Response(200, json={"data": rows})

    def late(request: httpx.Request) -> bool:
        return "/2/" in request.url.path

    def row(number: int, hours: float) -> dict[str, str]:
        at = NOW - timedelta(hours=hours)
        return {"id": str(number), "media_type": "IMAGE", "timestamp": f"{at:%FT%T}+0000"}

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        few.account = Account(
            GraphClient(http, few.clock), Flavour.FACEBOOK, "17841", Secret("EAAB")
        )
        read = await few.read()
    rows = await few.rows()
    assert (read.fetched, read.written, read.skipped) == (0, 0, len(rows))
    assert {(key[0], reason) for key, (_, reason, _) in rows.items()} == {
        ("1", Reason.NOT_YET),
        ("2", Reason.NO_DATA),
    }


@pytest.mark.parametrize(
    ("refusal", "reason", "error"),
    [
        (documented(100, 33), Reason.FAILED, MetaNotFound),
        (documented(10), Reason.NO_PERMISSION, PermissionMissing),
    ],
)
async def test_a_post_that_cannot_be_read_is_asked_for_once(
    few: Desk, refusal: Refusal, reason: Reason, error: type[MetaError]
) -> None:
    """Deleted meanwhile, or somebody else's."""
    few.meta.trouble_next(Call.MEDIA_INSIGHTS, refusal)
    read = await few.read()
    newest = few.young[0]
    found = {one: told for (one, _), told in (await few.rows()).items() if told[1] == reason}
    assert list(found) == [newest.id]
    assert found[newest.id][2] == refusal.message
    metrics = len(MEDIA_METRICS[newest.product])
    assert read.requests == 1 + len(await few.rows()) - (metrics - 1)
    assert [type(one) for one in read.errors] == [error]


async def test_a_post_that_was_deleted_is_not_asked_for(
    few: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meta does not list it any more. A list without anything proves nothing."""
    await few.read()
    gone = few.young[1]
    listed = few.meta.own_posts.of
    few.begin(days=1)
    monkeypatch.setattr(
        few.meta.own_posts, "of", lambda who: [one for one in listed(who) if one.id != gone.id]
    )
    few.meta.requests.reset()
    read = await few.read()
    told = {reason for (one, _), (_, reason, _) in (await few.rows()).items() if one == gone.id}
    assert told == {Reason.NO_DATA}
    assert read.errors == ()
    assert few.asked(Call.MEDIA_INSIGHTS) == read.fetched + read.skipped - len(
        MEDIA_METRICS[gone.product]
    )
    few.begin(days=1)
    monkeypatch.setattr(few.meta.own_posts, "of", lambda _: [])
    assert (await few.read()).fetched


# ---------------------------------------------------------------- Meta is not well


async def test_one_sick_metric_does_not_stop_the_others(few: Desk) -> None:
    """The client itself asks three times."""
    few.meta.trouble_next(Call.MEDIA_INSIGHTS, Fault.DOWN, times=3, skip=4)
    with pytest.raises(MetaUnavailable):
        await few.read()
    stored = len(await few.rows())
    assert few.noted.requests == stored + 2
    await few.read()
    assert len(await few.rows()) == stored + 1
    assert Reason.FAILED not in await few.reasons()


async def test_twice_in_a_row_ends_the_round_and_giving_up_says_so(few: Desk) -> None:
    few.meta.trouble_next(Call.MEDIA_INSIGHTS, Fault.DOWN, times=6, skip=4)
    with pytest.raises(MetaUnavailable) as unwell:
        await few.read()
    assert len(await few.rows()) == 4
    await few.posts.give_up(few.account_id, few.day, few.started_at, unwell.value, few.note)
    reasons = await few.reasons()
    assert reasons[None] == 4
    assert reasons[Reason.FAILED] == few.noted.skipped > 15
    assert await few.read() == PostsRead()
    few.begin(minutes=1)
    await few.read()
    assert Reason.FAILED not in await few.reasons()


@pytest.mark.parametrize(
    ("code", "subcode", "error"), [(80002, None, MetaRateLimited), (190, 463, TokenRefused)]
)
@pytest.mark.parametrize("call", [Call.MEDIA_LIST, Call.MEDIA_INSIGHTS])
async def test_it_stops_at_once_and_keeps_what_was_told(
    few: Desk, call: Call, code: int, subcode: int | None, error: type[MetaError]
) -> None:
    before = 0 if call is Call.MEDIA_LIST else 5
    few.meta.trouble_next(call, documented(code, subcode), skip=before)
    with pytest.raises(error):
        await few.read()
    assert len(await few.rows()) == before
    assert few.noted.requests == len(few.meta.requests) == (before + 2 if before else 1)


async def test_it_ends_early_where_the_allowance_does(few: Desk) -> None:
    few.meta.usage.told = (90, 0)
    read = await few.read()
    assert (read.fetched, read.more) == (1, True)
    few.meta.usage.told = (89, 0)
    assert not (await few.read()).more


async def test_posts_that_are_known_are_read_though_the_list_cannot_be(few: Desk) -> None:
    await few.read()
    known = {post.id for post in few.young}
    few.begin(days=3)
    few.meta.trouble_next(Call.MEDIA_LIST, Fault.GARBAGE)
    read = await few.read()
    assert [type(one) for one in read.errors] == [MetaChanged]
    young = {post.id for post in few.young}
    assert {one for one, _ in await few.rows()} == known & young != young


# ---------------------------------------------------------------- what is due


def test_what_is_due() -> None:
    reel, photo = Post(1, "11", "REELS", NOW), Post(2, "12", "FEED", NOW)
    ad = Post(3, "13", "AD", NOW)
    asks = due([reel, photo, ad], [], NOW)
    assert [(ask.post.id, ask.metric) for ask in asks] == [
        *((1, metric) for metric in MEDIA_METRICS["REELS"]),
        *((2, metric) for metric in MEDIA_METRICS["FEED"]),
    ]
    before, after = NOW - timedelta(minutes=1), NOW

    def is_due(reason: Reason | None, read_at: object) -> bool:
        held = Reading(1, "reach", reason, read_at)  # type: ignore[arg-type]
        return any(ask.metric == "reach" for ask in due([reel], [held], NOW))

    assert not is_due(None, before)
    assert not is_due(Reason.NO_DATA, before)
    assert is_due(Reason.FAILED, before)
    assert is_due(Reason.NOT_YET, before)
    assert not is_due(Reason.FAILED, after)
