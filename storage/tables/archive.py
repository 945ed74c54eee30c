"""The archive: posts and their files, what analysis found in them, whose library they are in."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.base import Moment, metadata, of_user, row_id

posts = sa.Table(
    "posts",
    metadata,
    row_id(),
    sa.Column("platform", sa.Text, nullable=False),
    sa.Column("platform_id", sa.Text, nullable=False),
    sa.Column("shortcode", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # photo | video | carousel | story
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
    row_id(),
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

adoptions = sa.Table(  # objects on their way into the store, until `media` names them
    "adoptions",
    metadata,
    sa.Column("object_key", sa.Text, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),  # import | poll
    # no foreign key: when an import is deleted, what it has left must still be found
    sa.Column("owner_id", sa.BigInteger, nullable=False),
    sa.Column("run", sa.Integer, nullable=False),
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
    row_id(),
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
    of_user(index=True),
    sa.Column("object_key", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("expires_at", Moment, nullable=False, index=True),
)
