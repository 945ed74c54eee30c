"""What must hold when several processes share one PostgreSQL database."""

from __future__ import annotations

import asyncio

import pytest

from services.analysis.service import Begun, TooManyToday
from tests.services.analysis.stage import Stage
from tests.support.databases import postgres_url
from tests.support.rows import MIA

__all__ = ["postgres_url"]

AT_ONCE = 8


@pytest.fixture
def database_url(postgres_url: str) -> str:
    return postgres_url


async def test_ten_a_day_also_when_all_are_begun_at_once(stage: Stage) -> None:
    stage.service._per_day = 2
    begun = await asyncio.gather(
        *(stage.service.begin(MIA, f"somebody{n}") for n in range(AT_ONCE)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in begun) == [
        *[Begun.__name__] * 2,
        *[TooManyToday.__name__] * (AT_ONCE - 2),
    ]
