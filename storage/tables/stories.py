"""Stories: the library they come from, the week's plan, each story with its way to being live."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.base import Moment, metadata, of_user, row_id

story_accounts = sa.Table(  # where stories go to, with or without a log-in at Meta
    "story_accounts",
    metadata,
    row_id(),
    of_user(index=True),
    sa.Column("meta_id", sa.ForeignKey("meta_accounts.id", ondelete="SET NULL"), unique=True),
    sa.Column("identity", sa.Text),  # Instagram's user id; null until one is connected
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),  # IANA
    sa.Column("by_api", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("lock_days", sa.Integer, nullable=False, server_default="30"),
    sa.Column("ask_minutes", sa.Integer, nullable=False, server_default="30"),  # before the slot
    sa.Column("warned_runway", sa.Date),  # the day on which it was last said that little is left
    sa.Column("created_at", Moment, nullable=False),
)


def _of_account() -> sa.Column[int]:
    return sa.Column(
        "account_id",
        sa.ForeignKey("story_accounts.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    )


categories = sa.Table(
    "categories",
    metadata,
    row_id(),
    _of_account(),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("share", sa.Integer, nullable=False),  # of the slots, relative to the others
    sa.Column("mode", sa.Text, nullable=False),  # ask | automatic | manual
    sa.UniqueConstraint("account_id", "name"),
)

slots = sa.Table(  # of every week, in the account's zone
    "slots",
    metadata,
    row_id(),
    _of_account(),
    sa.Column("weekday", sa.Integer, nullable=False),  # 0 is Monday
    sa.Column("minute", sa.Integer, nullable=False),  # of the day, as the clock on the wall shows
    sa.UniqueConstraint("account_id", "weekday", "minute"),
)

blackouts = sa.Table(  # days without stories
    "blackouts",
    metadata,
    row_id(),
    _of_account(),
    sa.Column("first", sa.Date, nullable=False),
    sa.Column("last", sa.Date, nullable=False),
)

library_items = sa.Table(  # media for stories, fitted to what Meta takes
    "library_items",
    metadata,
    row_id(),
    _of_account(),
    sa.Column("category_id", sa.ForeignKey("categories.id", ondelete="SET NULL"), index=True),
    sa.Column("state", sa.Text, nullable=False),  # storage.story_items.StoryItem
    sa.Column("run", sa.Integer, nullable=False, server_default="1"),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),  # to fit it
    sa.Column("kind", sa.Text, nullable=False),  # photo | video
    sa.Column("source", sa.Text, nullable=False),  # storage.story_items.StoryItem
    sa.Column("name", sa.Text, nullable=False),  # of the file, or of the post; foreign
    sa.Column("sha256", sa.Text, nullable=False),  # of the original
    sa.Column("fingerprint", sa.Text),  # what it looks like: services.media.fingerprint, as hex
    sa.Column("original_key", sa.Text, nullable=False),  # object keys
    sa.Column("fitted_key", sa.Text),
    sa.Column("preview_key", sa.Text),  # before and after, side by side
    sa.Column("bytes", sa.BigInteger),  # of the fitted file
    sa.Column("seconds", sa.Float),
    sa.Column("done", sa.JSON, nullable=False, server_default="[]"),  # what fitting did
    sa.Column("problem", sa.Text),  # why it can't be fitted: a key of the chat's texts
    sa.Column("note", sa.Text, nullable=False, server_default=""),  # for who posts it by hand
    sa.Column("interactive", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("locked_until", Moment),  # used, and not again before
    sa.Column("locked", sa.Boolean, nullable=False, server_default=sa.false()),  # never again
    sa.Column("last_used_at", Moment),
    sa.Column("uses", sa.Integer, nullable=False, server_default="0"),
    # a file stays when somebody who brought it for the account's owner goes
    sa.Column("added_by", sa.ForeignKey("users.id", ondelete="SET NULL")),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("removed_at", Moment, index=True),  # undone until it is swept
    sa.Index("ix_library_items_same", "account_id", "sha256"),
)

stories = sa.Table(
    "stories",
    metadata,
    row_id(),
    _of_account(),
    sa.Column("item_id", sa.ForeignKey("library_items.id"), nullable=False, index=True),
    sa.Column("category_id", sa.ForeignKey("categories.id", ondelete="SET NULL")),
    sa.Column("slot_at", Moment),  # which slot of the plan it fills; null: made by a person
    sa.Column("mode", sa.Text, nullable=False),  # ask | automatic | manual
    sa.Column("state", sa.Text, nullable=False),  # services.stories.machine.State
    sa.Column("run", sa.Integer, nullable=False, server_default="1"),
    sa.Column("idle_runs", sa.Integer, nullable=False, server_default="0"),
    # a job of this run does, or is about to do, the next step
    sa.Column("at_work", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("due_at", Moment, nullable=False),
    sa.Column("next_at", Moment, nullable=False),
    sa.Column("asked_at", Moment),  # when the preview went into the chat
    sa.Column("decided_by", sa.BigInteger),  # Telegram's user id; no key: people may go
    sa.Column("decided_at", Moment),
    # the publication: services.stories.machine.Publication
    sa.Column("container_id", sa.Text),
    sa.Column("container_made_at", Moment),
    sa.Column("containers", sa.Integer, nullable=False, server_default="0"),
    sa.Column("publish_requested_at", Moment),
    sa.Column("publishes", sa.Integer, nullable=False, server_default="0"),
    sa.Column("looks", sa.Integer, nullable=False, server_default="0"),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("verdict", sa.Text),
    sa.Column("word", sa.Text, nullable=False, server_default=""),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),  # what happened, for people
    sa.Column("media_id", sa.Text),
    sa.Column("permalink", sa.Text, nullable=False, server_default=""),
    sa.Column("live_before", sa.JSON),  # ids of the live stories before media_publish
    # the end
    sa.Column("posting_method", sa.Text),  # api | manual
    sa.Column("ended_at", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.UniqueConstraint("account_id", "slot_at"),
    sa.Index("ix_stories_next", "state", "next_at"),
    sa.Index("ix_stories_ended", "state", "ended_at"),
    sa.Index("uq_stories_media", "account_id", "media_id", unique=True),
)

story_copies = sa.Table(  # files where Meta can fetch them; deleted once the story has ended
    "story_copies",
    metadata,
    sa.Column("copy_id", sa.Text, primary_key=True),  # services.graph.public.PublicUrl.id
    # no foreign key: when a story is deleted, its copy must still be found
    sa.Column("story_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("made_at", Moment, nullable=False),
)

story_events = sa.Table(  # the history of each story
    "story_events",
    metadata,
    row_id(),
    sa.Column(
        "story_id", sa.ForeignKey("stories.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("at", Moment, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("by", sa.BigInteger),  # Telegram's user id; null: Reelay itself
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
)

story_metrics = sa.Table(  # Meta tells them for 24 hours only
    "story_metrics",
    metadata,
    sa.Column("story_id", sa.ForeignKey("stories.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("hour", sa.Integer, primary_key=True),  # after it went live: 1, 6, 23
    sa.Column("metric", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger),
    sa.Column("reason", sa.Text),  # why there is no value
    sa.Column("at", Moment, nullable=False),
)
