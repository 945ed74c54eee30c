"""Alembic revisions, one change each; run by storage.migrate."""
