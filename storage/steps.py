"""One step of a state machine whose rows have `state`, `run` and `changed_at`.

Called by the repositories of such rows; what must happen once stands behind such a step.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection


async def step(
    db: AsyncConnection,
    table: sa.Table,
    here: sa.ColumnElement[bool],
    now: datetime,
    *,
    run: int | None = None,
    from_states: Iterable[str],
    new_run: bool = False,
    **to: Any,
) -> bool:
    """Of the row that is `here`, from these states (and for this run) only; False: it is not so by
    now. `new_run`: whoever was at it until now has lost it."""
    which = here & table.c.state.in_(list(from_states))
    if run is not None:
        which &= table.c.run == run
    if new_run:
        to["run"] = table.c.run + 1
    moved = await db.execute(table.update().where(which).values(changed_at=now, **to))
    return bool(moved.rowcount)
