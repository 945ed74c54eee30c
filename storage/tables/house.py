"""Who did what, what is ill, and which processes live."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.base import Moment, metadata, row_id

audit = sa.Table(
    "audit",
    metadata,
    row_id(),
    sa.Column("at", Moment, nullable=False, index=True),
    sa.Column("actor_id", sa.BigInteger),  # kept when the person is deleted; null: Reelay itself
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
)

incidents = sa.Table(
    "incidents",
    metadata,
    row_id(),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("closed_at", Moment),
    sa.Index(
        "uq_incidents_open",
        "kind",
        "subject",
        unique=True,
        sqlite_where=sa.text("closed_at is null"),
        postgresql_where=sa.text("closed_at is null"),
    ),
)

workers = sa.Table(  # heartbeats of the processes that run jobs
    "workers",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("seen_at", Moment, nullable=False),
)
