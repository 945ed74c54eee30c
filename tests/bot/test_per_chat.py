"""Updates of one chat in order, while other chats go on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import telegram

from bot.router import PerChat


def update(chat_id: int) -> telegram.Update:
    chat = telegram.Chat(chat_id, "private")
    message = telegram.Message(1, datetime(2026, 11, 20, tzinfo=UTC), chat)
    return telegram.Update(1, message=message)


async def test_one_chat_is_served_in_order_though_the_first_is_slow() -> None:
    processor, order, first_may_end = PerChat(), [], asyncio.Event()

    async def handler(number: int) -> None:
        if number == 1:
            await first_may_end.wait()
        order.append(number)

    async with asyncio.TaskGroup() as group:
        for number in (1, 2, 3, 4):
            group.create_task(processor.process_update(update(7), handler(number)))
        await asyncio.sleep(0)  # all four have begun
        first_may_end.set()
    assert order == [1, 2, 3, 4]


async def test_another_chat_does_not_wait() -> None:
    processor, held = PerChat(), asyncio.Event()
    slow = asyncio.create_task(processor.process_update(update(7), held.wait()))
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await processor.process_update(update(8), asyncio.sleep(0))
    assert not slow.done()
    held.set()
    await slow


async def test_a_handler_that_fails_leaves_its_chat_open() -> None:
    processor = PerChat()

    async def fails() -> None:
        raise RuntimeError("inside a handler")

    results = await asyncio.gather(
        processor.process_update(update(7), fails()),
        processor.process_update(update(7), asyncio.sleep(0, "served")),
        return_exceptions=True,
    )
    assert isinstance(results[0], RuntimeError)
    assert results[1] is None


async def test_chats_of_the_past_are_forgotten() -> None:
    processor = PerChat()
    for chat_id in range(100):
        await processor.process_update(update(chat_id), asyncio.sleep(0))
    assert len(processor._locks) == 0
