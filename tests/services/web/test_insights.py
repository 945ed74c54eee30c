"""/insights/TOKEN: who gets the page, what stands on it, and what strangers can't do with it."""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

import pytest
import sqlalchemy as sa
from aiohttp.test_utils import TestClient

from services.insights.looking import AUDIENCES, CHARTED, ENGAGED, FOLLOWERS, Looking
from services.insights.pages import LIFE, Pages
from services.insights.states import Reason
from services.web import drawn, insight_page, insight_words, insights
from services.web.insights import InsightRoutes
from storage import insights as accounts
from storage import people, syncs
from storage.database import Database, Unavailable
from storage.tables import insight_media
from tests.services.insights import kept
from tests.services.web.conftest import MakeClient
from tests.support.clock import StillClock
from tests.support.rows import LEO, MIA, NOW, person

LAST = date(2026, 11, 19)
HOSTILE = '</p><script>alert(1)</script><img src=x onerror="alert(1)"> \x00\x07 &amp;'
FIGURE = re.compile(r"<figure>\n<figcaption>\n<h2>([^<]+)</h2>(.*?)</figure>", re.DOTALL)
TAG = re.compile(r"<[^>]+>")


def days(count: int, last: date = LAST) -> list[date]:
    return [last - timedelta(n) for n in range(count)]


@dataclass
class Site:
    client: TestClient
    database: Database
    pages: Pages
    routes: InsightRoutes
    account: int

    async def address(self, user_id: int = MIA) -> str:
        made = await self.pages.make(user_id, self.account)
        return made.url.removeprefix("https://reelay.example")

    async def text(self, query: str = "") -> str:
        answer = await self.client.get(await self.address() + query)
        assert answer.status == 200
        return await answer.text()

    async def figures(self, query: str = "") -> dict[str, str]:
        """{label of a metric: all that is said of it}"""
        found = FIGURE.findall(await self.text(query))
        return {label: " ".join(TAG.sub(" ", said).split()) for label, said in found}

    async def sync(self, state: str) -> int:
        async with self.database.write() as db:
            made = await syncs.start(db, self.account, LAST, None, NOW)
            assert made is not None
            ended = None if state in syncs.UNFINISHED else NOW
            await syncs.move(
                db, made[0], NOW, from_states=["pending"], state=state, ended_at=ended,
                message="The token of @mia is dead",
            )  # fmt: skip
        return made[0]


@pytest.fixture
async def site(client: MakeClient, database: Database, clock: StillClock) -> Site:
    account = await kept.account(database)
    pages = Pages(database, clock, base="https://reelay.example/")
    service = kept.insights(database, clock)
    looking = Looking(database, service, clock)
    routes = InsightRoutes(database, pages, service, looking, clock)
    return Site(await client(insights=routes), database, pages, routes, account)


# ---------------------------------------------------------------- who gets it


async def test_the_page_and_its_headers(site: Site) -> None:
    await kept.figures(site.database, site.account, "reach", [(day, 5) for day in days(28)])
    path = await site.address()
    answer = await site.client.get(path)
    body = await answer.read()
    assert (answer.status, answer.content_type) == (200, "text/html")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Content-Encoding"] == "gzip"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    (inline,) = re.findall(b"<style>(.*?)</style>", body, re.DOTALL)
    assert b64encode(sha256(inline).digest()).decode() in policy
    assert b"<script" not in body
    assert b"style=" not in body, "the policy would drop it"
    assert not re.search(rb'(?:src|url)\s*[=(]\s*"?http', body), "nothing comes from elsewhere"
    head = await site.client.head(path, headers={"Accept-Encoding": "identity"})
    assert (head.status, await head.read()) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(body)


async def test_who_holds_it_costs_no_drawing_until_something_changes(
    site: Site, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await site.address()
    tags = [(await site.client.get(path)).headers["ETag"]]

    async def changed() -> bool:
        answer = await site.client.get(path, headers={"If-None-Match": tags[-1]})
        tags.append(answer.headers["ETag"])
        return answer.status == 200

    def never(*_: object) -> None:
        raise AssertionError("it was drawn again")

    with monkeypatch.context() as patch:
        patch.setattr(insight_page, "page", never)
        assert not await changed()
    sync = await site.sync("running")
    assert await changed()
    async with site.database.write() as db:
        await syncs.move(db, sync, NOW + timedelta(1), from_states=["running"], state="done")
    assert await changed()
    async with site.database.write() as db:
        await people.change(db, MIA, zone="Asia/Tokyo")
    assert await changed()
    clock.advance(minutes=5)  # what may change may not any more
    assert await changed()
    assert not await changed()


async def test_what_was_never_an_address(site: Site) -> None:
    for token in ("nosuch", "a" * 22, "%00" * 22, "..%2f", "x" * 3000):
        answer = await site.client.get(f"/insights/{token}")
        assert (answer.status, await answer.text()) == (404, insights.GONE)


async def test_it_is_there_as_long_as_its_maker_may_see_the_account(
    site: Site, clock: StillClock
) -> None:
    await person(site.database, LEO, role="admin")
    async with site.database.write() as db:
        await people.change(db, MIA, role="owner")
    path = await site.address(LEO)

    async def is_there() -> bool:
        answer = await site.client.get(path)
        assert answer.status == 200 or await answer.text() == insights.GONE
        return answer.status == 200

    assert await is_there()
    async with site.database.write() as db:
        await people.change(db, LEO, role="member")
    assert not await is_there()
    async with site.database.write() as db:
        await people.change(db, LEO, role="admin")
    assert await is_there()
    await site.pages.revoke(MIA, site.account)
    assert not await is_there()
    path = await site.address()
    clock.advance(seconds=LIFE.total_seconds())
    assert not await is_there()
    path = await site.address()
    async with site.database.write() as db:
        await accounts.delete(db, site.account)
    assert not await is_there()


async def test_one_is_drawn_for_all_who_wait(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await site.address()
    monkeypatch.setattr(drawn, "MOST_WAITING", 3)
    await site.routes.pages._turn.acquire()
    asked = [asyncio.ensure_future(site.client.get(path)) for _ in range(5)]
    done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED, timeout=10)
    assert {one.result().status for one in done} == {429}
    site.routes.pages._turn.release()
    assert sorted([(await one).status for one in asked]) == [200, 200, 200, 429, 429]


async def test_a_database_that_is_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await site.address()

    async def away(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr(site.routes._looking, "sights", away)
    answer = await site.client.get(path)
    assert (answer.status, await answer.text()) == (503, insights.AWAY)


# ---------------------------------------------------------------- what stands on it


def test_there_are_words_for_everything_that_is_measured() -> None:
    assert set(insight_words.LABELS) == set(CHARTED)
    assert set(insight_words.DIMENSIONS) == set(AUDIENCES)
    for reason in (None, *Reason):
        assert insight_words.why(reason)


async def test_figures_with_their_change_and_what_is_not_known(site: Site) -> None:
    put = site.database, site.account
    await kept.figures(*put, "views", [(day, 10) for day in days(28, LAST - timedelta(28))])
    await kept.figures(*put, "views", [(day, 15) for day in days(28)])
    await kept.figures(*put, "likes", [(day, 4) for day in days(24)], revision=2)
    await kept.figures(*put, "likes", [(day, 3) for day in days(28, LAST - timedelta(28))])
    await kept.figures(*put, "likes", [(LAST - timedelta(24), None)])
    await kept.figures(*put, "shares", [(LAST, 0)])
    await kept.figures(
        *put, "saves", [(day, None) for day in days(28)], reason="removed", said="(#100) <b>no"
    )
    found = await site.figures()
    assert list(found) == list(insight_words.LABELS.values())
    views = "420 +50 % in 28 days · may still change Against the 28 days before"
    assert found["Views"].startswith(views)
    likes = found["Likes"]
    assert likes.startswith("96 +33 % in 24 of 28 days · may still change Per known day, against")
    assert "3 days: not asked for yet" in likes
    assert "1 day: Meta has no figure" in likes
    assert "19 Nov 4 may still change; Meta has changed it 2 times" in likes
    assert "15 Nov 4 Meta has changed it 2 times" in likes
    assert "26 Oct – Meta has no figure" in likes
    assert found["Shares"].startswith("0 in 1 of 28 days"), "a 0 that Meta told is one"
    saves = "Not known 28 days: Meta refuses this figure Meta says: (#100) &lt;b&gt;no"
    assert found["Saves"] == saves
    assert found["Replies"].startswith("Not known")
    assert " 0 " not in found["Replies"], "no data is never 0"
    assert (await site.figures("?days=7"))["Views"].startswith("105 0 % in 7 days")
    for odd in ("?days=8", "?days=", "?days=<script>"):
        assert (await site.figures(odd))["Views"].startswith(views)


async def test_follows_parts_and_accounts_that_are_counted_once(site: Site) -> None:
    put = site.database, site.account
    for name, told in (("FOLLOWER", 3), ("NON_FOLLOWER", 1)):
        for key in ("follows_and_unfollows", "views"):
            await kept.figures(
                *put, key, [(day, told) for day in days(7)], breakdown=f"follow_type={name}"
            )
    await kept.figures(*put, "reach.week", [(LAST, 20), (LAST - timedelta(7), 40)])
    found = await site.figures("?days=7")
    assert "+14 in 7 days" in found["Follows, net"]
    assert "21 followed, 7 stopped" in found["Follows, net"]
    assert "75.0 % followers, 25.0 % others" in found["Views"]
    assert found["Reach"].startswith("20 −50 % accounts in 7 days, each counted once")


async def test_the_best_and_the_audience(site: Site) -> None:
    put = site.database, site.account
    for name, reach in (("low", 5), ("high", 9)):
        await kept.post(
            *put, name, NOW - timedelta(days=40 if name == "low" else 2), LAST, reach=reach
        )
    for age, told in (("18-24", 25), ("25-34", 75)):
        await kept.figures(*put, f"{FOLLOWERS}.age", [(LAST, told)], breakdown=f"age={age}")
    await kept.figures(*put, f"{ENGAGED}.city", [(LAST, None)], breakdown="city", reason="too_few")
    body = await site.text()
    assert '<a href="https://www.instagram.com/reel/high/">' in body
    assert "/reel/low/" not in body, "posted before"
    assert "tells of 1 of 1 posts" in body
    assert "None was posted in these days." in body  # stories
    assert re.search(r"25-34</th>.*?75\.0 %.*?18-24</th>.*?25\.0 %", body, re.DOTALL)
    assert "too few people: Meta tells it from 100 on" in body
    assert "/reel/low/" in await site.text("?days=90")


async def test_what_strangers_wrote_stays_text(site: Site) -> None:
    put = site.database, site.account
    await kept.post(*put, "C1", NOW - timedelta(days=2), LAST, reach=5)
    row: dict[str, Any] = {"caption": HOSTILE, "permalink": "javascript:alert(1)"}
    async with site.database.write() as db:
        await db.execute(sa.update(insight_media).values(row))
    gap = {"reason": "removed", "said": HOSTILE}
    await kept.figures(*put, "likes", [(LAST, None)], **gap)
    await kept.figures(*put, f"{FOLLOWERS}.city", [(LAST, 5)], breakdown=f"city={HOSTILE}")
    body = await site.text()
    assert "<script" not in body
    assert "javascript:" not in body
    assert body.count("&lt;img src=x") == 3
    assert not set("\x00\x07") & set(body)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (None, "Nothing was read yet."),
        ("waiting", "goes on by itself"),
        ("failed", "did not come to its end"),
        ("done", ""),
    ],
)
async def test_how_the_reading_went(site: Site, state: str | None, said: str) -> None:
    if state is not None:
        await kept.figures(site.database, site.account, "reach", [(LAST, 5)])
        await site.sync(state)
    async with site.database.write() as db:
        await people.change(db, MIA, zone="Asia/Tokyo")
    body = await site.text()
    assert said in body
    assert ('role="status"' in body) == bool(said)
    assert ("Read 20 November 2026, 21:00" in body) == (state is not None)
    assert "The token of @mia" not in body, "whose log-in it is is not for whoever has the address"
    assert "This page works until 20 December 2026, 21:00." in body
