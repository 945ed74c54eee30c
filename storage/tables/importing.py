"""Collections and their imports, and the pace at which Instagram is asked."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.base import Moment, metadata, of_user, row_id

collections = sa.Table(
    "collections",
    metadata,
    row_id(),
    of_user(),
    sa.Column("platform", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),  # services.instagram.links.Link.key
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("refresh", sa.Text, nullable=False, server_default="never"),  # never | daily | weekly
    sa.Column("refresh_at", Moment, index=True),  # when the clock imports it next
    sa.Column("connection_id", sa.ForeignKey("connections.id", ondelete="SET NULL")),  # with which
    sa.Column("filters", sa.JSON, nullable=False, server_default="{}"),  # what is not imported
    sa.Column("merged_into", sa.ForeignKey("collections.id", ondelete="SET NULL")),
    sa.UniqueConstraint("user_id", "platform", "key"),
)

_UNFINISHED = "state in ('previewing', 'offered', 'running', 'waiting', 'paused')"

imports = sa.Table(
    "imports",
    metadata,
    row_id(),
    of_user(index=True),
    sa.Column("connection_id", sa.ForeignKey("connections.id", ondelete="SET NULL")),
    sa.Column("collection_id", sa.ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    sa.Column("identity", sa.Text, nullable=False),  # whose pace it shares
    # previewing | offered | running | waiting | paused | cancelled | failed | done
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("run", sa.Integer, nullable=False, server_default="1"),
    # why it waits, is paused or failed: a word of services.importing.decisions.Reason
    sa.Column("reason", sa.Text),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("wait_until", Moment),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),  # of the next page
    sa.Column("idle_runs", sa.Integer, nullable=False, server_default="0"),  # without progress
    sa.Column("post_limit", sa.Integer, nullable=False),
    sa.Column("cursor", sa.Text),  # of the next page; null: the first, or none if not more
    sa.Column("more", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("pages", sa.Integer, nullable=False, server_default="0"),
    sa.Column("by_clock", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("started_at", Moment),
    sa.Column("ended_at", Moment),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Index(
        "uq_imports_unfinished",
        "collection_id",
        unique=True,
        sqlite_where=sa.text(_UNFINISHED),
        postgresql_where=sa.text(_UNFINISHED),
    ),
    sa.Index("ix_imports_state", "state"),
)

import_items = sa.Table(
    "import_items",
    metadata,
    row_id(),
    sa.Column("import_id", sa.ForeignKey("imports.id", ondelete="CASCADE"), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),  # 0 is the newest saved
    sa.Column("platform_id", sa.Text, nullable=False),
    sa.Column("shortcode", sa.Text, nullable=False),
    # pending | saved | skipped | filtered | gone | failed | dropped (cancelled before its turn)
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="1"),  # raised by Retry failed
    sa.Column("charged", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("error", sa.Text),
    sa.Column("raw", sa.JSON),  # until the post is saved
    sa.Column("post_id", sa.ForeignKey("posts.id", ondelete="SET NULL")),
    sa.Column("settled_at", Moment),
    sa.UniqueConstraint("import_id", "platform_id"),
    sa.Index("ix_import_items_turn", "import_id", "state", "position"),
)

pace = sa.Table(
    "pace",
    metadata,
    sa.Column("identity", sa.Text, primary_key=True),
    sa.Column("next_at", Moment, nullable=False),  # no request before
    sa.Column("frozen_until", Moment),  # null with a reason: until its owner acts
    sa.Column("reason", sa.Text),  # rate | checkpoint
    sa.Column("strikes", sa.Integer, nullable=False, server_default="0"),
    sa.Column("struck_at", Moment),
)

calls = sa.Table(  # one row per call of an adapter: what metrics and alerts count
    "calls",
    metadata,
    row_id(),
    sa.Column("identity", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),  # connect | import | feed | stories | analysis
    sa.Column("at", Moment, nullable=False, index=True),
    sa.Column("requests", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),  # ok, or the error's class name
)
