"""The job engine's own SQLite file, opened the way DBOS needs it plus WAL. Used by services.jobs.

`database.tune()` must not be used here: DBOS's migrations issue BEGIN IMMEDIATE themselves.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from storage.database import set_pragmas


def sqlite_engine(path: Path) -> sa.Engine:
    engine = sa.create_engine(f"sqlite:///{path}", pool_size=10, max_overflow=0)

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        set_pragmas(connection, "FULL")
        if connection.execute("select unixepoch('subsec')").fetchone()[0] is None:
            # SQLite < 3.42 under Python >= 3.12: DBOS 3.4 would not launch
            connection.create_function("unixepoch", -1, _unixepoch)

    return engine


def _unixepoch(*arguments: str) -> float:
    now = time.time()  # noqa: TID251 - stands in for SQLite's own function, not for our clock
    return now if arguments == ("subsec",) else int(now)
