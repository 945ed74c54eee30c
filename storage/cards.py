"""Which message of the chat shows which import. Called by bot/."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.database import insert_once
from storage.tables import cards, imports


@dataclass(frozen=True, slots=True)
class Card:
    id: int
    user_id: int
    chat_id: int
    message_id: int
    import_id: int


_CARD = [cards.c[field.name] for field in fields(Card)]


async def keep(
    db: AsyncConnection,
    *,
    user_id: int,
    chat_id: int,
    message_id: int,
    import_id: int,
    seen_change: datetime | None,
    not_before: datetime,
) -> None:
    """From now on this message is the one that shows the import; it shows it as of `seen_change`
    (None: it shows something else) and stays as it is until `not_before`."""
    row = {
        "user_id": user_id,
        "chat_id": chat_id,
        "message_id": message_id,
        "import_id": import_id,
        "seen_change": seen_change,
        "not_before": not_before,
    }
    to = {name: row[name] for name in ("chat_id", "message_id", "seen_change", "not_before")}
    await db.execute(
        insert_once(db, cards)
        .values(row)
        .on_conflict_do_update(index_elements=["import_id"], set_=to)
    )


async def due(db: AsyncConnection, now: datetime) -> list[Card]:
    """Cards whose import has changed since they were shown, and that may be edited again."""
    behind = cards.c.seen_change.is_(None) | (cards.c.seen_change != imports.c.changed_at)
    query = (
        sa.select(*_CARD)
        .join(imports, imports.c.id == cards.c.import_id)
        .where(cards.c.not_before <= now, behind)
        .order_by(cards.c.id)
    )
    return [Card(*row) for row in await db.execute(query)]


async def of_import(db: AsyncConnection, import_id: int) -> Card | None:
    row = (await db.execute(sa.select(*_CARD).where(cards.c.import_id == import_id))).first()
    return Card(*row) if row else None


async def shown(
    db: AsyncConnection, card_id: int, *, not_before: datetime, seen_change: datetime | None
) -> None:
    """`seen_change`: Import.changed_at of what the card shows now; None: it could not be shown."""
    to: dict[str, Any] = {"not_before": not_before}
    if seen_change is not None:
        to["seen_change"] = seen_change
    await db.execute(cards.update().where(cards.c.id == card_id).values(to))


async def drop(db: AsyncConnection, card_id: int) -> None:
    await db.execute(cards.delete().where(cards.c.id == card_id))
