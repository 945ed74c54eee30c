"""Notices: delivered at least once whatever Telegram does, silent only where that is wanted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.cards import Card, button
from bot.notices import ALERTS, SILENCED_BY, Message, NotReady, Text
from bot.outbox import MAX_ATTEMPTS, is_quiet, is_silent
from services.web.alerts import KINDS
from storage import notices
from storage.notices import Notice
from storage.people import User
from storage.tables import notices as table
from tests.bot.factories import user
from tests.support.harness import Harness, PumpedVisitor


def at(hour: int, minute: int = 0, *, month: int = 11, day: int = 20) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


# ---------------------------------------------------------------- quiet hours


@pytest.mark.parametrize(
    ("hours", "zone", "now", "quiet"),
    [
        ((None, None), "UTC", at(3), False),
        ((22, 8), "UTC", at(21, 59), False),
        ((22, 8), "UTC", at(22), True),
        ((22, 8), "UTC", at(0), True),
        ((22, 8), "UTC", at(7, 59), True),
        ((22, 8), "UTC", at(8), False),
        ((0, 6), "UTC", at(0), True),
        ((0, 6), "UTC", at(5, 59), True),
        ((0, 6), "UTC", at(6), False),
        ((0, 6), "UTC", at(23, 59), False),
        # the person's own day, not the server's
        ((22, 8), "Asia/Tokyo", at(13), True),
        ((22, 8), "Asia/Tokyo", at(23), False),
        ((22, 8), "Asia/Kathmandu", at(2, 14), True),  # 07:59 there
        ((22, 8), "Asia/Kathmandu", at(2, 15), False),
        # Berlin puts the clock back on 25 October 2026: 8:00 is 06:00 UTC before and 07:00 after
        ((22, 8), "Europe/Berlin", at(6, month=10, day=24), False),
        ((22, 8), "Europe/Berlin", at(6, month=10, day=25), True),
        ((22, 8), "Europe/Berlin", at(7, month=10, day=25), False),
        # 2:30 comes twice that night and is quiet both times
        ((2, 3), "Europe/Berlin", at(0, 30, month=10, day=25), True),
        ((2, 3), "Europe/Berlin", at(1, 30, month=10, day=25), True),
        # New York puts it forward on 8 March 2026: there is no 2:30
        ((2, 3), "America/New_York", at(6, 59, month=3, day=8), False),
        ((2, 3), "America/New_York", at(7, 0, month=3, day=8), False),
    ],
)
def test_quiet_hours_are_those_of_the_persons_own_clock(
    hours: tuple[int | None, int | None], zone: str, now: datetime, quiet: bool
) -> None:
    assert is_quiet(user(quiet_from=hours[0], quiet_until=hours[1], zone=zone), now) is quiet


@pytest.mark.parametrize(("kind", "preference"), SILENCED_BY.items())
def test_what_can_wait_obeys_quiet_hours_and_preferences(kind: str, preference: str) -> None:
    sleeper = user(quiet_from=22, quiet_until=8)
    assert is_silent(sleeper, kind, at(23))
    assert not is_silent(sleeper, kind, at(12))
    assert is_silent(user(muted=(preference,)), kind, at(12))
    others = {"import_done", "expiry", "alerts"} - {preference}
    assert not is_silent(user(muted=tuple(others)), kind, at(12))


@pytest.mark.parametrize("kind", ["import_paused", "connect_failed", "export_failed", "connected"])
def test_what_needs_a_person_always_rings(kind: str) -> None:
    deaf = user(quiet_from=22, quiet_until=8, muted=("import_done", "expiry", "alerts"))
    assert not is_silent(deaf, kind, at(23))


# ---------------------------------------------------------------- delivery


async def notify(
    harness: Harness, visitor: PumpedVisitor, amount: int, kind: str = "granted"
) -> None:
    async with harness.app.database.write() as db:
        await notices.add(db, visitor.user_id, kind, harness.clock(), amount=amount)


def heard(mia: PumpedVisitor, amount: int) -> int:
    return sum(f"You were given {amount} credits" in one["text"] for one in mia.messages())


async def waiting(harness: Harness) -> list[Any]:
    async with harness.app.database.read() as db:
        return list(await db.execute(table.select().where(table.c.delivered_at.is_(None))))


@pytest.fixture
async def mia(harness: Harness) -> PumpedVisitor:
    """Her bot's own clock is stopped: the tests turn the loops."""
    visitor = await harness.owner()
    await harness.app.clock.stop()
    return visitor


async def test_notices_come_in_order_and_once(harness: Harness, mia: PumpedVisitor) -> None:
    for amount in range(2, 5):
        await notify(harness, mia, amount)
    for _ in range(3):
        await harness.tick("notices")
    said = [one["text"] for one in mia.messages()[1:]]
    assert [text.split("were ")[1][:7] for text in said] == ["given 2", "given 3", "given 4"]


async def test_a_429_is_obeyed_and_the_notice_still_comes(
    harness: Harness, mia: PumpedVisitor
) -> None:
    harness.telegram.fail(
        "sendMessage", code=429, description="Too Many Requests: retry after 30", retry_after=30
    )
    await notify(harness, mia, 7)
    await harness.tick("notices")
    asked = len(harness.telegram.calls)
    harness.clock.advance(seconds=29)
    await harness.tick("notices")
    assert len(harness.telegram.calls) == asked  # not even tried before the time is over
    harness.clock.advance(seconds=2)
    await harness.tick("notices")
    assert heard(mia, 7) == 1


@pytest.mark.parametrize(("code", "text"), [(500, "Internal Server Error"), (502, "Bad Gateway")])
async def test_a_server_error_is_tried_again_later(
    harness: Harness, mia: PumpedVisitor, code: int, text: str
) -> None:
    harness.telegram.fail("sendMessage", code=code, description=text, times=2)
    await notify(harness, mia, 7)
    for seconds in (0, 1.1, 2.1):
        harness.clock.advance(seconds=seconds)
        await harness.tick("notices")
    assert heard(mia, 7) == 1


async def test_an_answer_that_got_lost_repeats_the_notice_at_most_once(
    harness: Harness, mia: PumpedVisitor
) -> None:
    """There is no idempotency key: at least once is all that Telegram allows."""
    harness.telegram.drop_answer("sendMessage")
    await notify(harness, mia, 7)
    for _ in range(4):
        await harness.tick("notices")
        harness.clock.advance(seconds=2)
    assert heard(mia, 7) == 2
    assert await waiting(harness) == []


async def test_however_long_telegram_is_away_nothing_is_given_up(
    harness: Harness, mia: PumpedVisitor
) -> None:
    """A night without a network must not cost the file that is to be posted by hand."""
    await notify(harness, mia, 7)
    async with harness.app.database.write() as db:
        await db.execute(table.update().values(attempts=10 * MAX_ATTEMPTS))
    harness.telegram.fail("sendMessage", code=502, description="Bad Gateway")
    await harness.tick("notices")
    assert [row.given_up for row in await waiting(harness)] == [None]
    harness.clock.advance(minutes=5)
    await harness.tick("notices")
    assert heard(mia, 7) == 1


async def test_a_card_whose_file_never_arrives_does_not_come_for_ever(
    harness: Harness, mia: PumpedVisitor, tmp_path: Path
) -> None:
    (tmp_path / "export").write_bytes(b"zip")
    await harness.app.objects.adopt(tmp_path / "export", "exports/1/1/reelay.zip")
    async with harness.app.database.write() as db:
        keys = ["exports/1/1/reelay.zip"]
        await notices.add(db, mia.user_id, "export_ready", harness.clock(), object_keys=keys)
        await db.execute(table.update().values(attempts=MAX_ATTEMPTS - 2))
    harness.telegram.fail("sendDocument", code=502, description="Bad Gateway", times=9)
    before = len(mia.messages())
    for _ in range(4):
        await harness.tick("notices")
        harness.clock.advance(minutes=5)
    assert len(mia.messages()) == before + 2
    assert [row.given_up for row in await waiting(harness)] == ["It failed 60 times"]


async def test_for_a_person_who_blocked_the_bot_notices_wait(
    harness: Harness, mia: PumpedVisitor
) -> None:
    leo = await harness.member()
    await harness.tick("notices")
    harness.telegram.block(leo.user_id)
    await notify(harness, leo, 7)
    await notify(harness, mia, 8)
    for _ in range(100):  # days pass
        await harness.tick("notices")
        harness.clock.advance(hours=1)
    assert heard(mia, 8) == 1  # nobody else waits for them
    assert [row.given_up for row in await waiting(harness)] == [None]
    harness.telegram.unblock(leo.user_id)
    leo.say("/help")
    await leo.sees("What I can do")
    await leo.sees("You were given 7 credits")  # at once, not at the next full hour


async def test_a_notice_that_telegram_refuses_is_given_up_and_logged(
    harness: Harness, mia: PumpedVisitor
) -> None:
    harness.telegram.fail("sendMessage", code=400, description="Bad Request: message is too long")
    await notify(harness, mia, 7)
    await notify(harness, mia, 8)
    with capture_logs() as logs:
        await harness.tick("notices")
    assert (heard(mia, 7), heard(mia, 8)) == (0, 1)
    assert [row.given_up for row in await waiting(harness)] == ["Message is too long"]
    assert "notice refused" in [line["event"] for line in logs]


async def test_one_broken_notice_does_not_hold_up_the_others(
    harness: Harness, mia: PumpedVisitor
) -> None:
    async with harness.app.database.write() as db:
        await notices.add(db, mia.user_id, "of_another_version", harness.clock())
    await notify(harness, mia, 7)
    with capture_logs() as logs:
        await harness.tick("notices")
    assert heard(mia, 7) == 1
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["notice failed"]
    assert len(await waiting(harness)) == 1
    assert all(row.not_before > harness.clock() for row in await waiting(harness))


async def test_a_notice_whose_files_were_swept_says_so_once(
    harness: Harness, mia: PumpedVisitor
) -> None:
    """Telegram was away, or the person had blocked the bot, for longer than exports are kept."""
    async with harness.app.database.write() as db:
        keys = ["exports/1/1/gone.zip"]
        await notices.add(db, mia.user_id, "export_ready", harness.clock(), object_keys=keys)
    for _ in range(3):
        await harness.tick("notices")
        harness.clock.advance(hours=1)
    assert await waiting(harness) == []
    told = [one["text"] for one in mia.messages() if "xport" in one["text"]]
    assert len(told) == 1
    assert "deleted by now" in told[0]


async def test_what_fails_for_ever_is_given_up(harness: Harness, mia: PumpedVisitor) -> None:
    async with harness.app.database.write() as db:
        await notices.add(db, mia.user_id, "of_another_version", harness.clock())
    for _ in range(70):
        await harness.tick("notices")
        harness.clock.advance(minutes=5)
    (row,) = await waiting(harness)
    assert row.given_up is not None
    assert row.attempts < 70


async def test_quiet_hours_silence_the_message_itself(harness: Harness, mia: PumpedVisitor) -> None:
    hour = harness.clock().hour
    await harness.app.people.set_quiet_hours(mia.user_id, (hour, (hour + 2) % 24))
    async with harness.app.database.write() as db:
        await notices.add(
            db, mia.user_id, "alert", harness.clock(), alert="disk", subject="", once="a"
        )
    await notify(harness, mia, 7)
    events = harness.telegram.subscribe()
    await harness.tick("notices")
    arrived = [events.get_nowait() for _ in range(events.qsize())]
    silent = {
        event.payload["text"][:9]: event.payload["silent"]
        for event in arrived
        if event.kind == "message"
    }
    assert silent == {"🚨 Alert: ": True, "🎁 You wer": False}


async def test_the_receipt_of_a_deletion_never_outlives_a_block(
    harness: Harness, mia: PumpedVisitor
) -> None:
    """It is the last row that names the person."""
    harness.telegram.block(mia.user_id)
    async with harness.app.database.write() as db:
        await notices.add(db, mia.user_id, "deleted", harness.clock())
    await harness.tick("notices")
    assert await waiting(harness) == []


async def test_an_alert_and_its_end(harness: Harness, mia: PumpedVisitor) -> None:
    async with harness.app.database.write() as db:
        for kind in ("alert", "alert_over"):
            await notices.add(
                db, mia.user_id, kind, harness.clock(), alert="import_failing", subject="import 3"
            )
    await harness.tick("notices")
    first, last = mia.messages()[-2:]
    assert "🚨 Alert: more than a fifth of an import's posts fail (import 3)." in first["text"]
    assert mia.labels(first) == ["Health"]
    assert last["text"] == "✅ Over: more than a fifth of an import's posts fail (import 3)."


def test_every_alert_has_words() -> None:
    assert set(ALERTS) == set(KINDS)


async def test_cookies_that_run_out_are_announced(harness: Harness, mia: PumpedVisitor) -> None:
    account = await harness.connect(mia, "mia")
    async with harness.app.database.write() as db:
        for days in (3, 1):
            await notices.add(
                db,
                mia.user_id,
                "cookies_expiring",
                harness.clock() + timedelta(0),
                connection_id=account,
                days=days,
            )
    harness.clock.advance(seconds=1)
    await harness.tick("notices")
    assert "The session of @mia ends within 3 days." in mia.messages()[-2]["text"]
    assert "The session of @mia ends within 1 day." in mia.messages()[-1]["text"]
    assert mia.labels() == ["🍪 Send new cookies", "Menu"]


# ---------------------------------------------------------------- pictures, and what is not ready


async def test_a_picture_that_is_gone_leaves_the_words(harness: Harness) -> None:
    mia = await harness.owner()
    card = Card("With a picture", ((button("Menu", "menu", "home"),),))

    async def text(_user: User, _notice: Notice) -> Message:
        return Message(card, picture="stories/gone.jpg")

    await say(harness, mia, "story_lost", text)
    assert "photo" not in await mia.sees("With a picture")


async def test_what_is_just_being_looked_at_holds_up_nothing_else(harness: Harness) -> None:
    mia = await harness.owner()
    asked = 0

    async def text(_user: User, _notice: Notice) -> Message:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise NotReady
        return Message(Card("Looked at", ((button("Menu", "menu", "home"),),)))

    await say(harness, mia, "story_lost", text)
    async with harness.app.database.write() as db:
        await notices.add(db, mia.user_id, "joined", harness.clock(), name="Leo")
    await harness.tick("notices")
    await mia.sees("Leo has joined")
    harness.clock.advance(seconds=1)
    await harness.tick("notices")
    harness.clock.advance(seconds=1)
    await mia.sees("Looked at")
    assert asked == 3, "and it was no failed attempt"


async def say(harness: Harness, visitor: PumpedVisitor, kind: str, text: Text) -> None:
    """A notice of this kind, which `text` words."""
    outbox = harness.app.clock.loops["notices"].tick.__self__  # type: ignore[attr-defined]
    outbox._texts._texts[kind] = text
    async with harness.app.database.write() as db:
        await notices.add(db, visitor.user_id, kind, harness.clock(), name="x")
