"""Mistakes that somebody could make in the sync, each of which the judge must find: what finds
nothing proves nothing. Applied in the worker's process; used by insight_worker.py.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.insights import reading
from services.insights.reading import Read
from storage import insights, syncs
from storage.insights import NewFigure

WITHOUT_KEY = "no key, no upsert"


def _zeros() -> None:
    """No data is taken for 0."""
    read = reading.read

    def with_zeros(*args: Any) -> Read:
        found = read(*args)
        zeros = [NewFigure(gap.end_time, "", gap.day, 0.0) for gap in found.gaps]
        return replace(found, figures=[*found.figures, *zeros], gaps=[])

    _replace(reading, read=with_zeros)


def _without_key() -> None:
    """What is written is always taken for new; see `without_key` for the table."""

    class Plain:
        def __init__(self, insert: sa.Insert) -> None:
            self._insert = insert
            self.excluded = insert.table.c

        def values(self, rows: list[dict[str, Any]]) -> Plain:
            return Plain(self._insert.values(rows))

        def on_conflict_do_update(self, **_how: Any) -> sa.Insert:
            return self._insert

    def plain(_db: AsyncConnection, table: sa.Table) -> Plain:
        return Plain(sa.insert(table))

    async def no_rows(*_args: Any) -> dict[Any, Any]:
        return {}

    async def unverified(*_args: Any) -> None:
        return None

    _replace(insights, _rows=no_rows, _verify=unverified, insert_once=plain)


def _unfenced() -> None:
    """A run that somebody has taken over goes on; so does a sync that was canceled."""

    async def fence(
        db: AsyncConnection, sync: syncs.Sync, now: Any, *, requests: int = 0, **to: Any
    ) -> bool:
        to["requests"] = sa.literal_column("requests") + requests
        states: Iterable[str] = ("pending", "running", "waiting", "done", "failed", "canceled")
        return await syncs.move(db, sync.id, now, from_states=states, **to)

    _replace(syncs, fence=fence)


def _reasons_stay() -> None:
    """The reason of a day stays beside the figure that has come for it."""

    async def nothing(*_args: Any) -> None:
        return None

    _replace(insights, _drop_reasons=nothing)


MUTANTS: dict[str, Callable[[], None]] = {
    "no data is 0": _zeros,
    WITHOUT_KEY: _without_key,
    "no fence": _unfenced,
    "reasons stay beside figures": _reasons_stay,
}


def apply(name: str) -> None:
    """ "": none."""
    if name:
        MUTANTS[name]()


def _replace(module: ModuleType, **to: Any) -> None:
    for name, value in to.items():
        setattr(module, name, value)


def without_key(path: Path) -> None:
    """Takes the unique key from the table of figures of this SQLite file."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma legacy_alter_table = on")
        which = "from sqlite_master where type = 'table' and name = 'insight_values'"
        [made] = db.execute(f"select sql {which}").fetchone()
        without = re.sub(r",\s*CONSTRAINT \w+ UNIQUE \([^)]*\)", "", made)
        assert without != made
        db.execute("alter table insight_values rename to old_values")
        db.execute(without)
        db.execute("insert into insight_values select * from old_values")
        db.execute("drop table old_values")
        db.commit()
