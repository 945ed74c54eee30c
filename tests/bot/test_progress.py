"""The one card of an import: newest state wins, silently, at most every 3 seconds."""

from __future__ import annotations

from typing import Any

import pytest

from bot.progress import PRIVATE_GAP
from storage import import_items, importing, notices
from storage.tables import cards
from tests.bot.seeds import seed_import
from tests.support.harness import Harness, PumpedVisitor


class Followed:
    """A running import whose card is in Mia's chat; the test moves it and turns the loop."""

    def __init__(self, harness: Harness, mia: PumpedVisitor, import_id: int, card: int) -> None:
        self.harness, self.mia, self.import_id, self.card = harness, mia, import_id, card
        self._settled = 0

    async def settle(self, number: int = 1) -> None:
        """So many more posts have failed."""
        harness = self.harness
        async with harness.app.database.write() as db:
            for item in await import_items.pending(db, self.import_id, charged=False, limit=number):
                await import_items.settle(db, item.id, "gone", harness.clock(), error="gone")
            # what every step of a job does first
            await importing.fence(db, self.import_id, 1, harness.clock())

    async def turn(self, *, seconds: float = 0) -> None:
        self.harness.clock.advance(seconds=seconds)
        await self.harness.tick("progress cards")

    def edits(self) -> list[Any]:
        calls = self.harness.telegram.calls
        wanted = str(self.card)
        return [
            one
            for one in calls
            if one.method == "editMessageText" and one.args["message_id"] == wanted
        ]

    @property
    def text(self) -> str:
        message = self.harness.telegram.messages.find(self.mia.user_id, self.card)
        assert message is not None
        return str(message["text"])

    async def row(self) -> Any:
        async with self.harness.app.database.read() as db:
            return (await db.execute(cards.select())).first()


@pytest.fixture
async def followed(harness: Harness) -> Followed:
    mia = await harness.connected()
    import_id = await seed_import(
        harness, mia, 1, state="running", items=40, started_at=harness.clock()
    )
    mia.say("/jobs")
    await mia.tap("Reels ideas")
    card = await mia.sees("Reels ideas 0/40")
    await mia.answered()
    await harness.app.clock.stop()
    harness.telegram.calls.clear()
    return Followed(harness, mia, import_id, card["message_id"])


async def test_edits_keep_their_distance_and_show_the_newest(followed: Followed) -> None:
    for _ in range(30):  # 15 seconds of work, looked at twice a second
        await followed.settle()
        await followed.turn(seconds=0.5)
    edits = followed.edits()
    assert 4 <= len(edits) <= 1 + 15 / PRIVATE_GAP.total_seconds()
    await followed.turn(seconds=3)
    assert "30/40" in followed.text
    assert (
        followed.harness.telegram.history(followed.mia.user_id)[-1]["message_id"] == followed.card
    )


async def test_a_card_whose_import_stands_still_is_left_alone(followed: Followed) -> None:
    for _ in range(5):
        await followed.turn(seconds=5)
    assert followed.edits() == []


async def test_a_change_without_a_new_text_does_not_delay_the_next(followed: Followed) -> None:
    await followed.settle(0)
    await followed.turn()
    assert followed.edits()[-1].error is not None  # "not modified", and ignored
    await followed.settle()
    await followed.turn(seconds=0.1)
    assert "1/40" in followed.text


async def test_a_429_is_obeyed_to_the_second(followed: Followed) -> None:
    followed.harness.telegram.fail(
        "editMessageText", code=429, description="Too Many Requests: retry after 20", retry_after=20
    )
    await followed.settle(5)
    await followed.turn()
    await followed.settle(5)
    await followed.turn(seconds=19)
    assert len(followed.edits()) == 1
    await followed.turn(seconds=2)
    assert "10/40" in followed.text


async def test_without_telegram_the_card_is_caught_up_later(followed: Followed) -> None:
    followed.harness.telegram.fail("editMessageText", code=502, description="Bad Gateway")
    await followed.settle(5)
    await followed.turn()
    assert "0/40" in followed.text
    await followed.turn(seconds=3)
    assert "5/40" in followed.text


async def test_a_card_that_was_deleted_is_not_missed_and_the_result_still_comes(
    followed: Followed,
) -> None:
    followed.harness.telegram.messages.delete(followed.mia.user_id, followed.card)
    await followed.settle(5)
    await followed.turn()
    assert await followed.row() is None
    await followed.harness.app.importing.service.cancel(followed.mia.user_id, followed.import_id)
    followed.mia.say("/jobs")
    await followed.mia.sees("⏹ Reels ideas")


async def test_a_person_who_blocked_the_bot_is_left_alone(followed: Followed) -> None:
    followed.harness.telegram.block(followed.mia.user_id)
    await followed.settle(5)
    await followed.turn()
    assert await followed.row() is None


async def test_the_question_whether_to_stop_is_not_edited_away(followed: Followed) -> None:
    await followed.mia.tap("Cancel…")
    await followed.mia.sees("Stop importing Reels ideas now")
    await followed.mia.answered()
    await followed.settle(5)
    await followed.turn(seconds=10)
    assert "Stop importing" in followed.text
    await followed.turn(seconds=60)  # nobody answers: it becomes the card again
    assert "5/40" in followed.text


async def test_go_on_brings_the_card_back_at_once(followed: Followed) -> None:
    await followed.mia.tap("Cancel…")
    await followed.mia.tap("Go on")
    await followed.mia.answered()
    assert "Reels ideas 0/40" in followed.text
    await followed.settle(7)
    await followed.turn(seconds=3)
    assert "7/40" in followed.text


async def test_an_ended_import_is_shown_once_more_and_let_go(followed: Followed) -> None:
    await followed.harness.app.importing.service.cancel(followed.mia.user_id, followed.import_id)
    await followed.turn(seconds=3)
    assert "Stopped: Reels ideas" in followed.text
    assert await followed.row() is None


async def test_the_card_moves_to_where_it_was_opened_last(followed: Followed) -> None:
    mia = followed.mia
    mia.say("/jobs")
    await mia.until(lambda: mia.messages()[-1]["message_id"] != followed.card or None, "a list")
    await mia.tap("⏬ Reels ideas")
    await mia.answered()
    assert "0/40" in mia.messages()[-1]["text"]
    await followed.settle(9)
    await followed.turn(seconds=3)
    assert "9/40" in mia.messages()[-1]["text"]
    assert "0/40" in followed.text  # the old one stays as it was, and its buttons still work


async def test_what_rings_takes_the_place_of_the_card(followed: Followed) -> None:
    """One message per import: the older one goes when the result, or a question, comes."""
    harness, mia = followed.harness, followed.mia
    async with harness.app.database.write() as db:
        await importing.move(
            db,
            followed.import_id,
            harness.clock(),
            from_states=["running"],
            state="paused",
            reason="cookies",
        )
        await notices.add(
            db, mia.user_id, "import_paused", harness.clock(), import_id=followed.import_id
        )
    await followed.turn(seconds=5)
    assert followed.edits() == []
    await harness.tick("notices")
    paused = await mia.sees("asks @mia to log in again")
    shown = [message["message_id"] for message in harness.telegram.history(mia.user_id)]
    assert followed.card not in shown
    row = await followed.row()
    assert row.message_id == paused["message_id"]  # the new one is edited from now on
