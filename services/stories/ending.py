"""How a story ends, or changes hands: what else belongs into the transaction that moves its row.

Called by publishing (Reelay's own steps) and deciding (what people tap).
"""

from __future__ import annotations

from datetime import datetime

from services.stories.accounts import tell_team
from storage import notices, stories, story_items
from storage.database import Transaction
from storage.stories import Story


async def end_published(db: Transaction, story: Story, now: datetime) -> None:
    await _end(db, story, now, method="api")
    await stories.note(db, story.id, "published", now)
    await _tell(db, story, "story_published", now, "live")


async def end_posted(db: Transaction, story: Story, now: datetime, by: int) -> None:
    """A person has posted it."""
    await _end(db, story, now, method="manual")
    await stories.note(db, story.id, "posted", now, by=by)


async def ask(db: Transaction, story: Story, now: datetime) -> None:
    """The preview goes to everybody who may decide."""
    await stories.set_asked(db, story.id, now)
    await stories.note(db, story.id, "asked_people", now)
    await _tell(db, story, "story_ask", now, f"ask-{story.run}")


async def tell_waiting(db: Transaction, story: Story, now: datetime, word: str) -> None:
    """It does not go out when people expect it: said once for each trouble, by its `word`."""
    await _tell(db, story, "story_waits", now, f"waits-{story.due_at}-{word}")


async def ask_if_live(db: Transaction, story: Story, now: datetime) -> None:
    """Somebody has to look at Instagram. The event also keeps it from being asked again."""
    await stories.note(db, story.id, "asked_if_live", now)
    await _tell(db, story, "story_unknown", now, f"unknown-{story.publish_requested_at}")


async def hand_over(
    db: Transaction, story: Story, now: datetime, *, why: str, to: int | None = None
) -> None:
    """The file goes out with the steps: to the one who took it, or to everybody who may."""
    await stories.note(db, story.id, "by_hand", now, detail=why)
    await _tell(db, story, "story_by_hand", now, f"hand-{story.run}", to)


async def _tell(
    db: Transaction, story: Story, kind: str, now: datetime, once: str, to: int | None = None
) -> None:
    once = f"story-{story.id}-{once}"
    if to is None:
        await tell_team(db, story.user_id, kind, now, once, story=story.id)
    else:
        await notices.add(db, to, kind, now, once=once, story=story.id)


async def _end(db: Transaction, story: Story, now: datetime, *, method: str) -> None:
    await stories.set_end(db, story.id, now, method)
    await story_items.used(db, story.item_id, now)
