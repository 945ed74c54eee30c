"""getUpdates: the held poll, offsets, allowed_updates, conflicts and the life of updates."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from aiogram import Bot, types
from aiogram.exceptions import TelegramConflictError

from sandbox.telegram import Telegram
from sandbox.telegram.updates import Updates
from tests.sandbox.telegram.conftest import MIA, Clock, until

LONG = 40  # seconds; no poll of a passing test lasts so long


async def until_polled(telegram: Telegram) -> None:
    await until(lambda: telegram.updates.is_polled)


def texts(updates: list[types.Update]) -> list[str | None]:
    return [update.message.text for update in updates if update.message]


async def test_a_poll_is_held_until_something_happens(bot: Bot, telegram: Telegram) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=LONG))
    await until_polled(telegram)
    assert not poll.done()
    telegram.say(MIA, "now")
    assert texts(await poll) == ["now"]


async def test_a_held_poll_ends_empty_after_its_timeout(bot: Bot) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await bot.get_updates(timeout=1) == []
    assert loop.time() - started >= 0.9


async def test_offsets_confirm_and_limit_cuts(bot: Bot, telegram: Telegram) -> None:
    for text in "abcd":
        telegram.say(MIA, text)
    first = await bot.get_updates(limit=2)
    assert texts(first) == ["a", "b"]
    assert texts(await bot.get_updates(offset=first[0].update_id + 1)) == ["b", "c", "d"]
    assert texts(await bot.get_updates(offset=-1)) == ["d"]  # keeps only the last one
    assert len(telegram.updates.pending) == 1
    assert [b.update_id - a.update_id for a, b in itertools.pairwise(first)] == [1]


async def test_the_same_offset_at_once_gives_one_update(bot: Bot, telegram: Telegram) -> None:
    for text in "ab":
        telegram.say(MIA, text)
    assert texts(await bot.get_updates(offset=5)) == ["a", "b"]
    assert texts(await bot.get_updates(offset=5)) == ["a"]


async def test_the_same_offset_again_is_held_even_without_a_timeout(
    bot: Bot, telegram: Telegram
) -> None:
    assert await bot.get_updates(offset=5) == []
    poll = asyncio.create_task(bot.get_updates(offset=5))
    await until_polled(telegram)
    telegram.say(MIA, "x")
    assert texts(await poll) == ["x"]


async def test_allowed_updates_count_when_the_update_is_created(
    bot: Bot, telegram: Telegram
) -> None:
    said = telegram.say(MIA, "a")
    await bot.get_updates(allowed_updates=["edited_message"])
    telegram.edit_own(MIA, said, "b")
    telegram.say(MIA, "never seen")
    updates = await bot.get_updates(offset=1, allowed_updates=[])
    assert [update.event_type for update in updates] == ["message", "edited_message"]
    telegram.say(MIA, "c")  # an empty list is the default again
    assert len(telegram.updates.pending) == 3


async def test_the_older_of_two_polls_gets_the_409(bot: Bot, telegram: Telegram) -> None:
    older = asyncio.create_task(bot.get_updates(offset=1, timeout=LONG))
    await until_polled(telegram)
    newer = asyncio.create_task(bot.get_updates(offset=2, timeout=LONG))
    with pytest.raises(TelegramConflictError) as refusal:
        await older
    assert refusal.value.message == (
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is"
        " running"
    )
    await until_polled(telegram)
    telegram.say(MIA, "x")
    assert texts(await newer) == ["x"]


async def test_a_second_conflict_soon_after_is_answered_late(clock: Clock) -> None:
    updates = Updates(clock, conflict_pause=0.2)
    loop = asyncio.get_running_loop()
    ends: list[float] = []
    polls = [asyncio.create_task(updates.poll(offset, 1, LONG)) for offset in (1, 2, 3)]
    for poll in polls[:2]:
        with pytest.raises(Exception, match="terminated by other getUpdates"):
            await poll
        ends.append(loop.time())
    polls[2].cancel()
    assert ends[1] - ends[0] >= 0.15


async def test_no_polling_while_a_webhook_is_set(bot: Bot, telegram: Telegram) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=LONG))
    await until_polled(telegram)
    await bot.set_webhook("https://bot.example.org/x")
    with pytest.raises(TelegramConflictError, match="terminated by setWebhook request"):
        await poll
    with pytest.raises(TelegramConflictError) as refusal:
        await bot.get_updates()
    assert refusal.value.message == (
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to"
        " delete the webhook first"
    )
    await bot.delete_webhook()
    telegram.say(MIA, "x")
    assert texts(await bot.get_updates()) == ["x"]


async def test_a_poller_that_goes_away_leaves_nothing_behind(bot: Bot, telegram: Telegram) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=LONG))
    await until_polled(telegram)
    poll.cancel()
    await until(lambda: not telegram.updates.is_polled)
    telegram.say(MIA, "kept")
    assert texts(await bot.get_updates()) == ["kept"]


async def test_updates_die_of_age_and_taps_sooner(
    bot: Bot, telegram: Telegram, clock: Clock
) -> None:
    button = types.InlineKeyboardButton(text="Go", callback_data="go")
    markup = types.InlineKeyboardMarkup(inline_keyboard=[[button]])
    sent = await bot.send_message(MIA, "x", reply_markup=markup)
    telegram.tap(MIA, sent.message_id, "go")
    telegram.say(MIA, "a")
    clock.seconds += 150
    assert [update.event_type for update in await bot.get_updates()] == ["message"]
    clock.seconds += 24 * 3600
    info = await bot.get_webhook_info()
    assert info.pending_update_count == 0


async def test_an_update_shows_the_message_as_it_was(bot: Bot, telegram: Telegram) -> None:
    said = telegram.say(MIA, "before")
    telegram.edit_own(MIA, said, "after")
    updates = await bot.get_updates()
    assert texts(updates) == ["before"]


async def test_ids_go_on_after_a_restart() -> None:
    clock = Clock()
    before = Telegram("42:A", now=clock)
    before.add_person(MIA, "Mia")
    first = before.say(MIA, "x")
    clock.seconds += 60
    after = Telegram("42:A", now=clock)
    after.add_person(MIA, "Mia")
    assert after.say(MIA, "y") > first
    assert min(after.updates.pending) > max(before.updates.pending)
