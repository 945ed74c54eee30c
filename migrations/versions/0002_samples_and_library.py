"""Samples, the library, collections that refresh themselves, links to large files."""

import re

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "adoptions",
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("object_key", name=op.f("pk_adoptions")),
    )
    op.create_table(
        "downloads",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_downloads_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_downloads")),
    )
    with op.batch_alter_table("downloads", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_downloads_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_downloads_user_id"), ["user_id"], unique=False)

    op.create_table(
        "library_views",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("page", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_library_views_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_library_views")),
    )
    op.create_table(
        "post_tags",
        sa.Column("post_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["post_id"], ["posts.id"], name=op.f("fk_post_tags_post_id_posts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("post_id", "tag", name=op.f("pk_post_tags")),
    )
    with op.batch_alter_table("post_tags", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_post_tags_tag"), ["tag"], unique=False)

    op.create_table(
        "samples",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("media_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("run", sa.Integer(), server_default="1", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("audio_key", sa.Text(), nullable=True),
        sa.Column("waveform_key", sa.Text(), nullable=True),
        sa.Column("thumbnail_key", sa.Text(), nullable=True),
        sa.Column("peaks", sa.JSON(), nullable=True),
        sa.Column("colour", sa.Text(), nullable=True),
        sa.Column("bpm", sa.Float(), nullable=True),
        sa.Column("bpm_alternative", sa.Float(), nullable=True),
        sa.Column("bpm_confidence", sa.Float(), nullable=True),
        sa.Column("no_bpm", sa.Text(), nullable=True),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("key_second", sa.Text(), nullable=True),
        sa.Column("key_confidence", sa.Float(), nullable=True),
        sa.Column("key_sure", sa.Boolean(), nullable=True),
        sa.Column("no_key", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["media_id"], ["media.id"], name=op.f("fk_samples_media_id_media"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_samples")),
        sa.UniqueConstraint("media_id", name=op.f("uq_samples_media_id")),
    )
    with op.batch_alter_table("samples", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_samples_state"), ["state"], unique=False)

    with op.batch_alter_table("collections", schema=None) as batch_op:
        batch_op.add_column(sa.Column("refresh", sa.Text(), server_default="never", nullable=False))
        batch_op.add_column(sa.Column("refresh_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column(
                "connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
            )
        )
        batch_op.add_column(sa.Column("filters", sa.JSON(), server_default="{}", nullable=False))
        batch_op.add_column(
            sa.Column(
                "merged_into", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
            )
        )
        batch_op.create_index(batch_op.f("ix_collections_refresh_at"), ["refresh_at"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_collections_merged_into_collections"),
            "collections",
            ["merged_into"],
            ["id"],
            ondelete="SET NULL",
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_collections_connection_id_connections"),
            "connections",
            ["connection_id"],
            ["id"],
            ondelete="SET NULL",
        )

    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("by_clock", sa.Boolean(), server_default=sa.false(), nullable=False)
        )

    with op.batch_alter_table("user_posts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f("ix_user_posts_removed_at"), ["removed_at"], unique=False)

    with op.batch_alter_table("exports", schema=None) as batch_op:
        batch_op.add_column(sa.Column("what", sa.JSON(), nullable=True))

    _take_in_what_is_there()


def _take_in_what_is_there() -> None:
    """Posts that were imported before: their files wait for analysis like new ones, and their
    hashtags are found."""
    op.execute(
        "insert into samples (media_id, state, changed_at) "
        "select id, 'pending', current_timestamp from media"
    )
    database = op.get_bind()
    captions = database.execute(sa.text("select id, caption from posts where caption like '%#%'"))
    for post_id, caption in captions.fetchall():
        tags = dict.fromkeys(tag.lower() for tag in re.findall(r"#(\w{1,100})", caption))
        for tag in list(tags)[:60]:
            database.execute(
                sa.text("insert into post_tags (post_id, tag) values (:post_id, :tag)"),
                {"post_id": post_id, "tag": tag},
            )
