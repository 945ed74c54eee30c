"""The feed: what it lists, who reads it, how timelines are read, where new posts are sent."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from storage.tables.base import Moment, metadata, of_user, row_id

feeds = sa.Table(
    "feeds",
    metadata,
    row_id(),
    of_user(),
    sa.Column("lists", sa.Text, nullable=False, server_default="posts"),  # posts | stories
    # whose timeline it is, as the platform's user id; null: all accounts of the person in one.
    # Not the connection: that goes when the account is disconnected, and the feed's address stays
    sa.Column("identity", sa.Text),
    sa.Column("connection_id", sa.ForeignKey("connections.id", ondelete="SET NULL"), unique=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False, server_default="1"),  # of what it lists
    sa.Column("changed_at", Moment, nullable=False),  # when it got this revision
    sa.Column("created_at", Moment, nullable=False),
    sa.UniqueConstraint("user_id", "identity"),
    sa.Index(
        "uq_feeds_of_all",
        "user_id",
        "lists",
        unique=True,
        sqlite_where=sa.text("identity is null"),
        postgresql_where=sa.text("identity is null"),
    ),
)

_LISTED: dict[str, Any] = {
    "sqlite_where": sa.text("shown_at is not null"),
    "postgresql_where": sa.text("shown_at is not null"),
}

feed_items = sa.Table(
    "feed_items",
    metadata,
    sa.Column("feed_id", sa.ForeignKey("feeds.id", ondelete="CASCADE"), primary_key=True),
    sa.Column(
        "post_id", sa.ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True, index=True
    ),
    sa.Column("guid", sa.Text, nullable=False),  # frozen at first sight
    sa.Column("state", sa.Text, nullable=False),  # pending | shown | placeholder
    sa.Column("shown_at", Moment),  # since when it is listed as it is now; null while pending
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),  # to get its media
    # the post's own, which never change: a page of the feed is a walk along one index, whatever
    # else the archive holds
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("taken_at", Moment, nullable=False),
    sa.UniqueConstraint("feed_id", "guid"),
    sa.Index("ix_feed_items_shown", "feed_id", "shown_at", "post_id", **_LISTED),
    sa.Index("ix_feed_items_taken", "feed_id", "taken_at", "post_id", **_LISTED),
    sa.Index("ix_feed_items_author", "feed_id", "author", "taken_at", "post_id", **_LISTED),
    sa.Index(
        "ix_feed_items_waiting",
        "feed_id",
        "post_id",
        sqlite_where=sa.text("state <> 'shown'"),
        postgresql_where=sa.text("state <> 'shown'"),
    ),
)

feed_notices = sa.Table(  # what the feed itself says of an incident; one item for each
    "feed_notices",
    metadata,
    row_id(),
    sa.Column("feed_id", sa.ForeignKey("feeds.id", ondelete="CASCADE"), nullable=False),
    sa.Column("incident_id", sa.ForeignKey("incidents.id", ondelete="CASCADE"), nullable=False),
    sa.Column("guid", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # a key of services.feed.notices.TEXTS
    # which account is ill, in a feed of several; "" where it can be no other
    sa.Column("whose", sa.Text, nullable=False, server_default=""),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("closed_at", Moment),
    sa.UniqueConstraint("feed_id", "incident_id"),
)

readers = sa.Table(  # each has its own address, so each can be taken away
    "readers",
    metadata,
    row_id(),
    of_user(index=True),
    sa.Column("feed_id", sa.ForeignKey("feeds.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("token_hash", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("last_fetch_at", Moment),
    sa.Column("fetches", sa.Integer, nullable=False, server_default="0"),
    sa.Column("not_modified", sa.Integer, nullable=False, server_default="0"),  # of the fetches
    sa.Column("revoked_at", Moment),
    sa.Column("warned_at", Moment),  # its person was told that it asks too often
)

polls = sa.Table(  # the reading of one account's timeline, and how it went
    "polls",
    metadata,
    sa.Column(
        "connection_id", sa.ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("state", sa.Text, nullable=False),  # off | due | running | waiting | ill
    sa.Column("run", sa.Integer, nullable=False, server_default="1"),
    sa.Column("idle_runs", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_at", Moment, nullable=False),
    sa.Column("cursor", sa.Text),  # while it catches up: services.feed.catching_up.Chain as JSON
    sa.Column("last_good_at", Moment),
    sa.Column("last_error", sa.Text),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),  # in a row
    sa.Column("polled", sa.Integer, nullable=False, server_default="0"),  # good polls, ever
    sa.Column("found", sa.Integer, nullable=False, server_default="0"),  # posts, ever
    sa.Column("ads_skipped", sa.Integer, nullable=False, server_default="0"),
    sa.Column("unparsed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("gaps", sa.Integer, nullable=False, server_default="0"),
    sa.Column("requests", sa.Integer, nullable=False, server_default="0"),
    sa.Column("stories_at", Moment),  # no stories are asked for before; null: switched off
    sa.Column("stories_error", sa.Text),  # why they rest
    sa.Column("changed_at", Moment, nullable=False),
    sa.Index("ix_polls_due", "state", "next_at"),
)

followed_stories = sa.Table(  # each that Instagram has named, so that none is asked for twice
    "followed_stories",
    metadata,
    sa.Column("feed_id", sa.ForeignKey("feeds.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("platform_id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),  # kept (as a post) | unreadable | gone
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("expires_at", Moment),  # of a kept one: when Instagram drops it
)

unread_items = sa.Table(  # of a timeline, in a shape that nobody knew; kept as they came
    "unread_items",
    metadata,
    row_id(),
    sa.Column("connection_id", sa.ForeignKey("connections.id", ondelete="CASCADE"), nullable=False),
    sa.Column("key", sa.Text, nullable=False),  # the post's number, else a digest of `raw`
    sa.Column("what", sa.Text, nullable=False),  # why it could not be read
    sa.Column("raw", sa.JSON, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.UniqueConstraint("connection_id", "key"),
)

retention = sa.Table(  # who asked that old posts of their feeds go; no row: kept for ever
    "retention",
    metadata,
    sa.Column("user_id", sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("days", sa.Integer),  # since a post was first listed
    sa.Column("bytes", sa.BigInteger),  # of all files together; exactly one of the two is set
    sa.Column("since", Moment, nullable=False),
)

webhooks = sa.Table(  # where new posts of a feed are sent to
    "webhooks",
    metadata,
    row_id(),
    sa.Column("feed_id", sa.ForeignKey("feeds.id", ondelete="CASCADE"), nullable=False),
    sa.Column("form", sa.Text, nullable=False),  # a key of services.feed.webhook_forms.FORMS
    sa.Column("host", sa.Text, nullable=False),  # of its address, to be shown
    sa.Column("sealed", sa.LargeBinary),  # address and signing key, by storage.vault
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("last_good_at", Moment),
    sa.Column("last_error", sa.Text),
    sa.UniqueConstraint("feed_id"),
)

_UNSENT: dict[str, Any] = {
    "sqlite_where": sa.text("delivered_at is null and given_up is null"),
    "postgresql_where": sa.text("delivered_at is null and given_up is null"),
}

webhook_deliveries = sa.Table(  # an outbox: written when the post is listed
    "webhook_deliveries",
    metadata,
    row_id(),
    sa.Column("webhook_id", sa.ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
    sa.Column("post_id", sa.ForeignKey("posts.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("not_before", Moment, nullable=False),
    sa.Column("delivered_at", Moment),
    sa.Column("given_up", sa.Text),
    sa.UniqueConstraint("webhook_id", "post_id"),  # each post is announced once
    sa.Index("ix_webhook_deliveries_due", "webhook_id", "not_before", **_UNSENT),
)
