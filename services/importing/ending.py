"""The ways in which an import stops: it waits, is paused, fails or is done.

Credits are held only while an import runs: whatever stops it gives the unsettled ones back, in the
same transaction. Called by the job and by what a person taps (service.py).
"""

from __future__ import annotations

from datetime import datetime

from services.errors import (
    OutOfCredits,
    RateLimited,
    ReelayError,
    UpstreamChanged,
)
from services.importing import decisions
from services.importing.decisions import Reason, Verdict
from services.instagram.gallery_dl import GalleryDl
from storage import collections, credits, import_items, importing, notices
from storage.database import Transaction
from storage.importing import Import


async def release(db: Transaction, import_id: int, now: datetime) -> int:
    """Refunds what is paid for and not settled; it can be charged anew. Returns how many."""
    held = await import_items.held(db, import_id)
    if not held:
        return 0
    await credits.refund(db, import_id, held, now)
    await import_items.next_attempt(db, import_id, held)
    return len(held)


async def stop(db: Transaction, item: Import, error: ReelayError, now: datetime) -> None:
    """What this error means for the import, by services.importing.decisions.judge."""
    verdict, reason = decisions.judge(error, item.tries)
    wait_until = None
    if verdict is Verdict.WAIT:
        until = error.until if isinstance(error, RateLimited) else None
        wait_until = until or now + decisions.backoff(item.tries)
    detail = _detail(error)
    if verdict is Verdict.FAIL or item.state == "previewing":  # a preview is simply asked again
        await end(db, item, "failed", now, reason=reason, detail=detail, wait_until=wait_until)
        return
    moved = await importing.move(
        db,
        item.id,
        now,
        run=item.run,
        from_states=["running"],
        state=verdict,
        reason=reason,
        detail=detail,
        wait_until=wait_until,
        tries=item.tries + (reason is Reason.UPSTREAM),
    )
    if not moved:
        return
    await release(db, item.id, now)
    if verdict is Verdict.PAUSE:
        await notices.add(
            db,
            item.user_id,
            "import_paused",
            now,
            once=f"import:{item.id}:r{item.run}:{reason}",
            import_id=item.id,
        )


async def end(
    db: Transaction,
    item: Import,
    state: str,
    now: datetime,
    *,
    reason: Reason | None = None,
    detail: str = "",
    wait_until: datetime | None = None,
) -> bool:
    """For good, with the notice that rings, or for a refresh the quiet one.

    `wait_until`: when asking again makes sense.
    """
    moved = await importing.move(
        db,
        item.id,
        now,
        run=item.run,
        from_states=importing.LIVE,
        state=state,
        reason=reason,
        detail=detail,
        wait_until=wait_until,
        ended_at=now,
    )
    if moved:
        await release(db, item.id, now)
        await import_items.drop_pending(db, item.id, now)
        if item.by_clock and reason is Reason.NOT_FOUND:  # it would fail like this every day
            await collections.change(db, item.collection_id, refresh="never", refresh_at=None)
        tally = await import_items.tally(db, item.id)
        if state == "done" and not decisions.worth_telling(item.by_clock, tally):
            return moved
        await notices.add(
            db,
            item.user_id,
            "refreshed" if item.by_clock else "import_ended",
            now,
            once=f"import:{item.id}:r{item.run}:ended",
            import_id=item.id,
        )
    return moved


def _detail(error: ReelayError) -> str:
    """What the card needs beyond the reason; never a secret."""
    if isinstance(error, OutOfCredits):
        return str(error.missing)
    if isinstance(error, UpstreamChanged):
        return f"gallery-dl {GalleryDl.version()} · report {error.report or 'none'}"
    return ""
