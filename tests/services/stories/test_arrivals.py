"""Files come into the stories' library once, whatever happens meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.errors import NotAllowed
from tests.services.stories.desk import Desk
from tests.support import rows


async def test_the_very_same_file_is_the_one_that_is_there(desk: Desk) -> None:
    first = await desk.fitted(b"one")
    await desk.library.remove(rows.MIA, first.id)
    again = await desk.bring(b"one", "another name.jpg")
    assert (again.known, again.item.id, again.item.removed_at) == (True, first.id, None)
    assert await desk.states() == ["ready"], "the second row is gone, and so are its bytes"
    assert desk.stored() == 3


async def test_killed_before_the_bytes_were_there_the_sender_is_told(desk: Desk) -> None:
    await desk.arrival("gone.jpg")
    await desk.arrival("still in the folder.jpg", source="folder")
    await desk.arrivals.sweep()
    assert await desk.states() == ["arriving", "arriving"], "they may still come"
    desk.now.advance(minutes=16)
    await desk.arrivals.sweep()
    assert await desk.states() == []
    assert await desk.told() == ["story_lost"]


async def test_killed_after_the_bytes_were_there_it_goes_on(desk: Desk) -> None:
    arrival = await desk.arrival()
    part = await desk.arrivals.part(arrival)
    part.write_bytes(b"one")
    await desk.objects.adopt(part, arrival.key)
    desk.now.advance(minutes=16)
    await desk.arrivals.sweep()
    assert await desk.states() == ["fitting"]
    assert [job.row for job in desk.queue.jobs] == [arrival.item_id]
    assert await desk.told() == []


async def test_what_comes_after_it_was_given_up_is_refused(desk: Desk) -> None:
    arrival = await desk.arrival()
    await desk.arrivals.give_up(arrival)
    part = await desk.arrivals.part(arrival)
    part.write_bytes(b"one")
    with pytest.raises(NotAllowed, match="too late"):
        await desk.arrivals.arrive(arrival, part)
    assert desk.stored() == 0, "no row would name it"


async def test_the_sweep_and_a_slow_arrival_meet_without_harm(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sweep takes a process for dead whose file is just about to be committed."""
    arrival = await desk.arrival()
    part = await desk.arrivals.part(arrival)
    part.write_bytes(b"one")
    adopt = desk.objects.adopt

    async def slow(part: Path, key: str) -> None:
        await adopt(part, key)
        desk.now.advance(minutes=16)
        await desk.arrivals.sweep()

    monkeypatch.setattr(desk.objects, "adopt", slow)
    added = await desk.arrivals.arrive(arrival, part)
    assert (added.known, added.item.state) == (False, "fitting")
    assert desk.objects.path(arrival.key).read_bytes() == b"one"
    assert len(desk.queue.jobs) == 1


async def test_what_a_kill_left_of_a_duplicate_is_swept(desk: Desk) -> None:
    await desk.fitted(b"one")
    arrival = await desk.arrival()
    part = await desk.arrivals.part(arrival)
    part.write_bytes(b"one")
    await desk.objects.adopt(part, arrival.key)
    await desk.set(arrival.item_id, state="dropped")
    desk.now.advance(minutes=16)
    await desk.arrivals.sweep()
    assert await desk.states() == ["ready"]
    assert desk.stored() == 3
