"""The account's own figures: each with its truth and what it was before; the log of the reading."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.base import Moment, metadata, of_user, row_id

insight_accounts = sa.Table(  # whose figures they are; stays when the log-in at Meta goes
    "insight_accounts",
    metadata,
    row_id(),
    of_user(index=True),
    sa.Column("identity", sa.Text, nullable=False),  # Instagram's user id
    sa.Column("username", sa.Text, nullable=False),  # when it was last connected
    sa.Column("meta_id", sa.ForeignKey("meta_accounts.id", ondelete="SET NULL"), unique=True),
    sa.Column("synced_day", sa.Date),  # of the last daily sync that was begun
    sa.Column("digest", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("digested_week", sa.Date),  # the Monday of the last week that was told
    sa.Column("created_at", Moment, nullable=False),
    sa.UniqueConstraint("user_id", "identity"),
)


def _of_account() -> sa.Column[int]:
    return sa.Column(
        "account_id", sa.ForeignKey("insight_accounts.id", ondelete="CASCADE"), nullable=False
    )


insight_values = sa.Table(
    "insight_values",
    metadata,
    row_id(),
    _of_account(),
    sa.Column("metric", sa.Text, nullable=False),
    sa.Column("period", sa.Text, nullable=False),  # day | week | days_28 | lifetime | now
    sa.Column("end_time", Moment, nullable=False),  # as Meta told it, or of the window asked for
    sa.Column("breakdown", sa.Text, nullable=False),  # "follow_type=FOLLOWER"; "": the whole
    sa.Column("day", sa.Date, nullable=False),  # that it is of: services.insights.days.day_of
    sa.Column("value", sa.Float),  # null: see `reason`
    sa.Column("reason", sa.Text),  # services.insights.states.Reason; null: there is a value
    sa.Column("said", sa.Text, nullable=False, server_default=""),  # Meta's words about it; foreign
    sa.Column("revision", sa.Integer, nullable=False, server_default="0"),
    sa.Column("read_at", Moment, nullable=False),
    sa.UniqueConstraint("account_id", "metric", "period", "end_time", "breakdown"),
    sa.Index("ix_insight_values_day", "account_id", "metric", "period", "day"),
    sa.CheckConstraint("(value is null) <> (reason is null)", name="value_or_reason"),
)

insight_revisions = sa.Table(  # what a figure was before Meta changed it
    "insight_revisions",
    metadata,
    sa.Column("value_id", sa.ForeignKey("insight_values.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("value", sa.Float, nullable=False),
    sa.Column("read_at", Moment, nullable=False),  # when it was last read so
)

insight_media = sa.Table(  # the account's own posts and reels
    "insight_media",
    metadata,
    row_id(),
    _of_account(),
    sa.Column("media_id", sa.Text, nullable=False),  # Meta's
    sa.Column("product", sa.Text, nullable=False),  # REELS | FEED
    sa.Column("media_type", sa.Text, nullable=False),  # IMAGE | VIDEO | CAROUSEL_ALBUM
    sa.Column("permalink", sa.Text, nullable=False),
    sa.Column("caption", sa.Text, nullable=False),  # its beginning; foreign
    sa.Column("posted_at", Moment, nullable=False),
    sa.UniqueConstraint("account_id", "media_id"),
    sa.Index("ix_insight_media_posted", "account_id", "posted_at"),
)

media_values = sa.Table(  # how a post stood on each day; Meta tells totals of its whole life
    "media_values",
    metadata,
    sa.Column("media_row", sa.ForeignKey("insight_media.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("metric", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),  # of the sync that read it
    sa.Column("value", sa.Float),
    sa.Column("reason", sa.Text),
    sa.Column("said", sa.Text, nullable=False, server_default=""),
    sa.Column("read_at", Moment, nullable=False),
    sa.CheckConstraint("(value is null) <> (reason is null)", name="value_or_reason"),
)

_LIVE = "state in ('pending', 'running', 'waiting')"

syncs = sa.Table(
    "syncs",
    metadata,
    row_id(),
    _of_account(),
    sa.Column("day", sa.Date, nullable=False),  # the last one that was over when it began
    sa.Column("asked_by", sa.BigInteger),  # Telegram's user id; null: the clock
    sa.Column("state", sa.Text, nullable=False),  # pending | running | waiting | done | failed | …
    sa.Column("run", sa.Integer, nullable=False, server_default="1"),
    sa.Column("idle_runs", sa.Integer, nullable=False, server_default="0"),  # without progress
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),  # rounds that broke off
    sa.Column("wait_until", Moment),
    sa.Column("error", sa.Text),  # class of services.errors, with its two texts for people
    sa.Column("message", sa.Text, nullable=False, server_default=""),
    sa.Column("next_step", sa.Text, nullable=False, server_default=""),
    sa.Column("requests", sa.Integer, nullable=False, server_default="0"),
    sa.Column("to_ask", sa.Integer, nullable=False, server_default="0"),  # when it was planned
    # the one message that shows it
    sa.Column("chat_id", sa.BigInteger),
    sa.Column("message_id", sa.BigInteger),
    sa.Column("seen_change", Moment),  # changed_at of what it shows
    sa.Column("not_before", Moment),  # it may be edited again
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Index("ix_syncs_newest", "account_id", "id"),
    sa.Index(
        "uq_syncs_live",
        "account_id",
        unique=True,
        sqlite_where=sa.text(_LIVE),
        postgresql_where=sa.text(_LIVE),
    ),
    sqlite_autoincrement=True,
)

sync_results = sa.Table(  # the log: what a sync did about each metric
    "sync_results",
    metadata,
    sa.Column("sync_id", sa.ForeignKey("syncs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("metric", sa.Text, primary_key=True),  # services.insights.metrics.Metric.key
    sa.Column("fetched", sa.Integer, nullable=False, server_default="0"),  # figures Meta told
    sa.Column("written", sa.Integer, nullable=False, server_default="0"),  # rows that are new
    sa.Column("revised", sa.Integer, nullable=False, server_default="0"),  # that Meta has changed
    sa.Column("skipped", sa.Integer, nullable=False, server_default="0"),  # days without a figure
    sa.Column("error", sa.Text),  # class of services.errors; null: none
    sa.Column("message", sa.Text, nullable=False, server_default=""),
)

insight_pages = sa.Table(  # an account's figures as a page, for whoever has the address
    "insight_pages",
    metadata,
    row_id(),
    of_user(index=True),
    sa.Column(
        "account_id",
        sa.ForeignKey("insight_accounts.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("token_hash", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False, index=True),
    sa.Column("revoked_at", Moment),
)
