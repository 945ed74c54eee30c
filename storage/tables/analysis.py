"""Analyses of public profiles: what was asked, how far it is, and a snapshot of the reels each."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.base import Moment, metadata, of_user, row_id

profiles = sa.Table(  # whom it was about, whatever they are called
    "profiles",
    metadata,
    row_id(),
    sa.Column("platform", sa.Text, nullable=False),
    sa.Column("platform_id", sa.Text, nullable=False),
    sa.Column("username", sa.Text, nullable=False, index=True),  # when it was last looked at
    sa.Column("seen_at", Moment, nullable=False),
    sa.UniqueConstraint("platform", "platform_id"),
)

_UNFINISHED = "state in ('pending', 'processing', 'waiting', 'paused')"

analyses = sa.Table(
    "analyses",
    metadata,
    row_id(),
    of_user(index=True),
    sa.Column("asked", sa.Text, nullable=False),  # the name, as it was asked for
    sa.Column("profile_id", sa.ForeignKey("profiles.id", ondelete="CASCADE"), index=True),
    # by which way, and as whom: one of the two is set, until that account is disconnected
    sa.Column("source", sa.Text, nullable=False),  # app | meta
    sa.Column("connection_id", sa.ForeignKey("connections.id", ondelete="SET NULL")),
    sa.Column("meta_id", sa.ForeignKey("meta_accounts.id", ondelete="SET NULL")),
    sa.Column("identity", sa.Text, nullable=False),  # whose turn in the queue it takes
    # why not by Meta, though an account is connected there: not_found | refused
    sa.Column("not_by_meta", sa.Text),
    # pending | processing | waiting | paused | completed | failed | canceled
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("run", sa.Integer, nullable=False, server_default="1"),
    sa.Column("idle_runs", sa.Integer, nullable=False, server_default="0"),  # without progress
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),  # of the next page
    sa.Column("wait_until", Moment),
    sa.Column("error", sa.Text),  # class of services.errors, with its two texts for people
    sa.Column("message", sa.Text, nullable=False, server_default=""),
    sa.Column("next_step", sa.Text, nullable=False, server_default=""),
    # how far it is
    sa.Column("wanted", sa.Integer, nullable=False),  # reels, at most
    sa.Column("cursor", sa.Text),  # of the next page; null: the first, or none if not more
    sa.Column("more", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("pages", sa.Integer, nullable=False, server_default="0"),
    sa.Column("requests", sa.Integer, nullable=False, server_default="0"),
    sa.Column("listed", sa.Integer, nullable=False, server_default="0"),  # posts, of any kind
    sa.Column("stored", sa.Integer, nullable=False, server_default="0"),  # reels
    sa.Column("unread", sa.Integer, nullable=False, server_default="0"),  # nobody could read them
    # the profile as it was then; null counts: not told
    sa.Column("username", sa.Text),
    sa.Column("full_name", sa.Text, nullable=False, server_default=""),
    sa.Column("biography", sa.Text, nullable=False, server_default=""),
    sa.Column("followers", sa.BigInteger),
    sa.Column("following", sa.BigInteger),
    sa.Column("media_count", sa.BigInteger),
    sa.Column("is_private", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("is_verified", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("picture", sa.Text, nullable=False, server_default=""),
    sa.Column("raw", sa.JSON),  # as the platform sent it
    # the one message that shows it
    sa.Column("chat_id", sa.BigInteger),
    sa.Column("message_id", sa.BigInteger),
    sa.Column("seen_change", Moment),  # changed_at of what it shows
    sa.Column("not_before", Moment),  # it may be edited again
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("started_at", Moment),
    sa.Column("ended_at", Moment),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Index(
        "uq_analyses_unfinished",
        "user_id",
        "asked",
        unique=True,
        sqlite_where=sa.text(_UNFINISHED),
        postgresql_where=sa.text(_UNFINISHED),
    ),
    # the number of a deleted one never comes back: jobs and old buttons are known by it
    sqlite_autoincrement=True,
)

reels = sa.Table(  # as they were then; an analysis never changes another one's
    "reels",
    metadata,
    row_id(),
    sa.Column("analysis_id", sa.ForeignKey("analyses.id", ondelete="CASCADE"), nullable=False),
    sa.Column("platform_id", sa.Text, nullable=False),
    sa.Column("shortcode", sa.Text, nullable=False),
    sa.Column("thumbnail", sa.Text, nullable=False),  # an address that works for some hours
    sa.Column("caption", sa.Text, nullable=False),
    sa.Column("likes", sa.BigInteger),  # null: hidden by the author
    sa.Column("comments", sa.BigInteger),  # these three: not told
    sa.Column("views", sa.BigInteger),
    sa.Column("plays", sa.BigInteger),
    sa.Column("taken_at", Moment, nullable=False),
    sa.Column("seconds", sa.Float),
    sa.Column("hashtags", sa.JSON, nullable=False),
    sa.Column("mentions", sa.JSON, nullable=False),
    sa.Column("audio_id", sa.Text),  # null: no sound that has a name
    sa.Column("audio_title", sa.Text, nullable=False, server_default=""),
    sa.Column("audio_artist", sa.Text, nullable=False, server_default=""),
    sa.Column("audio_original", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("raw", sa.JSON, nullable=False),
    sa.UniqueConstraint("analysis_id", "platform_id"),
    sa.Index("ix_reels_newest", "analysis_id", "taken_at", "id"),
)

unread_reels = sa.Table(  # what nobody could read, kept as the platform sent it
    "unread_reels",
    metadata,
    sa.Column("analysis_id", sa.ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),  # its number, or its place
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("raw", sa.JSON, nullable=False),
)

reports = sa.Table(  # an analysis as a page, for whoever has the address
    "reports",
    metadata,
    row_id(),
    of_user(index=True),
    sa.Column(
        "analysis_id", sa.ForeignKey("analyses.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("token_hash", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False, index=True),
    sa.Column("revoked_at", Moment),
)
