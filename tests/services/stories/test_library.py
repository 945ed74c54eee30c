"""Files of the library are told from each other, locked, queued, and leave again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.errors import BadInput, NotAllowed
from tests.services.stories.desk import LOOK, NEAR, OTHER, Desk
from tests.support import rows


async def test_near_duplicates_are_named_also_of_removed_ones(desk: Desk) -> None:
    old = await desk.fitted(b"one", LOOK)
    await desk.set(old.id, last_used_at=desk.now(), removed_at=desk.now())
    await desk.fitted(b"two", OTHER)
    near = await desk.fitted(b"three", NEAR)
    view = await desk.library.view(rows.MIA, near.id)
    assert [(one.item.id, one.exact) for one in view.twins] == [(old.id, False)]


async def test_removed_is_undone_or_its_bytes_go_and_its_look_stays(desk: Desk) -> None:
    item = await desk.fitted(b"one")
    await desk.library.remove(rows.MIA, item.id)
    assert await desk.library.put_back(rows.MIA, item.id)
    await desk.library.remove(rows.MIA, item.id)
    desk.now.advance(minutes=11)
    await desk.arrivals.sweep()
    assert not await desk.library.put_back(rows.MIA, item.id)
    assert desk.stored() == 0
    again = await desk.fitted(b"two", NEAR)
    view = await desk.library.view(rows.MIA, again.id)
    assert [one.item.id for one in view.twins] == [item.id]


async def test_what_a_story_needs_is_neither_removed_nor_queued_twice(desk: Desk) -> None:
    item = await desk.fitted(b"one")
    await desk.library.queue(rows.MIA, item.id, desk.now() + timedelta(hours=1))
    with pytest.raises(NotAllowed, match="queue"):
        await desk.library.remove(rows.MIA, item.id)
    with pytest.raises(BadInput, match="in the queue already"):
        await desk.library.queue(rows.MIA, item.id, None)


@pytest.mark.parametrize("days", [None, 30])
async def test_a_locked_file_is_not_posted(desk: Desk, days: int | None) -> None:
    item = await desk.fitted(b"one")
    await desk.library.lock(rows.MIA, item.id, days)
    with pytest.raises(BadInput, match="locked"):
        await desk.library.queue(rows.MIA, item.id, None)
    await desk.library.lock(rows.MIA, item.id, 0)
    assert await desk.library.queue(rows.MIA, item.id, None)


async def test_nobody_else_sees_it_but_who_leads(desk: Desk) -> None:
    item = await desk.fitted(b"one")
    await rows.person(desk.database, rows.LEO)
    await rows.person(desk.database, rows.ZOE, role="admin")
    with pytest.raises(NotAllowed):
        await desk.library.view(rows.LEO, item.id)
    assert (await desk.library.view(rows.ZOE, item.id)).item.id == item.id


async def test_bytes_that_could_not_be_deleted_go_the_next_time(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is away for a moment, or the process is killed."""
    item = await desk.fitted(b"one")
    await desk.library.remove(rows.MIA, item.id)
    desk.now.advance(minutes=11)

    async def away(_key: str) -> None:
        raise OSError("nobody answers there")

    with monkeypatch.context() as patched:
        patched.setattr(desk.objects, "delete", away)
        with pytest.raises(OSError, match="nobody"):
            await desk.arrivals.sweep()
    assert not await desk.library.put_back(rows.MIA, item.id), "some of it may be gone"
    assert desk.stored() == 3
    await desk.arrivals.sweep()
    assert (desk.stored(), await desk.states()) == (0, ["gone"])
