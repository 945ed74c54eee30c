"""/reports/TOKEN: who gets the page, what stands on it, and what strangers can't do with it."""

from __future__ import annotations

import asyncio
import gzip
import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, cast

import pytest
from aiohttp.test_utils import TestClient

from services.analysis.reports import LIFE, Reports
from services.analysis.service import Analysing
from services.analysis.sources import Sources
from services.jobs.engine import Engine
from services.web import drawn as drawing
from services.web import report_page, reports
from services.web.reports import ReportRoutes
from storage import analysis, people
from storage import reels as reel_rows
from storage.analysis import Analysis
from storage.database import Database, Unavailable
from storage.reels import NewReel
from tests.services.web.conftest import MakeClient
from tests.support.analyses import analysed, new
from tests.support.clock import StillClock
from tests.support.rows import LEO, MIA, NOW, person

HOSTILE = '</p><script>alert(1)</script><img src=x onerror="alert(1)"> \x00\x07 &amp;'
TITLE = re.compile(r"<h2>([^<]+)</h2><strong>([^<]+)</strong>\s*<p>(.*?)</p>", re.DOTALL)
ROW = re.compile(r'<tr class="(\w+)" data-v="([^"]+)">.*?/reel/(\w+)/')


def some(count: int, **changes: Any) -> list[NewReel]:
    """A reel every second day, each with a thousand plays more than the older one; the newest is
    C0."""
    return [
        new(
            number,
            plays=1000 * (count - number),
            taken_at=NOW - timedelta(days=4 + 2 * number),
            likes=None if number % 5 == 4 else 100,
            **changes,
        )
        for number in range(count)
    ]


@dataclass
class Site:
    client: TestClient
    database: Database
    reports: Reports
    routes: ReportRoutes

    async def address(self, item: Analysis) -> str:
        made = await self.reports.make(item.user_id, item.id)
        return made.url.removeprefix("https://reelay.example")

    async def text(self, path: str) -> str:
        answer = await self.client.get(path)
        assert answer.status == 200
        return await answer.text()


@pytest.fixture
async def site(client: MakeClient, database: Database, clock: StillClock) -> Site:
    await person(database)
    made = Reports(database, clock, base="https://reelay.example/")
    service = Analysing(database, cast("Engine", None), cast("Sources", None), clock)
    routes = ReportRoutes(database, made, service, clock)
    return Site(await client(reports=routes), database, made, routes)


# ---------------------------------------------------------------- who gets it


async def test_the_page_and_its_headers(site: Site) -> None:
    item = await analysed(site.database, some(20), state="completed", followers=40_000)
    path = await site.address(item)
    answer = await site.client.get(path)
    body = await answer.read()
    assert (answer.status, answer.content_type) == (200, "text/html")
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Content-Encoding"] == "gzip"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in (b"style", b"script"):
        (inline,) = re.findall(b"<%b>(.*?)</%b>" % (tag, tag), body, re.DOTALL)
        assert b64encode(sha256(inline).digest()).decode() in policy
    assert b"style=" not in body, "the policy would drop it"
    assert not re.search(rb'(?:src|url)\s*[=(]\s*"?http', body), "nothing comes from elsewhere"
    head = await site.client.head(path, headers={"Accept-Encoding": "identity"})
    assert (head.status, await head.read()) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(body)


async def test_who_holds_it_costs_no_look_at_the_reels(
    site: Site, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = await analysed(site.database, some(3), state="processing")
    path = await site.address(item)
    first = await site.client.get(path)

    def never(*_: object) -> None:
        raise AssertionError("it was drawn again")

    with monkeypatch.context() as patch:
        patch.setattr(report_page, "page", never)
        same = await site.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (same.status, await same.read()) == (304, b"")
        assert same.headers["ETag"] == first.headers["ETag"]
    clock.advance(seconds=7)
    async with site.database.write() as db:
        await analysis.fence(db, item, clock())
        await reel_rows.add(db, item.id, [new(9)], 1)
        await analysis.turn_page(db, item.id, listed=1, stored=1, unread=0, cursor="c", more=True)
    more = await site.client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert more.status == 200
    assert "4 reels so far" in await more.text()


async def test_the_tag_is_of_the_zone_and_the_order_too(site: Site) -> None:
    path = await site.address(await analysed(site.database, some(3), state="completed"))
    tags = [(await site.client.get(path + ask)).headers["ETag"] for ask in ("", "?sort=likes")]
    async with site.database.write() as db:
        await people.change(db, MIA, zone="Asia/Tokyo")
    tags.append((await site.client.get(path)).headers["ETag"])
    assert len(set(tags)) == 3
    assert "Asia/Tokyo" in await site.text(path)


async def test_what_was_never_an_address(site: Site) -> None:
    for token in ("nosuch", "a" * 22, "%00" * 22, "..%2f", "x" * 3000):
        answer = await site.client.get(f"/reports/{token}")
        assert (answer.status, await answer.text()) == (404, reports.GONE)


async def test_expired_revoked_blocked_or_deleted_is_one_sentence(
    site: Site, clock: StillClock
) -> None:
    item = await analysed(site.database, some(3), state="completed")
    path = await site.address(item)

    async def is_there() -> bool:
        answer = await site.client.get(path)
        assert answer.status == 200 or await answer.text() == reports.GONE
        return answer.status == 200

    async with site.database.write() as db:
        await people.change(db, MIA, status="blocked")
    assert not await is_there()
    async with site.database.write() as db:
        await people.change(db, MIA, status="active")
    assert await is_there()
    clock.advance(seconds=LIFE.total_seconds())
    assert not await is_there()
    path = await site.address(item)
    assert await is_there()
    await site.reports.revoke(MIA, item.id)
    assert not await is_there()
    path = await site.address(item)
    async with site.database.write() as db:
        await analysis.delete(db, item.id)
    assert not await is_there()


async def test_a_page_shows_its_own_analysis(site: Site) -> None:
    await person(site.database, LEO)
    mine = await analysed(site.database, some(2), state="completed")
    await analysed(
        site.database,
        some(2, caption="of Leo"),
        LEO,
        asked="other",
        platform_id="31",
        state="completed",
    )
    body = await site.text(await site.address(mine))
    assert "@rosa" in body
    assert "of Leo" not in body


# ---------------------------------------------------------------- what stands on it


async def test_every_figure_carries_its_n(site: Site) -> None:
    item = await analysed(site.database, some(20), state="completed", followers=40_000)
    body = await site.text(await site.address(item))
    found = {label: (value, note) for label, value, note in TITLE.findall(body)}
    assert found["Followers"][0] == "40,000"
    assert found["Median views"][0] == "10.5k"
    assert found["Views per follower"][0] == "0.26"
    assert found["Rhythm"][0] == "3.5 a week"
    assert found["Trend"][0].startswith("+")
    numbers = {label: re.findall(r"n&nbsp;(\d+)", note) for label, (_, note) in found.items()}
    assert numbers.pop("Followers") == []
    assert numbers.pop("Engagement") == ["16"], "four hide their likes"
    assert set(map(tuple, numbers.values())) == {("20",)}
    assert "4 hide their likes" in found["Engagement"][1]
    assert '<table class="week">' in body


async def test_below_twelve_it_says_too_few(site: Site) -> None:
    item = await analysed(site.database, some(11), state="completed", followers=40_000)
    body = await site.text(await site.address(item))
    found = {label: value + note for label, value, note in TITLE.findall(body)}
    for label in ("Median views", "Views per follower", "Engagement"):
        assert "too few to say more" in found[label]
    for label in ("Best weekday", "Best hour", "Trend"):
        assert found[label].startswith("Too few to say")
    assert "there are 11" in body
    assert '<table class="week">' not in body


async def test_it_says_why_there_is_no_trend(site: Site) -> None:
    short = [new(n, taken_at=NOW - timedelta(days=10, hours=n)) for n in range(12)]
    item = await analysed(site.database, short, state="completed", followers=40_000)
    body = await site.text(await site.address(item))
    found = {label: note for label, _, note in TITLE.findall(body)}
    assert "all within two weeks" in found["Trend"]


async def test_what_strangers_wrote_stays_text(site: Site) -> None:
    reel = new(1, caption=HOSTILE, audio_title=HOSTILE, hashtags=['"><b>', "=1+1"], plays=5)
    item = await analysed(site.database, [reel], state="completed", full_name=HOSTILE)
    body = await site.text(await site.address(item))
    assert body.count("<script>") == body.count("</script>") == 1, "its own"
    assert "onerror=" not in re.sub(r"onerror=&#34;", "", body)
    assert body.count("&lt;img src=x") == 3
    assert "\x00" not in body
    assert "\x07" not in body
    assert 'data-tag="&#34;&gt;&lt;b&gt;"' in body


async def test_without_scripts_the_heads_sort(site: Site) -> None:
    path = await site.address(await analysed(site.database, some(8), state="completed"))

    async def sorted_by(ask: str) -> str:
        """The digits of the shortcodes."""
        return "".join(name[1:] for _, _, name in ROW.findall(await site.text(path + ask)))

    for ask in ("", "?sort=views", "?sort=<script>", "?sort=&up=1"):
        assert await sorted_by(ask) == "01234567"
    for ask in ("?sort=views&up=1", "?sort=posted&up=1"):
        assert await sorted_by(ask) == "76543210"
    for ask in ("?sort=likes", "?sort=likes&up=1"):
        assert (await sorted_by(ask))[-1] == "4", "what is hidden is last either way"


async def test_what_is_said_of_a_reel_agrees_with_its_tier(site: Site) -> None:
    found = [new(n, plays=plays) for n, plays in enumerate((1999, 1000, 1000, 1000, 499))]
    body = await site.text(
        await site.address(await analysed(site.database, found, state="completed"))
    )
    for said in ("1.9× typical", "1.0× typical", "0.4× weak"):
        assert f"<small>{said}" in body


async def test_the_script_gets_the_numbers_of_the_row(site: Site) -> None:
    reel = new(1, plays=2_000_000_123, comments=7, likes=None, taken_at=NOW, seconds=9.25)
    path = await site.address(await analysed(site.database, [reel], state="completed"))
    ((tier, told, _),) = ROW.findall(await site.text(path))
    assert (tier, told) == ("typical", f"{NOW.timestamp():.0f} 2000000123 - 7 - 9.25")


async def test_how_far_it_is(site: Site) -> None:
    message = "Instagram asks @mia to log in"
    for number, (state, said) in enumerate(
        {
            "processing": "This page fills by itself",
            "waiting": "goes on by itself",
            "paused": "let it go on",
            "failed": "before all reels were read",
            "canceled": "was stopped",
        }.items()
    ):
        who = {"asked": f"who{number}", "platform_id": str(number)}
        item = await analysed(site.database, some(2), state=state, message=message, **who)
        body = await site.text(await site.address(item))
        assert said in body
        assert message not in body, "whose account looks is not for whoever has the address"
        live = state in analysis.UNFINISHED
        assert ('http-equiv="refresh"' in body) == live
        assert (f'data-every="{report_page.EVERY}"' in body) == live


async def test_a_page_without_reels(site: Site) -> None:
    for number, state in enumerate(("pending", "completed", "failed")):
        who = {"asked": f"who{number}", "platform_id": str(number)}
        item = await analysed(site.database, [], state=state, **who)
        body = await site.text(await site.address(item))
        assert ("on their way" if state == "pending" else "No reels were read") in body
        assert "<form" not in body


async def test_no_views_are_told(site: Site) -> None:
    path = await site.address(await analysed(site.database, some(3), state="completed"))
    silent = await analysed(
        site.database,
        [new(n, plays=None) for n in range(3)],
        asked="silent",
        platform_id="31",
        state="completed",
    )
    assert "<svg" in await site.text(path)
    body = await site.text(await site.address(silent))
    assert "<svg" not in body
    assert len(ROW.findall(body)) == 3


# ---------------------------------------------------------------- how much it bears


async def test_the_same_page_is_drawn_once_for_all_who_wait(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await site.address(await analysed(site.database, some(3), state="completed"))
    drawn, draw = [], report_page.page

    def counted(*args: Any) -> str:
        drawn.append(args)
        return draw(*args)

    monkeypatch.setattr(report_page, "page", counted)
    monkeypatch.setattr(drawing, "MOST_WAITING", 3)
    await site.routes.pages._turn.acquire()
    asked = [asyncio.ensure_future(site.client.get(path)) for _ in range(5)]
    done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED, timeout=10)
    assert {one.result().status for one in done} == {429}
    site.routes.pages._turn.release()
    statuses = sorted([(await one).status for one in asked])
    assert statuses == [200, 200, 200, 429, 429]
    assert len(drawn) == 1


async def test_a_database_that_is_away(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await site.address(await analysed(site.database, some(1), state="completed"))

    async def away(_token: str) -> None:
        raise Unavailable

    monkeypatch.setattr(site.reports, "open", away)
    answer = await site.client.get(path)
    assert (answer.status, await answer.text()) == (503, reports.AWAY)
    assert answer.headers["Retry-After"] == "60"


async def test_a_large_profile_stays_light(site: Site) -> None:
    """Bytes, not seconds."""
    item = await analysed(site.database, some(1000, caption="x" * 150), state="completed")
    answer = await site.client.get(
        await site.address(item), headers={"Accept-Encoding": "identity"}
    )
    body = await answer.read()
    assert len(body) < 800_000
    assert len(gzip.compress(body)) < 120_000
