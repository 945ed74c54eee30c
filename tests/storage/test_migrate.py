"""Migrations: they arrive at the schema of the tables, and a failed one leaves nothing behind."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

import migrations
from storage import migrate
from storage.database import sqlite_url
from storage.tables import metadata
from tests.support.databases import DIALECTS
from tests.support.postgres import Postgres

BROKEN = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "9999", "{head}", None, None


def upgrade():
    op.create_table("half_made", sa.Column("id", sa.Integer))
    with op.batch_alter_table("users") as users:
        users.add_column(sa.Column("half_made", sa.Integer))
    op.execute("select no_such_thing")
"""


@pytest.fixture(params=DIALECTS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "fresh.db")
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = server.fresh()
    yield url
    server.drop(url)


def inspector(url: str) -> sa.Inspector:
    return sa.inspect(sa.create_engine(url.replace("+aiosqlite", "")))


def test_head_is_what_the_tables_say(database_url: str) -> None:
    engine = sa.create_engine(database_url.replace("+aiosqlite", ""))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_upgrading_twice_changes_nothing(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    first = sorted(inspector(empty_url).get_table_names())
    migrate.upgrade(empty_url)
    assert sorted(inspector(empty_url).get_table_names()) == first
    assert set(first) == set(metadata.tables) | {"alembic_version"}


def test_what_was_imported_before_there_were_samples_is_analysed_and_found(empty_url: str) -> None:
    migrate.upgrade(empty_url, "0001")
    engine = sa.create_engine(empty_url.replace("+aiosqlite", ""))
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "insert into posts (id, platform, platform_id, shortcode, kind, author_id, author, "
                "caption, taken_at, raw, archived_at) values (7, 'instagram', '1', 'C1', 'photo', "
                "'2', 'leo', '#Beats and #beats, #lofi', '2026-01-01', '{}', '2026-01-01')"
            )
        )
        connection.execute(
            sa.text(
                "insert into media (id, post_id, position, kind, mime, bytes, sha256, object_key) "
                "values (9, 7, 0, 'image', 'image/jpeg', 1, 'ab', 'instagram/1/1-1-0.jpg')"
            )
        )
    migrate.upgrade(empty_url)
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("select media_id, state, run, tries from samples").all()
        tags = connection.exec_driver_sql("select post_id, tag from post_tags order by tag").all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [(9, "pending", 1, 0)]
    assert [tuple(row) for row in tags] == [(7, "beats"), (7, "lofi")]


def test_several_processes_may_start_at_once(postgres: Postgres) -> None:
    """Of a team; with SQLite a lock lets one in."""
    url = postgres.fresh()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(migrate.upgrade, [url] * 3))
    assert "users" in inspector(url).get_table_names()
    postgres.drop(url)


def test_a_failed_migration_leaves_the_database_as_it_was(
    empty_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate.upgrade(empty_url)
    before = inspector(empty_url)
    columns = [column["name"] for column in before.get_columns("users")]
    tables = before.get_table_names()
    with sa.create_engine(empty_url.replace("+aiosqlite", "")).connect() as connection:
        head = connection.exec_driver_sql("select version_num from alembic_version").scalar()

    folder = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, folder)
    (folder / "versions" / "9999_broken.py").write_text(BROKEN.format(head=head))
    fake = SimpleNamespace(__file__=str(folder / "__init__.py"))
    monkeypatch.setattr(migrate, "migrations", fake)
    with pytest.raises(sa.exc.DBAPIError):
        migrate.upgrade(empty_url)

    after = inspector(empty_url)
    assert after.get_table_names() == tables
    assert [column["name"] for column in after.get_columns("users")] == columns
    with sa.create_engine(empty_url.replace("+aiosqlite", "")).connect() as connection:
        version = connection.exec_driver_sql("select version_num from alembic_version").scalar()
    assert version == head
