"""Users and invitations. Called by services.accounts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import invitations, users

Role = Literal["owner", "admin", "member"]


@dataclass(frozen=True, slots=True)
class User:
    """`id` is Telegram's; hours are of the user's own day in `zone` (IANA)."""

    id: int
    name: str
    username: str | None
    role: Role
    status: Literal["active", "blocked"]
    locale: str
    zone: str
    quiet_from: int | None
    quiet_until: int | None
    muted: Sequence[str]
    dark_charts: bool
    credits: int
    reachable: bool
    created_at: datetime
    delete_after: datetime | None

    @property
    def leads(self) -> bool:
        return self.role in ("owner", "admin")


_COLUMNS = [users.c[field.name] for field in fields(User)]


async def get(db: AsyncConnection, user_id: int) -> User | None:
    row = (await db.execute(sa.select(*_COLUMNS).where(users.c.id == user_id))).first()
    return User(*row) if row else None


async def names(db: AsyncConnection, user_ids: Iterable[int]) -> dict[int, str]:
    """{user id: name} of those that are there."""
    query = sa.select(users.c.id, users.c.name).where(users.c.id.in_(set(user_ids)))
    return {user_id: name for user_id, name in await db.execute(query)}


async def balances(db: AsyncConnection, user_ids: Iterable[int]) -> dict[int, int]:
    """{user id: credits}"""
    query = sa.select(users.c.id, users.c.credits).where(users.c.id.in_(list(user_ids)))
    return {user_id: balance for user_id, balance in await db.execute(query)}


async def everyone(db: AsyncConnection) -> list[User]:
    rows = await db.execute(sa.select(*_COLUMNS).order_by(users.c.created_at, users.c.id))
    return [User(*row) for row in rows]


async def leaders(db: AsyncConnection) -> list[int]:
    """Ids of the owners and admins who can act."""
    query = sa.select(users.c.id).where(
        users.c.role.in_(("owner", "admin")), users.c.status == "active"
    )
    return list((await db.execute(query)).scalars())


async def has_owner(db: AsyncConnection) -> bool:
    query = sa.select(users.c.id).where(users.c.role == "owner").limit(1)
    return (await db.execute(query)).first() is not None


async def owner(db: AsyncConnection) -> User | None:
    row = (await db.execute(sa.select(*_COLUMNS).where(users.c.role == "owner"))).first()
    return User(*row) if row else None


async def add(
    db: AsyncConnection,
    user_id: int,
    *,
    name: str,
    username: str | None,
    locale: str,
    role: Role,
    now: datetime,
) -> bool:
    """False if the person is known already."""
    row = {
        "id": user_id,
        "name": name,
        "username": username,
        "locale": locale,
        "role": role,
        "status": "active",
        "muted": [],
        "created_at": now,
    }
    added = await db.execute(
        insert_once(db, users).values(row).on_conflict_do_nothing().returning(users.c.id)
    )
    return added.first() is not None


async def change(db: AsyncConnection, user_id: int, **columns: Any) -> bool:
    """Set columns of one user, by their names in `tables.users`."""
    changed = await db.execute(users.update().where(users.c.id == user_id).values(columns))
    return bool(changed.rowcount)


async def due_for_deletion(db: AsyncConnection, now: datetime) -> list[int]:
    query = sa.select(users.c.id).where(users.c.delete_after <= now)
    return list((await db.execute(query)).scalars())


async def delete(db: AsyncConnection, user_id: int, now: datetime) -> bool:
    """The user and all that hangs on them, if the deletion is still wanted and due."""
    due = (users.c.id == user_id) & (users.c.delete_after <= now)
    return bool((await db.execute(users.delete().where(due))).rowcount)


@dataclass(frozen=True, slots=True)
class Invitation:
    id: int
    role: Role
    created_by: int
    expires_at: datetime


async def invite(
    db: AsyncConnection,
    *,
    token_hash: str,
    role: Role,
    created_by: int,
    now: datetime,
    expires_at: datetime,
) -> None:
    row = {
        "token_hash": token_hash,
        "role": role,
        "created_by": created_by,
        "created_at": now,
        "expires_at": expires_at,
    }
    await db.execute(invitations.insert().values(row))


async def use_invitation(
    db: AsyncConnection, token_hash: str, user_id: int, now: datetime
) -> Invitation | None:
    """Takes the invitation; None if it is unknown, used or too old. The user row must exist."""
    open_one = (
        (invitations.c.token_hash == token_hash)
        & invitations.c.used_at.is_(None)
        & (invitations.c.expires_at > now)
    )
    taken = await db.execute(
        invitations.update()
        .where(open_one)
        .values(used_by=user_id, used_at=now)
        .returning(
            invitations.c.id,
            invitations.c.role,
            invitations.c.created_by,
            invitations.c.expires_at,
        )
    )
    row = taken.first()
    return Invitation(*row) if row else None


async def lock(db: AsyncConnection, user_id: int) -> None:
    """Others that lock the person wait for the end of this transaction; on SQLite all that write
    do."""
    await db.execute(sa.select(users.c.id).where(users.c.id == user_id).with_for_update())


async def team_of(db: AsyncConnection, user_id: int) -> list[int]:
    """Who works at this person's accounts at Meta, and is asked and told about them: the person,
    and if they lead this bot, everybody who does."""
    person = await get(db, user_id)
    leading = await leaders(db) if person is not None and person.leads else []
    return [user_id, *(one for one in sorted(leading) if one != user_id)]
