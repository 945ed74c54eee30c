"""Accounts that are connected at Meta, and the links to log in there."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.base import Moment, metadata, of_user, row_id

meta_accounts = sa.Table(
    "meta_accounts",
    metadata,
    row_id(),
    of_user(index=True),
    sa.Column("identity", sa.Text, nullable=False),  # Instagram's user id of the account
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("flavour", sa.Text, nullable=False),  # facebook | instagram
    sa.Column("account_type", sa.Text, nullable=False),  # BUSINESS, MEDIA_CREATOR, …; "" not told
    sa.Column("sealed", sa.LargeBinary),  # the token, by storage.vault; null: just being made
    sa.Column("spare", sa.LargeBinary),  # Facebook: the user's token beside the Page's
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("issued_at", Moment, nullable=False),
    sa.Column("expires_at", Moment),
    sa.Column("unlimited", sa.Boolean, nullable=False),  # it has no end
    sa.Column("data_ends_at", Moment),  # when Meta gives no more data for it
    sa.Column("refreshed_at", Moment),  # the last good renewal
    sa.Column("tried_at", Moment),  # the last renewal, good or not
    sa.Column("warned_days", sa.Integer),  # the last of 10, 3, 1 that was announced
    sa.Column("problem", sa.Text),  # why it can't be used: what Meta said, for people
    sa.Column("created_at", Moment, nullable=False),
    sa.UniqueConstraint("user_id", "identity"),
)

meta_logins = sa.Table(  # links to Meta's log-in that were given out; each works once
    "meta_logins",
    metadata,
    sa.Column("state_hash", sa.Text, primary_key=True),
    of_user(index=True),
    sa.Column("flavour", sa.Text, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
)
