"""The whole schema, table by table, in the words of the field. Read by the query modules beside it
and by Alembic.

Keys are integers so that they fit into a button. Times are aware UTC (`Moment`). Money, once-only
effects and "one running import per collection" are unique indexes, not habits.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMING)


class Moment(sa.types.TypeDecorator[datetime]):
    """An aware UTC time. SQLite forgets zones, so they are taken off and put back here."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive time can't be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _id() -> sa.Column[int]:
    # SQLite numbers rows by itself only for the type INTEGER, PostgreSQL wants 64 bits
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


def _user(name: str = "user_id", *, nullable: bool = False, **options: Any) -> sa.Column[int]:
    return sa.Column(
        name, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=nullable, **options
    )


# ---------------------------------------------------------------- people

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),  # Telegram's user id
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("username", sa.Text),
    sa.Column("role", sa.Text, nullable=False),  # owner | admin | member
    sa.Column("status", sa.Text, nullable=False),  # active | blocked
    sa.Column("locale", sa.Text, nullable=False, server_default="en"),
    sa.Column("zone", sa.Text, nullable=False, server_default="UTC"),
    sa.Column("quiet_from", sa.Integer),  # hour of the user's day, 0-23; null: no quiet hours
    sa.Column("quiet_until", sa.Integer),
    sa.Column("muted", sa.JSON, nullable=False),  # kinds of notices that arrive silently
    sa.Column("credits", sa.Integer, nullable=False, server_default="0"),
    sa.Column("reachable", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("delete_after", Moment),  # the person typed DELETE; undone until then
    sa.CheckConstraint("credits >= 0", name="credits_not_negative"),
    sa.Index(  # two strangers with the claim code at once: one of them is too late
        "uq_users_owner",
        "role",
        unique=True,
        sqlite_where=sa.text("role = 'owner'"),
        postgresql_where=sa.text("role = 'owner'"),
    ),
)

invitations = sa.Table(
    "invitations",
    metadata,
    _id(),
    sa.Column("token_hash", sa.Text, nullable=False, unique=True),
    sa.Column("role", sa.Text, nullable=False),
    _user("created_by"),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    _user("used_by", nullable=True),
    sa.Column("used_at", Moment),
)

connections = sa.Table(
    "connections",
    metadata,
    _id(),
    _user(index=True),
    sa.Column("kind", sa.Text, nullable=False),  # instagram
    sa.Column("identity", sa.Text, nullable=False),  # the platform's user id
    sa.Column("username", sa.Text),  # null until the first call succeeded
    sa.Column("secret", sa.LargeBinary),  # sealed by storage.vault; null: never verified
    sa.Column("fingerprint", sa.Text),
    sa.Column("candidate", sa.LargeBinary),  # what was just sent, until a call has proved it
    sa.Column("candidate_fingerprint", sa.Text),
    sa.Column("candidate_expires_at", Moment),
    sa.Column("status", sa.Text, nullable=False),  # checking | active | expired | blocked
    sa.Column("run", sa.Integer, nullable=False, server_default="1"),  # of the candidate's check
    sa.Column("idle_runs", sa.Integer, nullable=False, server_default="0"),
    sa.Column("expires_at", Moment),
    sa.Column("verified_at", Moment),
    sa.Column("warned_days", sa.Integer),  # the last of 7, 3, 1 that was announced
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.UniqueConstraint("user_id", "kind", "identity"),
)

credit_entries = sa.Table(
    "credit_entries",
    metadata,
    _id(),
    _user(index=True),
    sa.Column("amount", sa.Integer, nullable=False),  # grants and refunds > 0, charges < 0
    sa.Column("kind", sa.Text, nullable=False),  # grant | charge | refund
    sa.Column("import_id", sa.ForeignKey("imports.id", ondelete="CASCADE")),
    sa.Column("item_id", sa.ForeignKey("import_items.id", ondelete="CASCADE"), index=True),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="1"),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("at", Moment, nullable=False),
    # an item can be charged, and refunded, once for each time the person asked for it
    sa.UniqueConstraint("item_id", "attempt", "kind"),
)

# ---------------------------------------------------------------- the archive

posts = sa.Table(
    "posts",
    metadata,
    _id(),
    sa.Column("platform", sa.Text, nullable=False),
    sa.Column("platform_id", sa.Text, nullable=False),
    sa.Column("shortcode", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # photo | video | carousel
    sa.Column("author_id", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("caption", sa.Text, nullable=False),
    sa.Column("taken_at", Moment, nullable=False),
    sa.Column("raw", sa.JSON, nullable=False),  # as the platform sent it
    sa.Column("archived_at", Moment, nullable=False),
    sa.UniqueConstraint("platform", "platform_id"),
)

media = sa.Table(
    "media",
    metadata,
    _id(),
    sa.Column("post_id", sa.ForeignKey("posts.id", ondelete="CASCADE"), nullable=False),
    sa.Column("position", sa.Integer, nullable=False),  # 0 is the first of a carousel
    sa.Column("kind", sa.Text, nullable=False),  # image | video
    sa.Column("mime", sa.Text, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("object_key", sa.Text, nullable=False),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.UniqueConstraint("post_id", "position"),
)

user_posts = sa.Table(  # whose library a post is in; the post and its bytes are kept once
    "user_posts",
    metadata,
    sa.Column("user_id", sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    sa.Column(
        "post_id", sa.ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True, index=True
    ),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("removed_at", Moment, index=True),  # taken out by hand; undone until it is swept
)

post_tags = sa.Table(  # the hashtags of captions, without "#", lower case
    "post_tags",
    metadata,
    sa.Column("post_id", sa.ForeignKey("posts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tag", sa.Text, primary_key=True, index=True),
)

samples = sa.Table(  # what analysis found in a file
    "samples",
    metadata,
    _id(),
    sa.Column("media_id", sa.ForeignKey("media.id", ondelete="CASCADE"), nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),  # pending | ready | failed
    sa.Column("run", sa.Integer, nullable=False, server_default="1"),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),  # that were begun
    sa.Column("failure", sa.Text),  # not_media, timeout, crashed, …
    sa.Column("seconds", sa.Float),
    sa.Column("audio_key", sa.Text),  # object keys
    sa.Column("waveform_key", sa.Text),
    sa.Column("thumbnail_key", sa.Text),
    sa.Column("peaks", sa.JSON),  # 0..1
    sa.Column("colour", sa.Text),  # "#rrggbb"
    sa.Column("bpm", sa.Float),
    sa.Column("bpm_alternative", sa.Float),
    sa.Column("bpm_confidence", sa.Float),
    sa.Column("no_bpm", sa.Text),  # why none is given: silent, too_short, …
    sa.Column("key", sa.Text),  # "F# minor"
    sa.Column("key_second", sa.Text),
    sa.Column("key_confidence", sa.Float),
    sa.Column("key_sure", sa.Boolean),
    sa.Column("no_key", sa.Text),
    sa.Column("changed_at", Moment, nullable=False),
    sa.UniqueConstraint("media_id"),
)

library_views = sa.Table(  # where each person stands in their library
    "library_views",
    metadata,
    sa.Column("user_id", sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("filters", sa.JSON, nullable=False),
    sa.Column("page", sa.Integer, nullable=False, server_default="0"),
)

downloads = sa.Table(  # links to files that are too large for the chat
    "downloads",
    metadata,
    sa.Column("token_hash", sa.Text, primary_key=True),
    _user(index=True),
    sa.Column("object_key", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("expires_at", Moment, nullable=False, index=True),
)

# ---------------------------------------------------------------- importing

collections = sa.Table(
    "collections",
    metadata,
    _id(),
    _user(),
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
    _id(),
    _user(index=True),
    sa.Column("connection_id", sa.ForeignKey("connections.id", ondelete="SET NULL")),
    sa.Column("collection_id", sa.ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    sa.Column("identity", sa.Text, nullable=False),  # whose pace it shares
    # previewing | offered | running | waiting | paused | cancelled | failed | done
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("run", sa.Integer, nullable=False, server_default="1"),
    # why it waits, is paused or failed: a word of services.importing.types.Reason
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
    _id(),
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

# ---------------------------------------------------------------- the pace

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

calls = sa.Table(  # one row per call of gallery-dl: what metrics and alerts count
    "calls",
    metadata,
    _id(),
    sa.Column("identity", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),  # connect | import
    sa.Column("at", Moment, nullable=False, index=True),
    sa.Column("requests", sa.Integer, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),  # ok, or the error's class name
)

# ---------------------------------------------------------------- the chat

notices = sa.Table(  # the outbox: written with the change of state, delivered by the chat role
    "notices",
    metadata,
    _id(),
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
    _id(),
    _user(),
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

exports = sa.Table(  # of a library, or "everything you have of me"; built by a job
    "exports",
    metadata,
    _id(),
    _user(index=True),
    sa.Column("state", sa.Text, nullable=False),  # building | ready | failed
    sa.Column("run", sa.Integer, nullable=False, server_default="1"),
    sa.Column("idle_runs", sa.Integer, nullable=False, server_default="0"),
    sa.Column("what", sa.JSON),  # which part of the library, in which format; null: everything
    sa.Column("object_keys", sa.JSON, nullable=False),  # the parts of it
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
)

# ---------------------------------------------------------------- who did what, and what is ill

audit = sa.Table(
    "audit",
    metadata,
    _id(),
    sa.Column("at", Moment, nullable=False, index=True),
    sa.Column("actor_id", sa.BigInteger),  # kept when the person is deleted; null: Reelay itself
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
)

incidents = sa.Table(
    "incidents",
    metadata,
    _id(),
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
