"""Fixtures: a Meta to talk to, closed at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from tests.services.graph.meta import Meta


@pytest.fixture
async def meta() -> AsyncIterator[Callable[..., Meta]]:
    made: list[Meta] = []

    def make(*answers: object) -> Meta:
        made.append(Meta(*answers))
        return made[-1]

    yield make
    for one in made:
        await one.http.aclose()
