"""The feed's routes, over real HTTP: who gets what, and what hostile requests get."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from typing import Any

import feedparser
import pytest
from aiohttp.test_utils import TestClient

from services.feed.serving import LIMIT, MAX_LIMIT, Wanted
from services.feed.visits import Visits
from services.web.feeds import FeedRoutes, asked_of, wanted_of
from storage import feed_notices, notices, people, readers
from storage.database import Database, Unavailable
from storage.feeds import Feed, Search
from storage.readers import Reader
from tests.services.web.conftest import ROOT, MakeClient
from tests.support.clock import StillClock
from tests.support.feeds import DAY, TOKEN, a_feed, incident, listed, reader
from tests.support.rows import LEO, MIA, NOW, person

# ---------------------------------------------------------------- the feeds


async def test_three_formats_say_the_same(web: TestClient, post: int) -> None:
    rss, atom, js = [
        await (await web.get(ROOT + name)).read() for name in ("feed.xml", "atom.xml", "feed.json")
    ]
    (item,) = json.loads(js)["items"]
    for body in (rss, atom):
        (entry,) = feedparser.parse(body).entries
        assert (entry.id, entry.title, entry.link) == (item["id"], item["title"], item["url"])
        assert [one["url"] for one in entry.media_content] == [
            f"https://reelay.example{ROOT}media/{post}/{name}" for name in ("0.jpg", "1.mp4")
        ]
    assert item["title"] == "One & <two>"


@pytest.mark.parametrize(
    ("name", "mime"),
    [
        ("feed.xml", "application/rss+xml"),
        ("atom.xml", "application/atom+xml"),
        ("feed.json", "application/feed+json"),
        ("leo.b.xml", "application/rss+xml"),
        ("@LEO.B.xml", "application/rss+xml"),
        ("feed.json?author=leo.b", "application/feed+json"),
    ],
)
async def test_a_reader_that_holds_it_gets_304(
    web: TestClient, post: int, name: str, mime: str
) -> None:
    first = await web.get(ROOT + name)
    assert (first.status, first.content_type, first.charset) == (200, mime, "utf-8")
    assert b"tag:instagram.com,2010:p1" in await first.read()
    for condition in ({"If-None-Match": first.headers["ETag"]}, {"If-None-Match": "*"}):
        again = await web.get(ROOT + name, headers=condition)
        assert (again.status, await again.read()) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
    since = {"If-Modified-Since": first.headers["Last-Modified"]}
    assert (await web.head(ROOT + name, headers=since)).status == 304
    assert (await web.get(ROOT + name, headers={"If-None-Match": '"old"'} | since)).status == 200


async def test_a_change_is_seen_and_its_date_is_the_changes(
    web: TestClient, database: Database, clock: StillClock, feed: Feed, post: int
) -> None:
    first = await web.get(ROOT + "feed.xml")
    assert b"<lastBuildDate>Fri, 20 Nov 2026 12:00:00 GMT<" in await first.read()
    clock.advance(days=3)
    same = await web.get(ROOT + "feed.xml", headers={"If-None-Match": first.headers["ETag"]})
    assert same.status == 304
    await listed(database, feed, "p2", shown_at=clock())
    clock.advance(seconds=2)
    changed = await web.get(ROOT + "feed.xml", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status == 200
    assert b"<lastBuildDate>Mon, 23 Nov 2026 12:05:00 GMT<" in await changed.read()


async def test_the_address_of_the_feed_itself(
    web: TestClient, client: MakeClient, routes: dict[str, Any], post: int
) -> None:
    async def own(http: TestClient, path: str, **headers: str) -> str:
        read = feedparser.parse(await (await http.get(ROOT + path, headers=headers)).read())
        return str(next(link.href for link in read.feed.links if link.rel == "self"))

    base = f"https://reelay.example{ROOT}"
    assert await own(web, "feed.xml?limit=3&utm=x&days=2") == f"{base}feed.xml?limit=3&days=2"
    assert await own(web, "LEO.b.xml") == f"{base}leo.b.xml"
    assert await own(web, "atom.xml?author=LEO.b") == f"{base}atom.xml?author=leo.b"
    unset = await client(feeds=FeedRoutes(**routes))
    assert (
        await own(unset, "feed.xml", Host="nas.local:8080")
        == f"http://nas.local:8080{ROOT}feed.xml"
    )
    assert await own(unset, "feed.xml", Host="evil/<x>") == f"http://localhost{ROOT}feed.xml"


async def test_an_ill_source_stays_a_feed_with_one_word_about_it(
    web: TestClient, database: Database, clock: StillClock, feed: Feed, post: int
) -> None:
    number = await incident(database)
    for _ in range(2):
        async with database.write() as db:
            await feed_notices.open_notice(
                db, feed.id, number, kind="session_dead", guid="urn:x", now=clock()
            )
    answer = await web.get(ROOT + "feed.xml")
    assert answer.status == 200
    items = feedparser.parse(await answer.read()).entries
    assert [item.id for item in items] == ["urn:x", "tag:instagram.com,2010:p1"]
    assert "log in again" in await (await web.get(ROOT)).text()


async def test_fetches_and_304s_are_counted(
    web: TestClient, database: Database, clock: StillClock, visits: Visits, post: int
) -> None:
    etag = (await web.get(ROOT + "feed.xml")).headers["ETag"]
    for _ in range(3):
        await web.get(ROOT + "feed.xml", headers={"If-None-Match": etag})
    await web.get(ROOT)  # people and pictures do not count
    await web.get(f"{ROOT}media/{post}/0.jpg")
    await visits.flush()
    async with database.read() as db:
        (one,) = await readers.of_user(db, MIA)
    assert (one.fetches, one.not_modified, one.last_fetch_at) == (4, 3, clock())


async def test_who_asks_too_often_waits_and_is_named_once(
    web: TestClient, database: Database, clock: StillClock, post: int
) -> None:
    answers = [await web.get(ROOT + "feed.xml") for _ in range(43)]
    assert [one.status for one in answers] == [200] * 40 + [429] * 3
    assert answers[-1].headers["Retry-After"] == "10"
    assert (await web.get(f"{ROOT}media/{post}/0.jpg")).status == 200
    async with database.read() as db:
        (told,) = await notices.due(db, clock())
    assert (told.kind, told.data["name"]) == ("reader_too_often", "Phone")
    clock.advance(seconds=10)
    assert (await web.get(ROOT + "feed.xml")).status == 200


async def test_while_the_database_is_away_it_says_so(
    web: TestClient, database: Database, post: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise Unavailable("locked")

    monkeypatch.setattr(database, "read", away)
    for path in ("feed.xml", "", f"media/{post}/0.jpg"):
        answer = await web.get(ROOT + path)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "60")


# ---------------------------------------------------------------- who may


@pytest.mark.parametrize(
    "token",
    ["B" * 22, TOKEN[:-1] + "B", TOKEN.lower(), TOKEN[:-1], TOKEN + "A", "%00" * 22, "' or 1=1--"],
)
async def test_a_wrong_token_opens_nothing(web: TestClient, post: int, token: str) -> None:
    for path in ("", "feed.xml", "atom.xml", "feed.json", "leo.b.xml", f"media/{post}/0.jpg"):
        answer = await web.get(f"/f/{token}/{path}")
        assert answer.status == 404
        assert b"p1" not in await answer.read()


async def test_a_revoked_token_opens_nothing(
    web: TestClient, database: Database, clock: StillClock, phone: Reader, post: int
) -> None:
    assert (await web.get(ROOT)).status == 200
    async with database.write() as db:
        await readers.revoke(db, MIA, phone.id, NOW)
    clock.advance(seconds=1)
    for path in ("", "feed.xml", f"media/{post}/0.jpg"):
        answer = await web.get(ROOT + path)
        assert (answer.status, answer.headers["Cache-Control"]) == (404, "no-store")


async def test_no_answer_tells_a_token_that_was_from_one_that_never_was(
    web: TestClient, database: Database, clock: StillClock, feed: Feed, phone: Reader, post: int
) -> None:
    await person(database, LEO)
    blocked = await reader(database, await a_feed(database, LEO), name="B", token="B" * 22)
    rotated = await reader(database, feed, name="R", token="R" * 22)
    async with database.write() as db:
        await readers.revoke(db, MIA, phone.id, NOW)
        await readers.rotate(db, MIA, rotated.id, token_hash="other")
        await people.change(db, blocked.user_id, status="blocked")
    for method in ("GET", "HEAD", "POST"):
        for path in ("", "feed.xml", "status", "leo.b.xml", f"media/{post}/0.jpg"):
            given = []
            for token in ("N" * 22, TOKEN, "B" * 22, "R" * 22):
                headers = {"If-None-Match": "*", "Range": "bytes=0-1"}
                answer = await web.request(method, f"/f/{token}/{path}", headers=headers)
                kept = {name: value for name, value in answer.headers.items() if name != "Date"}
                given.append((answer.status, kept, await answer.read()))
            assert given[0][0] in (404, 405)
            assert all(one == given[0] for one in given)


async def test_a_token_opens_its_own_feed_only(
    web: TestClient, database: Database, clock: StillClock, post: int
) -> None:
    await person(database, LEO)
    await reader(database, await a_feed(database, LEO), token="B" * 22)
    there = f"/f/{'B' * 22}/"
    assert b"2010:p1" not in await (await web.get(there + "feed.xml")).read()
    assert (await web.get(f"{there}media/{post}/0.jpg")).status == 404
    assert (await web.get(there + "leo.b.xml")).status == 404


PLAIN = ("/feed.xml", "/atom.xml", "/feed.json", "/leo.b.xml", "/")


async def test_without_a_token_nothing_is_public(web: TestClient, post: int) -> None:
    for path in (*PLAIN, f"/media/{post}/0.jpg"):
        assert (await web.get(path)).status == 404


async def test_unless_it_is_wanted(client: MakeClient, routes: dict[str, Any], post: int) -> None:
    web = await client(feeds=FeedRoutes(**routes, public=True))
    for path in (*PLAIN, f"/media/{post}/0.jpg"):
        assert (await web.get(path)).status == 200
    assert f":{web.port}/media/{post}/0.jpg" in await (await web.get("/feed.xml")).text()
    assert await (await web.get("/health")).text() == "ok"


async def test_public_without_a_feed(client: MakeClient, routes: dict[str, Any]) -> None:
    web = await client(feeds=FeedRoutes(**routes, public=True))
    assert [(await web.get(path)).status for path in PLAIN] == [404] * 5


# ---------------------------------------------------------------- the archive as a page


async def test_the_archive_needs_no_script_and_runs_none(
    web: TestClient, database: Database, feed: Feed, post: int
) -> None:
    await listed(database, feed, "p2", caption='<script>alert(1)</script>"]]>\x01', author="<b>x")
    answer = await web.get(ROOT)
    page = await answer.text()
    assert answer.status == 200
    assert "<script" not in page
    assert "<b>x" not in page
    assert "One &amp; &lt;two&gt;" in page
    assert f'<img src="media/{post}/0.jpg"' in page
    assert f'<video src="media/{post}/1.mp4"' in page
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert (await web.get(ROOT, headers={"If-None-Match": answer.headers["ETag"]})).status == 304


async def test_search_and_pages_by_links_alone(
    web: TestClient, database: Database, feed: Feed
) -> None:
    for number in range(30):
        await listed(
            database,
            feed,
            f"p{number}",
            caption=f"Sunset {number:02}",
            author="mia" if number % 2 else "leo",
            taken_at=NOW - number * DAY,
        )

    async def captions(query: str) -> tuple[list[str], str]:
        page = await (await web.get(ROOT + query)).text()
        return re.findall(r"Sunset (\d\d)", page), page

    first, page = await captions("?q=sunset&from=&to=&author=")
    assert first == [f"{number:02}" for number in range(24)]
    (older,) = re.findall(r'rel="next" href="([^"]+)"', page)
    second, page = await captions(older.replace("&amp;", "&"))
    assert second == [f"{number:02}" for number in range(24, 30)]
    assert 'rel="prev" href="?q=sunset"' in page
    assert (await captions("?author=@MIA"))[0] == [f"{number:02}" for number in range(1, 30, 2)]
    assert (await captions("?from=2026-11-17&to=2026-11-18"))[0] == ["02", "03"]
    assert (await captions("?q=nothing"))[0] == []
    nonsense = "?page=-1&from=yesterday&to=9999-99-99&author=%00&q=%00&limit=x"
    assert (await captions(nonsense))[0] == first


async def test_an_empty_archive(web: TestClient) -> None:
    assert "Nothing has arrived yet" in await (await web.get(ROOT)).text()
    assert "Nothing was found" in await (await web.get(ROOT + "?q=x")).text()


# ---------------------------------------------------------------- what was asked


@pytest.mark.parametrize(
    ("author", "query", "wanted"),
    [
        (None, {}, Wanted("rss")),
        ("@Mia", {}, Wanted("rss", "mia")),
        (None, {"author": "Mia"}, Wanted("rss", "mia")),
        (None, {"author": "../x"}, Wanted("rss")),
        (None, {"limit": "5", "days": "3"}, Wanted("rss", "", 5, 3)),
        (None, {"limit": "0", "days": "0"}, Wanted("rss", "", 1, 1)),
        (None, {"limit": "99999"}, Wanted("rss", "", MAX_LIMIT)),
        (None, {"limit": "-5", "days": "x"}, Wanted("rss", "", LIMIT)),
        (None, {"limit": "٣", "days": "1" * 40}, Wanted("rss")),  # no digits of ours
    ],
)
def test_what_a_reader_wants(author: str | None, query: dict[str, str], wanted: Wanted) -> None:
    assert wanted_of("rss", author, query) == wanted


def test_days_are_those_of_the_persons_zone() -> None:
    asked = asked_of({"from": "2026-03-29", "to": "2026-03-29"}, "Europe/Berlin")
    since, until = asked.search.since, asked.search.until
    assert since is not None
    assert until is not None
    assert until.timestamp() - since.timestamp() == 23 * 3600  # the night of daylight saving
    assert asked_of({}, "UTC").search == Search()
    assert asked.link(2) == "?from=2026-03-29&to=2026-03-29&page=2"
