"""What people decide about a story, and what its time decides. Called by bot/stories and the clock.

Every way is one conditional update: the first tap wins, and a later one is told who was first. A
step into a new run takes the story from whatever job was at it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.clock import Now
from services.errors import NotAllowed
from services.stories import machine
from services.stories.accounts import may_publish, theirs
from services.stories.ending import ask, ask_if_live, end_posted, end_published, hand_over
from services.stories.machine import ASK_AFTER, IN_DOUBT, LATE, State
from services.stories.rows import columns_of, publication_of
from storage import meta_accounts, people, stories, story_accounts, story_aftercare, story_items
from storage.database import Database, Transaction
from storage.stories import Story
from storage.story_accounts import StoryAccount

UNDO = timedelta(seconds=30)
BATCH = 50

_OPEN = (State.SCHEDULED, State.ASKING)


class AlreadyDecided(NotAllowed):
    """`story`: as it is now, with who decided and when."""

    default_message = "Somebody was first."
    default_next_step = "Open /stories to see how it stands."

    def __init__(self, story: Story) -> None:
        super().__init__(subject=str(story.id))
        self.story = story


@dataclass(frozen=True, slots=True)
class Deciding:
    """`seen`: `last_decision` of the story as the card showed it on which somebody tapped; None:
    however it stands now."""

    database: Database
    now: Now

    # ------------------------------------------------------------ what people tap

    async def story(self, user_id: int, story_id: int) -> Story:
        """Errors: NotAllowed."""
        async with self.database.read() as db:
            return await _theirs(db, user_id, story_id)

    async def approve(
        self, user_id: int, story_id: int, seen: int | None = None, *, at_once: bool
    ) -> Story:
        """It goes out at its time, or `at_once`; in half a minute at the earliest, to be undone."""
        now = self.now()
        async with self.database.write() as db:
            story = await _as_seen(db, user_id, story_id, seen)
            goes = now + UNDO if at_once else max(now + UNDO, story.due_at)
            return await _decide(
                db,
                story,
                user_id,
                "approved",
                now,
                _OPEN,
                state=State.HELD,
                next_at=goes,
                due_at=goes,
            )

    async def undo(self, user_id: int, story_id: int) -> Story:
        """Back to the question, while it is held."""
        now = self.now()
        async with self.database.write() as db:
            story = await _theirs(db, user_id, story_id)
            if story.next_at <= now:
                raise AlreadyDecided(story)
            return await _decide(
                db, story, user_id, "undone", now, [State.HELD], state=State.ASKING, next_at=now
            )

    async def skip(self, user_id: int, story_id: int, seen: int | None = None) -> Story:
        """Its slot stays empty; the file stays in the library."""
        async with self.database.write() as db:
            return await self._skip(db, user_id, story_id, seen)

    async def remove(self, user_id: int, story_id: int, seen: int | None = None) -> Story:
        """As skip, and the file leaves the library."""
        async with self.database.write() as db:
            story = await self._skip(db, user_id, story_id, seen)
            await story_items.remove(db, story.item_id, self.now())
        return story

    async def _skip(self, db: Transaction, user_id: int, story_id: int, seen: int | None) -> Story:
        now = self.now()
        story = await _as_seen(db, user_id, story_id, seen)
        return await _decide(
            db,
            story,
            user_id,
            "skipped",
            now,
            (*_OPEN, State.HELD, State.BY_HAND),
            state=State.SKIPPED,
            ended_at=now,
        )

    async def postpone(
        self, user_id: int, story_id: int, due_at: datetime, seen: int | None = None
    ) -> Story:
        """`due_at`: aware UTC, in the future. It is asked about again before."""
        now = self.now()
        async with self.database.write() as db:
            story = await _as_seen(db, user_id, story_id, seen)
            account = await story_accounts.get(db, story.account_id)
            asks = account is not None and story.mode == "ask"
            ahead = timedelta(minutes=account.ask_minutes if account and asks else 0)
            return await _decide(
                db,
                story,
                user_id,
                "postponed",
                now,
                (*_OPEN, State.HELD, State.BY_HAND),
                state=State.SCHEDULED,
                due_at=due_at,
                next_at=max(now, due_at - ahead),
            )

    async def take_by_hand(self, user_id: int, story_id: int, seen: int | None = None) -> Story:
        """Only while nothing was asked of Meta that could make it live."""
        now = self.now()
        async with self.database.write() as db:
            story = await _as_seen(db, user_id, story_id, seen)
            publication = publication_of(story)
            if not machine.may_be_taken_by_hand(publication):
                raise AlreadyDecided(story)
            to = {**columns_of(machine.taken_by_hand(publication, now)), "detail": ""}
            taken = await _decide(db, story, user_id, "taken", now, [story.state], **to)
            await hand_over(db, taken, now, why="", to=user_id)
            return taken

    async def posted(self, user_id: int, story_id: int) -> Story:
        """They have posted it by hand."""
        now = self.now()
        async with self.database.write() as db:
            story = await _theirs(db, user_id, story_id)
            ended = await _decide(db, story, user_id, "", now, [State.BY_HAND], state=State.POSTED)
            await end_posted(db, ended, now, user_id)
            return await _theirs(db, user_id, story_id)

    async def answer(self, user_id: int, story_id: int, *, live: bool) -> Story:
        """Somebody has looked at Instagram, after a day in which Meta could not tell."""
        now = self.now()
        async with self.database.write() as db:
            story = await _theirs(db, user_id, story_id)
            publication = publication_of(story)
            if not machine.wants_a_person(publication, now):
                raise AlreadyDecided(story)
            what = "said_live" if live else "said_not_live"
            to = {**columns_of(machine.told(publication, now, live=live)), "detail": ""}
            story = await _decide(db, story, user_id, what, now, IN_DOUBT, **to)
            if live:
                await end_published(db, story, now)
            else:
                await hand_over(db, story, now, why="", to=user_id)
            return await _theirs(db, user_id, story_id)

    # ------------------------------------------------------------ what its time decides

    async def turn(self) -> int:
        """Moves every story whose time has come; returns how many."""
        now = self.now()
        async with self.database.read() as db:
            ready = await stories.due(db, (State.SCHEDULED, State.HELD), now, BATCH)
        return sum([await self._turn(story, now) for story in ready])

    async def _turn(self, story: Story, now: datetime) -> bool:
        async with self.database.write() as db:
            account = await story_accounts.get(db, story.account_id)
            item = await story_items.get(db, story.item_id)
            if account is None or item is None or await _is_leaving(db, account):
                return False
            meta = await meta_accounts.get(db, account.meta_id) if account.meta_id else None
            able = Able(
                by_api=account.by_api and meta is not None and may_publish(meta),
                interactive=item.interactive,
                fitted=item.fitted_key is not None,
            )
            state = route(story.state, story.mode, able, late=now - story.due_at > LATE)
            to: dict[str, Any] = {"state": state, "next_at": now}
            if state is State.PREPARING:
                to = columns_of(machine.begin(publication_of(story), now))
            if not await stories.move(
                db,
                story.id,
                now,
                run=story.run,
                from_states=[story.state],
                new_run=True,
                **to,
            ):
                return False
            moved = await stories.get(db, story.id)
            assert moved is not None
            if state is State.ASKING:
                await ask(db, moved, now)
            elif state is State.BY_HAND:
                await hand_over(db, moved, now, why="")
        return True

    async def ask_in_doubt(self) -> int:
        """For a day Meta could not tell whether a story is live: its person is asked, once for each
        time that it was asked to publish. Returns how many were asked about."""
        now = self.now()
        async with self.database.read() as db:
            doubtful = await story_aftercare.doubtful(db, now - ASK_AFTER, BATCH)
        for story in doubtful:
            async with self.database.write() as db:
                await ask_if_live(db, story, now)
        return len(doubtful)


@dataclass(frozen=True, slots=True)
class Able:
    """What stands in the way of publishing by the API. `by_api`: connected as an account that Meta
    lets, and switched on."""

    by_api: bool
    interactive: bool
    fitted: bool


def route(state: str, mode: str, able: Able, *, late: bool) -> State:
    """Where a story goes when its time has come. A late one is asked about, whatever its mode."""
    if state == State.SCHEDULED and (mode == "ask" or late):
        return State.ASKING
    if mode == "manual" or not able.by_api or able.interactive or not able.fitted:
        return State.BY_HAND
    return State.PREPARING


async def _theirs(db: Transaction, user_id: int, story_id: int) -> Story:
    """The person whose account it is, and who leads this bot. Errors: NotAllowed."""
    story = await stories.get(db, story_id)
    if story is None:
        raise NotAllowed
    await theirs(db, user_id, story.account_id)
    return story


async def _is_leaving(db: Transaction, account: StoryAccount) -> bool:
    """Its person wants everything deleted: nothing new becomes public meanwhile."""
    person = await people.get(db, account.user_id)
    return person is None or person.delete_after is not None


async def _as_seen(db: Transaction, user_id: int, story_id: int, seen: int | None) -> Story:
    """Errors: NotAllowed; AlreadyDecided if somebody was first since the card was shown."""
    story = await _theirs(db, user_id, story_id)
    if seen is not None and seen != last_decision(story):
        raise AlreadyDecided(story)
    return story


def last_decision(story: Story) -> int:
    """Tells one decision about a story from the next: its second, 0 before the first one."""
    return int(story.decided_at.timestamp()) if story.decided_at else 0


async def _decide(
    db: Transaction,
    story: Story,
    by: int,
    what: str,
    now: datetime,
    from_states: Iterable[str],
    **to: Any,
) -> Story:
    """Errors: AlreadyDecided."""
    moved = await stories.move(
        db,
        story.id,
        now,
        run=story.run,
        from_states=from_states,
        new_run=True,
        decided_by=by,
        decided_at=now,
        at_work=False,
        **to,
    )
    current = await stories.get(db, story.id)
    assert current is not None
    if not moved:
        raise AlreadyDecided(current)
    if what:
        await stories.note(db, story.id, what, now, by=by)
    return current
