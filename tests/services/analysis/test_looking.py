"""An analysis with its figures, from what is stored."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.analysis.looking import Looking
from services.errors import BadInput, NotAllowed
from tests.services.analysis.stage import Stage
from tests.support.analyses import analysed, new
from tests.support.rows import LEO, MIA, NOW, person

ZONE = ZoneInfo("UTC")


async def test_figures_are_of_the_moment_it_was_looked_at(stage: Stage) -> None:
    found = [new(n, plays=n, taken_at=NOW - timedelta(days=n + 1)) for n in range(20)]
    item = await analysed(stage.database, found, state="completed", followers=10)
    stage.clock.advance(days=50)  # type: ignore[attr-defined]
    sight = await Looking(stage.service).look(MIA, item.id, ZONE)
    assert (sight.figures.median_views.value, sight.figures.growing) == (9.5, 2)
    assert sight.at.astimezone(UTC) == NOW
    assert [one.views for one in sight.places][:2] == [19, 18]


async def test_what_is_new_is_told_against_the_one_before(stage: Stage) -> None:
    looking = Looking(stage.service)
    first = await analysed(stage.database, [new(2), new(3)], state="completed", followers=10)
    assert await looking.since_last(MIA, first.id) is None
    second = await analysed(
        stage.database, [new(1), new(2)], state="completed", at=NOW + timedelta(days=1)
    )
    since = await looking.since_last(MIA, second.id)
    assert since is not None
    assert since.before.id == first.id
    assert [reel.platform_id for reel in since.changes.new] == ["1"]
    assert [reel.platform_id for reel in since.changes.gone] == ["3"]


async def test_nothing_is_looked_at_that_is_empty_or_not_theirs(stage: Stage) -> None:
    looking = Looking(stage.service)
    item = await analysed(stage.database, [], state="failed")
    with pytest.raises(BadInput):
        await looking.look(MIA, item.id, ZONE)
    await person(stage.database, LEO)
    with pytest.raises(NotAllowed):
        await looking.look(LEO, item.id, ZONE)
