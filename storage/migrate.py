"""Brings the database to the newest revision. Called at every start and by `reelay migrate`;
`reelay doctor` asks where it is."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event

import migrations
from storage.database import Database, tune
from storage.tables import metadata

__all__ = ["metadata", "revisions", "upgrade"]

_LOCK = 7331  # any number; held until the connection closes


def upgrade(url: str, revision: str = "head") -> None:
    """`url` as in storage.database. Blocking; a failed migration leaves the database as it was."""
    engine = _engine(url)
    try:
        with engine.connect() as connection:
            config = _config()
            config.attributes["connection"] = connection
            if connection.dialect.name == "postgresql":  # several processes may start at once
                connection.exec_driver_sql(f"select pg_advisory_lock({_LOCK})")
                connection.commit()
            command.upgrade(config, revision)
            connection.commit()
            if connection.dialect.name == "sqlite":
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                if broken:
                    raise RuntimeError(f"a migration broke a foreign key of {broken[0]}")
    finally:
        engine.dispose()


async def revisions(database: Database) -> tuple[str | None, str]:
    """(the database's revision, the newest one). Only reads. Errors: Unavailable."""
    async with database.read() as db:
        present = await db.run_sync(
            lambda connection: MigrationContext.configure(connection).get_current_revision()
        )
    return present, str(ScriptDirectory.from_config(_config()).get_current_head())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    return config


def _engine(url: str) -> sa.Engine:
    engine = sa.create_engine(url.replace("+aiosqlite", ""))
    if engine.dialect.name == "sqlite":
        tune(engine)

        # Batch migrations copy tables; with foreign keys on, dropping the old parent would delete
        # its children. Registered after tune(), so it has the last word.
        @event.listens_for(engine, "connect")
        def foreign_keys_off(connection: object, _record: object) -> None:
            connection.execute("PRAGMA foreign_keys=OFF")  # type: ignore[attr-defined]

    return engine
