"""The one message of the chat that shows a row which goes on: an analysis, a sync.

For tables with chat_id, message_id, seen_change, not_before and changed_at. Called by bot/.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class RowCard:
    """`row_id`: of what it shows. Chats are private: `chat_id` is also who looks at it."""

    row_id: int
    chat_id: int
    message_id: int


class RowCards:
    """Those of one table."""

    def __init__(self, table: sa.Table) -> None:
        self._table = table
        self._columns = [table.c.id, table.c.chat_id, table.c.message_id]

    async def keep(
        self,
        db: AsyncConnection,
        row_id: int,
        *,
        chat_id: int,
        message_id: int,
        seen_change: datetime | None,
        not_before: datetime,
    ) -> None:
        """From now on this message is the one that shows the row; it shows it as of `seen_change`
        (None: it shows something else) and stays as it is until `not_before`."""
        await self._change(
            db,
            row_id,
            chat_id=chat_id,
            message_id=message_id,
            seen_change=seen_change,
            not_before=not_before,
        )

    async def due(self, db: AsyncConnection, now: datetime) -> list[RowCard]:
        """Whose row has changed since they were shown, and that may be edited again."""
        c = self._table.c
        behind = c.seen_change.is_(None) | (c.seen_change != c.changed_at)
        shown = c.message_id.is_not(None) & (c.not_before <= now)
        query = sa.select(*self._columns).where(shown, behind).order_by(c.id)
        return [RowCard(*row) for row in await db.execute(query)]

    async def of(self, db: AsyncConnection, row_id: int) -> RowCard | None:
        c = self._table.c
        query = sa.select(*self._columns).where(c.id == row_id, c.message_id.is_not(None))
        row = (await db.execute(query)).first()
        return RowCard(*row) if row else None

    async def shown(
        self,
        db: AsyncConnection,
        row_id: int,
        *,
        not_before: datetime,
        seen_change: datetime | None,
    ) -> None:
        """`seen_change`: changed_at of what the card shows now; None: it could not be shown."""
        to: dict[str, Any] = {"not_before": not_before}
        if seen_change is not None:
            to["seen_change"] = seen_change
        await self._change(db, row_id, **to)

    async def drop(self, db: AsyncConnection, row_id: int) -> None:
        """The message is gone, or shows the end."""
        await self._change(db, row_id, chat_id=None, message_id=None)

    async def _change(self, db: AsyncConnection, row_id: int, **to: Any) -> None:
        await db.execute(self._table.update().where(self._table.c.id == row_id).values(to))
