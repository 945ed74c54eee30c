"""Webhooks: each post once, in order, tried again at the right times; sealed at rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

import httpx
import pytest
from cryptography.fernet import Fernet

from services.errors import BadInput, NotAllowed
from services.feed.webhook_forms import signature
from services.web.outgoing import Answer, NotSent, Outgoing
from services.web.webhooks import LONGEST_WAIT, PAUSES, TRIES, Verdict, Webhooks, judge
from storage import feed_status, feeds, notices, webhooks
from storage.database import Database
from storage.feeds import Feed
from storage.vault import Vault
from tests.support.clock import StillClock
from tests.support.feeds import a_feed, listed
from tests.support.rows import LEO, MIA, NOW, new_media, person

ADDRESS = "https://hooks.example/in?secret=s3cr3t"


@pytest.mark.parametrize(
    ("status", "attempts", "retry_after", "verdict"),
    [
        (200, 0, None, Verdict()),
        (204, 7, None, Verdict()),
        (500, 0, None, Verdict("http_500", NOW + PAUSES[0])),
        (503, 3, 5, Verdict("http_503", NOW + PAUSES[3])),
        (429, 0, 90, Verdict("http_429", NOW + timedelta(seconds=90))),
        (429, 0, 10**6, Verdict("http_429", NOW + LONGEST_WAIT)),
        (500, TRIES - 1, None, Verdict("http_500")),
        (404, 0, None, Verdict("http_404")),
        (302, 0, None, Verdict("http_302")),
    ],
)
def test_what_an_answer_means(
    status: int, attempts: int, retry_after: int | None, verdict: Verdict
) -> None:
    assert judge(status, "", attempts, NOW, retry_after=retry_after) == verdict


def test_no_answer_is_tried_again_unless_it_can_not_change() -> None:
    assert judge(None, "timeout", 0, NOW) == Verdict("timeout", NOW + PAUSES[0])
    assert judge(None, "private", 0, NOW, final=True) == Verdict("private")


class Elsewhere(Outgoing):
    """Answers as it is told, 204 by default; keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, bytes, Mapping[str, str]]] = []
        self.answers: list[int | NotSent] = []

    async def check(self, url: httpx.URL) -> None:
        pass

    async def post(self, url: httpx.URL, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.sent.append((str(url), body, headers))
        answer = self.answers.pop(0) if self.answers else 204
        if isinstance(answer, NotSent):
            raise answer
        return Answer(answer, None)

    @property
    def ids(self) -> list[str]:
        return [json.loads(body)["id"].rpartition(":")[2] for _, body, _ in self.sent]


@pytest.fixture
async def feed(database: Database) -> Feed:
    await person(database, MIA)
    await person(database, LEO)
    return await a_feed(database)


@pytest.fixture
def elsewhere() -> Elsewhere:
    return Elsewhere()


@pytest.fixture
def room(database: Database, elsewhere: Elsewhere, clock: StillClock) -> Webhooks:
    return Webhooks(database, Vault([Fernet.generate_key().decode()]), elsewhere, clock)


async def told(database: Database) -> list[tuple[str, str]]:
    async with database.read() as db:
        return [
            (one.kind, one.data["error"]) for one in await notices.due(db, NOW + timedelta(days=99))
        ]


async def test_each_new_post_is_sent_once_and_signed(
    database: Database, feed: Feed, room: Webhooks, elsewhere: Elsewhere, clock: StillClock
) -> None:
    await listed(database, feed, "before")
    made = await room.put(MIA, feed.id, ADDRESS)
    await listed(database, feed, "a", files=[new_media("a")])
    await listed(database, feed, "b", placeholder=True)
    for _ in range(2):
        await room.deliver()
    async with database.read() as db:
        (post_id,) = [i.post_id for i in await feeds.newest(db, feed.id, limit=9)
                      if i.guid.endswith(":b")]  # fmt: skip
    async with database.write() as db:  # its pictures come: listed anew, but announced before
        assert await feeds.show(db, feed.id, post_id, NOW)
    await room.deliver()
    assert elsewhere.ids == ["a", "b"]
    url, body, headers = elsewhere.sent[0]
    assert url == ADDRESS
    assert json.loads(body)["media"][0]["file"].endswith("/0.jpg")
    assert "/f/" not in body.decode()
    assert headers["X-Reelay-Timestamp"] == str(int(clock().timestamp()))
    assert headers["X-Reelay-Signature"] == f"sha256={signature(made.key, clock(), body)}"


async def test_later_posts_wait_until_the_first_has_arrived(
    database: Database, feed: Feed, room: Webhooks, elsewhere: Elsewhere, clock: StillClock
) -> None:
    await room.put(MIA, feed.id, ADDRESS)
    for name in ("a", "b", "c"):
        await listed(database, feed, name)
    elsewhere.answers = [204, 500]
    await room.deliver()
    await room.deliver()  # not yet
    assert elsewhere.ids == ["a", "b"]
    assert (await room.of_feed(MIA, feed.id))[2] == 2
    clock.advance(seconds=PAUSES[0].total_seconds())
    await room.deliver()
    assert elsewhere.ids == ["a", "b", "b", "c"]
    assert await told(database) == []


async def test_after_the_last_try_it_is_given_up_and_said_once(
    database: Database, feed: Feed, room: Webhooks, elsewhere: Elsewhere, clock: StillClock
) -> None:
    await room.put(MIA, feed.id, ADDRESS)
    await listed(database, feed, "a")
    await listed(database, feed, "b")
    elsewhere.answers = [NotSent("timeout")] * TRIES + [404]
    for _ in range(TRIES + 2):
        await room.deliver()
        clock.advance(seconds=PAUSES[-1].total_seconds())
    assert elsewhere.ids == ["a"] * TRIES + ["b"]
    assert await told(database) == [("webhook_failed", "timeout")]
    # something arrives, and then it breaks anew: that is said again
    await listed(database, feed, "c")
    await listed(database, feed, "d")
    elsewhere.answers = [204, 410]
    await room.deliver()
    assert await told(database) == [("webhook_failed", "timeout"), ("webhook_failed", "http_410")]


async def test_what_was_owed_is_forgotten_after_a_month(
    database: Database, feed: Feed, room: Webhooks, elsewhere: Elsewhere, clock: StillClock
) -> None:
    await room.put(MIA, feed.id, ADDRESS)
    await listed(database, feed, "a")
    await listed(database, feed, "b")
    elsewhere.answers = [204, 500]
    await room.deliver()
    kept = []
    for days in (30, 1):
        clock.advance(days=days)
        await room.forget()
        async with database.read() as db:
            kept.append((await feed_status.counts(db)).deliveries)
    assert kept == [{"delivered": 1, "waiting": 1}, {}]  # dead for so long


async def test_one_that_hangs_holds_up_no_other(
    database: Database, feed: Feed, room: Webhooks, elsewhere: Elsewhere
) -> None:
    other = await a_feed(database, LEO)
    for user_id, one in ((MIA, feed), (LEO, other)):
        await room.put(user_id, one.id, ADDRESS)
        await listed(database, one, "a")
    elsewhere.answers = [NotSent("timeout")]
    await room.deliver()
    assert len(elsewhere.sent) == 2
    assert {(await room.of_feed(MIA, feed.id))[2], (await room.of_feed(LEO, other.id))[2]} == {0, 1}


async def test_the_address_is_sealed_and_survives_nothing_but_its_own_key(
    database: Database, feed: Feed, room: Webhooks, elsewhere: Elsewhere, clock: StillClock
) -> None:
    await room.put(MIA, feed.id, ADDRESS)
    async with database.read() as db:
        rows = str((await db.exec_driver_sql("select * from webhooks")).all())
        audit = str((await db.exec_driver_sql("select * from audit")).all())
    assert "s3cr3t" not in rows + audit
    assert "hooks.example" in rows
    stranger = Webhooks(database, Vault([Fernet.generate_key().decode()]), elsewhere, clock)
    assert await stranger.test(MIA, feed.id) == "key"
    assert elsewhere.sent == []


async def test_off_means_that_nothing_is_sent_any_more(
    database: Database, feed: Feed, room: Webhooks, elsewhere: Elsewhere
) -> None:
    await room.put(MIA, feed.id, ADDRESS)
    await listed(database, feed, "a")
    await room.drop(MIA, feed.id)
    await listed(database, feed, "b")
    await room.deliver()
    assert elsewhere.sent == []
    assert (await room.of_feed(MIA, feed.id))[1:] == (None, 0)


async def test_the_test_button_says_what_came_of_it(
    feed: Feed, room: Webhooks, elsewhere: Elsewhere
) -> None:
    await room.put(MIA, feed.id, "https://discord.com/api/webhooks/1/x")
    elsewhere.answers = [204, 404]
    assert [await room.test(MIA, feed.id) for _ in range(2)] == ["", "http_404"]
    assert "embeds" in json.loads(elsewhere.sent[0][1])
    assert "X-Reelay-Signature" not in elsewhere.sent[0][2]
    webhook = (await room.of_feed(MIA, feed.id))[1]
    assert webhook is not None
    assert (webhook.form, webhook.last_good_at, webhook.last_error) == ("discord", NOW, "http_404")


async def test_nobody_touches_anothers(
    database: Database, feed: Feed, room: Webhooks, elsewhere: Elsewhere
) -> None:
    await room.put(MIA, feed.id, ADDRESS)
    for act in (
        lambda: room.put(LEO, feed.id, ADDRESS),
        lambda: room.drop(LEO, feed.id),
        lambda: room.test(LEO, feed.id),
        lambda: room.of_feed(LEO, feed.id),
    ):
        with pytest.raises(NotAllowed):
            await act()
    with pytest.raises(BadInput):
        await room.put(MIA, feed.id, "not an address")
    async with database.read() as db:
        kept = await webhooks.of_feed(db, feed.id)
    assert kept is not None
    assert elsewhere.sent == []
