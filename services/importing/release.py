"""Credits are held only while an import runs: whatever stops it gives the unsettled ones back."""

from __future__ import annotations

from datetime import datetime

from storage import credits, importing
from storage.database import Transaction


async def release(db: Transaction, import_id: int, now: datetime) -> int:
    """Refunds what is paid for and not settled; those posts can be charged anew. Returns how many.

    Part of the transaction that stops the import.
    """
    held = await importing.held(db, import_id)
    if not held:
        return 0
    await credits.refund(db, import_id, held, now)
    await importing.next_attempt(db, import_id, held)
    return len(held)
