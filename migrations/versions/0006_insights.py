"""The account's own figures, with their revisions, their log and the addresses of their pages."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "insight_accounts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("meta_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("synced_day", sa.Date(), nullable=True),
        sa.Column("digest", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("digested_week", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["meta_id"],
            ["meta_accounts.id"],
            name=op.f("fk_insight_accounts_meta_id_meta_accounts"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_insight_accounts_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_insight_accounts")),
        sa.UniqueConstraint("meta_id", name=op.f("uq_insight_accounts_meta_id")),
        sa.UniqueConstraint("user_id", "identity", name=op.f("uq_insight_accounts_user_id")),
    )
    op.create_index(
        op.f("ix_insight_accounts_user_id"), "insight_accounts", ["user_id"], unique=False
    )
    op.create_table(
        "insight_media",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("media_id", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("permalink", sa.Text(), nullable=False),
        sa.Column("caption", sa.Text(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["insight_accounts.id"],
            name=op.f("fk_insight_media_account_id_insight_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_insight_media")),
        sa.UniqueConstraint("account_id", "media_id", name=op.f("uq_insight_media_account_id")),
    )
    op.create_index(
        "ix_insight_media_posted", "insight_media", ["account_id", "posted_at"], unique=False
    )
    op.create_table(
        "insight_pages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["insight_accounts.id"],
            name=op.f("fk_insight_pages_account_id_insight_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_insight_pages_user_id_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_insight_pages")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_insight_pages_token_hash")),
    )
    op.create_index(
        op.f("ix_insight_pages_account_id"), "insight_pages", ["account_id"], unique=False
    )
    op.create_index(
        op.f("ix_insight_pages_expires_at"), "insight_pages", ["expires_at"], unique=False
    )
    op.create_index(op.f("ix_insight_pages_user_id"), "insight_pages", ["user_id"], unique=False)
    op.create_table(
        "insight_values",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("end_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("breakdown", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("said", sa.Text(), server_default="", nullable=False),
        sa.Column("revision", sa.Integer(), server_default="0", nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(value is null) <> (reason is null)", name=op.f("ck_insight_values_value_or_reason")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["insight_accounts.id"],
            name=op.f("fk_insight_values_account_id_insight_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_insight_values")),
        sa.UniqueConstraint(
            "account_id",
            "metric",
            "period",
            "end_time",
            "breakdown",
            name=op.f("uq_insight_values_account_id"),
        ),
    )
    op.create_index(
        "ix_insight_values_day",
        "insight_values",
        ["account_id", "metric", "period", "day"],
        unique=False,
    )
    op.create_table(
        "syncs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "account_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("run", sa.Integer(), server_default="1", nullable=False),
        sa.Column("idle_runs", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("wait_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("next_step", sa.Text(), server_default="", nullable=False),
        sa.Column("requests", sa.Integer(), server_default="0", nullable=False),
        sa.Column("to_ask", sa.Integer(), server_default="0", nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("seen_change", sa.DateTime(timezone=True), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["insight_accounts.id"],
            name=op.f("fk_syncs_account_id_insight_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_syncs")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_syncs_newest", "syncs", ["account_id", "id"], unique=False)
    op.create_index(
        "uq_syncs_live",
        "syncs",
        ["account_id"],
        unique=True,
        sqlite_where=sa.text("state in ('pending', 'running', 'waiting')"),
        postgresql_where=sa.text("state in ('pending', 'running', 'waiting')"),
    )
    op.create_table(
        "insight_revisions",
        sa.Column("value_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["value_id"],
            ["insight_values.id"],
            name=op.f("fk_insight_revisions_value_id_insight_values"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("value_id", "revision", name=op.f("pk_insight_revisions")),
    )
    op.create_table(
        "media_values",
        sa.Column(
            "media_row", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("said", sa.Text(), server_default="", nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(value is null) <> (reason is null)", name=op.f("ck_media_values_value_or_reason")
        ),
        sa.ForeignKeyConstraint(
            ["media_row"],
            ["insight_media.id"],
            name=op.f("fk_media_values_media_row_insight_media"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("media_row", "metric", "day", name=op.f("pk_media_values")),
    )
    op.create_table(
        "sync_results",
        sa.Column("sync_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column("fetched", sa.Integer(), server_default="0", nullable=False),
        sa.Column("written", sa.Integer(), server_default="0", nullable=False),
        sa.Column("revised", sa.Integer(), server_default="0", nullable=False),
        sa.Column("skipped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["sync_id"],
            ["syncs.id"],
            name=op.f("fk_sync_results_sync_id_syncs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("sync_id", "metric", name=op.f("pk_sync_results")),
    )
