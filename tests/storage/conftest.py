"""Every test of this folder that takes `database` runs on SQLite and on PostgreSQL."""

from tests.support.databases import database, database_url, postgres_url, sqlite_url

__all__ = ["database", "database_url", "postgres_url", "sqlite_url"]
