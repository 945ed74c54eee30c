"""Each bad day of Meta looks as it says, and ends when it is switched off."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from sandbox.graph import Meta
from sandbox.graph.bad_days import DAYS
from tests.sandbox.graph.conftest import Publisher, numbers


@pytest.mark.parametrize(
    ("day", "code", "subcode"),
    [
        ("meta-rate-limit", 80002, None),
        ("meta-quota", 9, 2207042),
        ("meta-spam", 4, 2207051),
        ("meta-restricted", 25, 2207050),
        ("meta-error-after", 2, None),
        ("meta-token-revoked", 190, 458),
    ],
)
async def test_publishing_on_a_bad_day(
    mia: Publisher, day: str, code: int, subcode: int | None
) -> None:
    meta = mia.client.meta
    container = await mia.container()
    meta.bad_days.switch(day, True)
    assert numbers(await mia.publish(container)) == (code, subcode)
    assert len(meta.published) == (day == "meta-error-after")
    meta.bad_days.switch(day, False)
    mia.token = meta.instagram_token("mia")
    await mia.publish(container)
    assert len(meta.published) == 1


async def test_two_addresses_are_not_fetched(mia: Publisher) -> None:
    mia.client.meta.bad_days.switch("meta-no-fetch", True)
    answers = [await mia.create() for _ in range(3)]
    assert [numbers(one) for one in answers[:2]] == [(9004, 2207052)] * 2
    assert "id" in answers[2]


async def test_blindness_hides_containers_but_not_the_account(mia: Publisher) -> None:
    container = await mia.container()
    mia.client.meta.bad_days.switch("meta-blind", True)
    assert numbers(await mia.status(container)) == (100, 33)
    assert "id" in await mia.client.get(mia.url(), mia.token)
    assert "id" in await mia.publish(container)


@pytest.mark.parametrize(
    ("day", "status"), [("meta-bad-media", "ERROR"), ("meta-stuck", "IN_PROGRESS")]
)
async def test_containers_on_a_bad_day(mia: Publisher, day: str, status: str) -> None:
    mia.client.meta.bad_days.switch(day, True)
    container = await mia.container()
    assert (await mia.status(container))["status_code"] == status
    assert numbers(await mia.publish(container)) == (9007, 2207027)


async def test_a_lost_answer(mia: Publisher) -> None:
    mia.client.meta.bad_days.switch("meta-lost-answer", True)
    container = await mia.container()
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await mia.publish(container)
    assert numbers(await mia.publish(container)) == (24, 2207008)
    assert len(mia.client.meta.published) == 1


@pytest.mark.parametrize("day", ["meta-down", "meta-garbage"])
async def test_answers_that_are_none(mia: Publisher, day: str) -> None:
    mia.client.meta.bad_days.switch(day, True)
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|delimiter"):
        await mia.client.get(mia.url(), mia.token)


async def test_a_slow_day(mia: Publisher) -> None:
    days = mia.client.meta.bad_days
    days.slow_seconds = 0.1
    days.switch("meta-slow", True)
    loop = asyncio.get_running_loop()
    start = loop.time()
    await mia.client.get(mia.url(), mia.token)
    assert loop.time() - start >= 0.1


def test_every_day_is_told_to_the_page(meta: Meta) -> None:
    meta.bad_days.switch("meta-slow", True)
    days = meta.bad_days.all()
    assert [day.name for day in days if day.on] == ["meta-slow"]
    assert all(day.label and day.description.endswith(".") for day in days)
    assert len({day.name for day in days}) == len(DAYS)
    with pytest.raises(KeyError):
        meta.bad_days.switch("no such day", True)
