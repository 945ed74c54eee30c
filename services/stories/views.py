"""Stories as people look at them: queue, posted, failed, skipped; one with its history and figures;
the table to take along. Called by bot/stories; reads only.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.clock import Now
from services.errors import NotAllowed
from services.sheets import BOM, harmless
from services.stories.accounts import theirs
from services.stories.machine import State, wants_a_person
from services.stories.preflight import Line, why_by_hand
from services.stories.rows import publication_of
from storage import meta_accounts, people, stories, story_accounts, story_history, story_items
from storage.database import Database, Transaction
from storage.stories import Event, Figure, Story
from storage.story_accounts import Category, StoryAccount
from storage.story_history import Tally
from storage.story_items import StoryItem

PAGE = 6
COUNTED = timedelta(days=30)


class Which(StrEnum):
    QUEUE = "queue"
    POSTED = "posted"
    FAILED = "failed"  # an error kept it from the API, and nobody has posted it
    SKIPPED = "skipped"


STATES: dict[Which, tuple[str, ...]] = {
    Which.QUEUE: stories.OPEN,
    Which.POSTED: (State.PUBLISHED, State.POSTED),
    Which.SKIPPED: (State.SKIPPED,),
}


@dataclass(frozen=True, slots=True)
class StoryView:
    """`decided_by`: the person's name, "" for nobody. `names`: {Telegram's user id: name} of the
    history. `doubtful`: for a day Meta could not tell whether it is live. `by_hand`: why the API
    does not get it, None if it may."""

    story: Story
    item: StoryItem
    account: StoryAccount
    category: Category | None
    decided_by: str
    history: list[Event]
    names: dict[int, str]
    figures: list[Figure]
    doubtful: bool
    by_hand: Line | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """One page. `tally`: of the last 30 days."""

    account: StoryAccount
    accounts: list[StoryAccount]
    which: Which
    stories: list[Story]
    names: dict[int, str]
    page: int
    total: int
    tally: Tally

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))


@dataclass(frozen=True, slots=True)
class StoryViews:
    database: Database
    now: Now

    async def one(self, user_id: int, story_id: int) -> StoryView:
        """Errors: NotAllowed."""
        async with self.database.read() as db:
            story = await stories.get(db, story_id)
            if story is None:
                raise NotAllowed("That story is gone.", "Open /stories.")
            account = await theirs(db, user_id, story.account_id)
            item = await story_items.get(db, story.item_id)
            assert item is not None, "a story keeps its file's row"
            category = (
                await story_accounts.get_category(db, story.category_id)
                if story.category_id is not None
                else None
            )
            history = await stories.history(db, story.id)
            told = [event.by for event in history if event.by is not None]
            names = await _names(db, [*told, *([story.decided_by] if story.decided_by else [])])
            figures = await stories.figures(db, story.id)
            meta = await meta_accounts.get(db, story.meta_id) if story.meta_id else None
        return StoryView(
            story,
            item,
            account,
            category,
            names.get(story.decided_by, "") if story.decided_by else "",
            history,
            names,
            figures,
            wants_a_person(publication_of(story), self.now()),
            why_by_hand(story, item, account, meta),
        )

    async def listing(
        self, user_id: int, accounts: list[StoryAccount], account_id: int, which: Which, page: int
    ) -> Listing:
        """`accounts`: the person's, to choose from. A page that is not there gives the last one.

        Errors: NotAllowed.
        """
        async with self.database.read() as db:
            account = await theirs(db, user_id, account_id)
            total = await _count(db, account.id, which)
            page = max(0, min(page, -(-total // PAGE) - 1))
            found = await _found(db, account.id, which, page)
            names = await _names(db, [one.decided_by for one in found if one.decided_by])
            tally = await story_history.tally(db, account.id, self.now() - COUNTED)
        return Listing(account, accounts, which, found, names, page, total, tally)

    async def table(self, user_id: int, account_id: int) -> tuple[str, bytes]:
        """(file name, CSV) of every story of the account. Errors: NotAllowed."""
        async with self.database.read() as db:
            account = await theirs(db, user_id, account_id)
            rows = await story_history.rows(db, account.id)
            names = await _names(db, [row.decided_by for row in rows if row.decided_by])
        output = io.StringIO()
        writer = csv.writer(output)
        writer.writerow(HEADS)
        for row in rows:
            by = names.get(row.decided_by, "") if row.decided_by else ""
            writer.writerow(map(harmless, _cells(row, by, account.zone)))
        return "stories.csv", (BOM + output.getvalue()).encode()


async def _count(db: Transaction, account_id: int, which: Which) -> int:
    if which is Which.FAILED:
        return await story_history.count_failed(db, account_id)
    return await stories.count(db, account_id, STATES[which])


async def _found(db: Transaction, account_id: int, which: Which, page: int) -> list[Story]:
    if which is Which.FAILED:
        return await story_history.failed(db, account_id, PAGE, page * PAGE)
    return await stories.of_account(db, account_id, STATES[which], PAGE, page * PAGE)


HEADS = (
    "story",
    "due",
    "ended",
    "state",
    "posting_method",
    "by",
    "category",
    "file",
    "link",
    "fell_back",
    "what_happened",
)


def _cells(row: story_history.Row, by: str, zone: str) -> tuple[str, ...]:
    return (
        str(row.id),
        _local(row.due_at, zone),
        _local(row.ended_at, zone),
        row.state,
        row.posting_method or "",
        by,
        row.category or "",
        row.name,
        row.permalink,
        "yes" if row.fell_back else "",
        row.detail,
    )


def _local(at: datetime | None, zone: str) -> str:
    """With its offset: a table must not leave open whose clock it is."""
    return at.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes") if at else ""


async def _names(db: Transaction, user_ids: list[int]) -> dict[int, str]:
    known = await people.names(db, user_ids)
    return {user_id: known.get(user_id, "somebody") for user_id in user_ids}
