"""What many ask for at the same moment is made once."""

from __future__ import annotations

import asyncio

import pytest

from services.feed.once import Once


async def test_it_is_made_once_and_then_anew() -> None:
    once: Once[str, int] = Once()
    made: list[str] = []
    go = asyncio.Event()

    async def make() -> int:
        made.append("x")
        await go.wait()
        return len(made)

    askers = [asyncio.create_task(once.do("a", make)) for _ in range(5)]
    other = asyncio.create_task(once.do("b", make))
    await asyncio.sleep(0)
    askers[0].cancel()  # who began it hangs up; the others get it all the same
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*askers[1:], other) == [2] * 5
    assert await once.do("a", make) == 3


async def test_an_error_is_everybodys_and_is_forgotten() -> None:
    once: Once[str, int] = Once()

    async def fail() -> int:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    async def work() -> int:
        return 1

    answers = await asyncio.gather(*(once.do("a", fail) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in answers] == [ZeroDivisionError] * 3
    assert await once.do("a", work) == 1


async def test_one_asker_alone_gets_the_error() -> None:
    with pytest.raises(ZeroDivisionError):
        await Once[str, int]().do("a", _fail)


async def _fail() -> int:
    raise ZeroDivisionError
