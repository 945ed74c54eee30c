"""Accounts that are connected at Meta, with their sealed tokens, and the links to log in there.

Called by services.accounts.meta.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.tables import meta_accounts, meta_logins


@dataclass(frozen=True, slots=True)
class MetaAccount:
    """Without its tokens: those are read by `sealed` for the one call that needs them.

    `identity`: Instagram's user id. `account_type`: BUSINESS, MEDIA_CREATOR, CREATOR or "".
    `problem`: why it can't be used, None while it can.
    """

    id: int
    user_id: int
    identity: str
    username: str
    flavour: str  # facebook | instagram
    account_type: str
    scopes: list[str]
    issued_at: datetime
    expires_at: datetime | None
    unlimited: bool
    data_ends_at: datetime | None
    refreshed_at: datetime | None
    tried_at: datetime | None
    warned_days: int | None
    problem: str | None
    created_at: datetime


_COLUMNS = [meta_accounts.c[field.name] for field in fields(MetaAccount)]


async def keep(
    db: AsyncConnection, user_id: int, identity: str, now: datetime, **values: Any
) -> MetaAccount:
    """The person's account of this identity, with these values; made when it is new."""
    here = (meta_accounts.c.user_id == user_id) & (meta_accounts.c.identity == identity)
    known = await db.execute(meta_accounts.update().where(here).values(values).returning(*_COLUMNS))
    row = known.first()
    if row is None:
        made = {"user_id": user_id, "identity": identity, "created_at": now, **values}
        row = (await db.execute(meta_accounts.insert().values(made).returning(*_COLUMNS))).one()
    return MetaAccount(*row)


async def get(db: AsyncConnection, meta_id: int) -> MetaAccount | None:
    found = await _many(db, meta_accounts.c.id == meta_id)
    return found[0] if found else None


async def of_user(db: AsyncConnection, user_id: int) -> list[MetaAccount]:
    return await _many(db, meta_accounts.c.user_id == user_id)


async def of_ids(db: AsyncConnection, meta_ids: Iterable[int]) -> dict[int, MetaAccount]:
    found = await _many(db, meta_accounts.c.id.in_(list(meta_ids)))
    return {account.id: account for account in found}


async def everyones(db: AsyncConnection) -> list[MetaAccount]:
    return await _many(db, sa.true())


async def sealed(db: AsyncConnection, meta_id: int) -> tuple[bytes | None, bytes | None]:
    """(token, spare), both sealed."""
    query = sa.select(meta_accounts.c.sealed, meta_accounts.c.spare).where(
        meta_accounts.c.id == meta_id
    )
    row = (await db.execute(query)).first()
    return (row.sealed, row.spare) if row else (None, None)


async def all_sealed(db: AsyncConnection) -> list[tuple[int, bytes | None, bytes | None]]:
    """(id, token, spare) of every row, for the rotation of keys."""
    m = meta_accounts.c
    rows = await db.execute(sa.select(m.id, m.sealed, m.spare))
    return [(row[0], row[1], row[2]) for row in rows]


async def change(db: AsyncConnection, meta_id: int, **to: Any) -> None:
    await db.execute(meta_accounts.update().where(meta_accounts.c.id == meta_id).values(to))


async def delete(db: AsyncConnection, meta_id: int) -> None:
    await db.execute(meta_accounts.delete().where(meta_accounts.c.id == meta_id))


# ---------------------------------------------------------------- links to log in


@dataclass(frozen=True, slots=True)
class Login:
    user_id: int
    flavour: str


async def begin_login(
    db: AsyncConnection, state_hash: str, user_id: int, flavour: str, expires_at: datetime
) -> None:
    """The person's earlier links stop to work."""
    await db.execute(meta_logins.delete().where(meta_logins.c.user_id == user_id))
    row = {
        "state_hash": state_hash,
        "user_id": user_id,
        "flavour": flavour,
        "expires_at": expires_at,
    }
    await db.execute(meta_logins.insert().values(row))


async def take_login(db: AsyncConnection, state_hash: str, now: datetime) -> Login | None:
    """Once; None if it was never given out, is over, or was used."""
    taken = await db.execute(
        meta_logins.delete()
        .where(meta_logins.c.state_hash == state_hash, meta_logins.c.expires_at > now)
        .returning(meta_logins.c.user_id, meta_logins.c.flavour)
    )
    row = taken.first()
    return Login(*row) if row else None


async def prune_logins(db: AsyncConnection, now: datetime) -> None:
    await db.execute(meta_logins.delete().where(meta_logins.c.expires_at <= now))


async def _many(db: AsyncConnection, which: sa.ColumnElement[bool]) -> list[MetaAccount]:
    query = sa.select(*_COLUMNS).where(which).order_by(meta_accounts.c.id)
    return [MetaAccount(*row) for row in await db.execute(query)]
