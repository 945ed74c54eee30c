"""The chat: what is still to be said, the cards that are edited, dialogues, what Telegram sent."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.base import Moment, metadata, of_user, row_id

notices = sa.Table(  # the outbox: written with the change of state, delivered by the chat role
    "notices",
    metadata,
    row_id(),
    sa.Column("user_id", sa.BigInteger, nullable=False, index=True),  # outlives the user: receipts
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("once", sa.Text, unique=True),  # an incident's name: said once
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("not_before", Moment, nullable=False),
    sa.Column("delivered_at", Moment),
    sa.Column("given_up", sa.Text),
    sa.Index("ix_notices_due", "delivered_at", "not_before"),
)

cards = sa.Table(  # the one message per job that is edited in place
    "cards",
    metadata,
    row_id(),
    of_user(),
    sa.Column("chat_id", sa.BigInteger, nullable=False),
    sa.Column("message_id", sa.BigInteger, nullable=False),
    sa.Column("import_id", sa.ForeignKey("imports.id", ondelete="CASCADE"), unique=True),
    sa.Column("seen_change", Moment),  # imports.changed_at of what it shows
    sa.Column("not_before", Moment, nullable=False),
)

flows = sa.Table(  # unfinished dialogues
    "flows",
    metadata,
    sa.Column("chat_id", sa.BigInteger, primary_key=True),
    sa.Column("user_id", sa.BigInteger, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
)

updates = sa.Table(  # what Telegram has delivered: it may deliver the same one twice
    "updates",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
)
