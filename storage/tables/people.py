"""People, their accounts, their credits, and what they take along."""

from __future__ import annotations

import sqlalchemy as sa

from storage.tables.base import Moment, metadata, of_user, row_id

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
    sa.Column("dark_charts", sa.Boolean, nullable=False, server_default=sa.false()),
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
    row_id(),
    sa.Column("token_hash", sa.Text, nullable=False, unique=True),
    sa.Column("role", sa.Text, nullable=False),
    of_user("created_by"),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    of_user("used_by", nullable=True),
    sa.Column("used_at", Moment),
)

connections = sa.Table(
    "connections",
    metadata,
    row_id(),
    of_user(index=True),
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
    # logged in as the app is, and instagram.com has not taken that session: no imports
    sa.Column("app_only", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.UniqueConstraint("user_id", "kind", "identity"),
)

mobile_sessions = sa.Table(  # the phone that the mobile API knows a connection's account by
    "mobile_sessions",
    metadata,
    sa.Column(
        "connection_id", sa.ForeignKey("connections.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("sealed", sa.LargeBinary, nullable=False),  # its settings, by storage.vault
    # what it is logged in with: the fingerprint of cookies, or "password"; null: nothing, or it was
    # refused
    sa.Column("made_from", sa.Text),
    sa.Column("changed_at", Moment, nullable=False),
)

logins = sa.Table(  # with a password; one row for each account that a person has logged in to
    "logins",
    metadata,
    row_id(),
    of_user(),
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # queued | sending | code | held | over
    sa.Column("secret", sa.LargeBinary),  # sealed: password and code; null once it is over
    sa.Column("phone", sa.LargeBinary),  # sealed: what mobile_sessions will hold once it is in
    sa.Column("wants", sa.Text),  # in state code: app | sms | whatsapp | email
    sa.Column("wrong_codes", sa.Integer, nullable=False, server_default="0"),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),  # passwords sent
    sa.Column("tries_since", Moment, nullable=False),  # within the hour that began then
    # the password is that of the settings, not one that was typed
    sa.Column("from_settings", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("settings_mark", sa.Text),  # which settings were tried; the same ones are not again
    sa.Column("run", sa.Integer, nullable=False, server_default="0"),
    sa.Column("idle_runs", sa.Integer, nullable=False, server_default="0"),
    sa.Column("expires_at", Moment, nullable=False),  # then the password is forgotten
    sa.Column("changed_at", Moment, nullable=False),
    sa.UniqueConstraint("user_id", "username"),
)

credit_entries = sa.Table(
    "credit_entries",
    metadata,
    row_id(),
    of_user(index=True),
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

exports = sa.Table(  # of a library, or "everything you have of me"; built by a job
    "exports",
    metadata,
    row_id(),
    of_user(index=True),
    sa.Column("state", sa.Text, nullable=False),  # building | ready | failed | cancelled
    sa.Column("run", sa.Integer, nullable=False, server_default="1"),
    sa.Column("idle_runs", sa.Integer, nullable=False, server_default="0"),
    sa.Column("what", sa.JSON),  # which part of the library, in which format; null: everything
    sa.Column("object_keys", sa.JSON, nullable=False),  # the parts of it
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
)
