"""/stories, and everything that is decided about one story: the first tap wins."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.cards import button
from bot.chat import UPLOAD, Chat
from bot.pending import Pending
from bot.router import Handler, Router
from bot.stories import cards, list_cards
from bot.stories.checks import Checks
from bot.stories.times import read_when
from services.errors import NotAllowed
from services.stories.accounts import Accounts
from services.stories.deciding import AlreadyDecided, Deciding
from services.stories.library import StoryLibrary
from services.stories.machine import AT_WORK, State
from services.stories.views import StoryView, StoryViews, Which
from storage.stories import Story

WHEN_FLOW = "story_when"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

Decide = Callable[[int, int, int | None], Awaitable[Story]]
"""By whom, on which story, and what its card knew: services.stories.deciding."""


class StoryScreen:
    def __init__(
        self,
        accounts: Accounts,
        views: StoryViews,
        deciding: Deciding,
        library: StoryLibrary,
        checks: Checks,
        asked: Pending,
    ) -> None:
        """`asked`: what was said to go out, until it is live."""
        self._accounts = accounts
        self._views = views
        self._deciding = deciding
        self._library = library
        self._checks = checks
        self._asked = asked

    def register(self, router: Router) -> None:
        router.command("stories", self.open)
        router.area("story", self.tapped)
        router.flow(WHEN_FLOW, self.receive_when)

    # ------------------------------------------------------------ lists

    async def open(self, chat: Chat) -> None:
        await self._list(chat, 0, Which.QUEUE)

    async def _list(self, chat: Chat, account_id: int, which: Which, page: int = 0) -> None:
        accounts = await self._accounts.of_user(chat.user.id)
        account = account_id or (await self._accounts.one(chat.user.id)).id
        shown = await self._views.listing(chat.user.id, accounts, account, which, page)
        await chat.show(list_cards.listing(shown, chat.at))

    async def _page(self, chat: Chat) -> None:
        assert chat.tap is not None
        match chat.tap.ref.split("-"):
            case [account, which, page] if account.isdigit() and page.isdigit():
                if which in list(Which):
                    await self._list(chat, int(account[:18]), Which(which), int(page[:9]))
                    return
        raise NotAllowed("That button is from another version.", "Open /stories.")

    # ------------------------------------------------------------ taps

    async def tapped(self, chat: Chat) -> None:
        assert chat.tap is not None
        tap = chat.tap
        await self._stop_asking(chat)
        try:
            if tap.verb == "show":
                await self.open(chat)
            elif tap.verb in list(Which):
                await self._list(chat, tap.id, Which(tap.verb))
            elif tap.verb in self._decisions():
                await self._decide(chat, self._decisions()[tap.verb])
            elif tap.verb in self._looks():
                await self._looks()[tap.verb](chat)
            else:
                raise NotAllowed("That button is from another version.", "Open /stories.")
        except AlreadyDecided as late:
            view = await self._views.one(chat.user.id, late.story.id)
            await chat.toast(cards.first_was(late.story, view.decided_by, chat.at), alert=True)
            await self._show(chat, view)

    def _decisions(self) -> dict[str, Decide]:
        deciding = self._deciding
        return {
            "approve": lambda *tap: deciding.approve(*tap, at_once=False),
            "now": lambda *tap: deciding.approve(*tap, at_once=True),
            "undo": lambda user, story, _: deciding.undo(user, story),
            "skip": deciding.skip,
            "remove": deciding.remove,
            "take": deciding.take_by_hand,
            "done": lambda user, story, _: deciding.posted(user, story),
            "hour": self._in_an_hour,
            "tomorrow": self._tomorrow,
            "live": lambda user, story, _: deciding.answer(user, story, live=True),
            "not_live": lambda user, story, _: deciding.answer(user, story, live=False),
        }

    def _looks(self) -> dict[str, Handler]:
        return {
            "open": self._open_one,
            "history": self._history,
            "not_now": self._not_now,
            "when": self._when,
            "file": self._file,
            "page": self._page,
            "csv": self._csv,
        }

    async def _decide(self, chat: Chat, decide: Decide) -> None:
        story = await decide(chat.user.id, *_tapped(chat))
        view = await self._views.one(chat.user.id, story.id)
        if view.story.state == State.BY_HAND:
            await chat.retell(cards.taken(view, chat.at))
        else:
            await self._show(chat, view)

    async def _in_an_hour(self, user_id: int, story_id: int, seen: int | None) -> Story:
        story = await self._deciding.story(user_id, story_id)
        at = max(story.due_at, self._deciding.now()) + HOUR
        return await self._deciding.postpone(user_id, story_id, at, seen)

    async def _tomorrow(self, user_id: int, story_id: int, seen: int | None) -> Story:
        """At the same time on the clock on the wall."""
        story = await self._deciding.story(user_id, story_id)
        at = same_time_tomorrow(story.due_at, story.zone, self._deciding.now())
        return await self._deciding.postpone(user_id, story_id, at, seen)

    # ------------------------------------------------------------ one story

    async def follow(self, chat: Chat, story_id: int) -> None:
        """From another screen."""
        await self._show(chat, await self._views.one(chat.user.id, story_id))

    async def _open_one(self, chat: Chat) -> None:
        assert chat.tap is not None
        await self._show(chat, await self._views.one(chat.user.id, chat.tap.id))

    async def _show(self, chat: Chat, view: StoryView) -> None:
        """In place of what was tapped; the picture above it stays."""
        lines = self._checks.known(view.story) if view.story.state in cards.OPEN_QUESTIONS else ()
        card = cards.story_card(view, chat.at, lines, whole=not chat.on_picture)
        shown = await chat.retell(card)
        if view.story.state == State.HELD or view.story.state in AT_WORK:
            self._asked.wait(chat.user.id, view.story.id, shown)

    async def _history(self, chat: Chat) -> None:
        assert chat.tap is not None
        view = await self._views.one(chat.user.id, chat.tap.id)
        await chat.retell(cards.history(view, chat.at))

    async def _not_now(self, chat: Chat) -> None:
        assert chat.tap is not None
        view = await self._views.one(chat.user.id, chat.tap.id)
        if view.story.state != State.BY_HAND:
            raise AlreadyDecided(view.story)
        await chat.retell(cards.not_now(view))

    async def _file(self, chat: Chat) -> None:
        """The file in full quality, once more."""
        assert chat.tap is not None
        view = await self._views.one(chat.user.id, chat.tap.id)
        key = view.story.fitted_key or view.story.original_key
        async with self._library.file(key) as path:
            if path.stat().st_size > UPLOAD:
                link = await self._library.link(chat.user.id, key)
                await chat.retell(cards.story_card(view, chat.at, link=link))
                return
            await chat.send_document(path, path.name)

    # ------------------------------------------------------------ another time

    async def _when(self, chat: Chat) -> None:
        story_id, seen = _tapped(chat)
        story = await self._deciding.story(chat.user.id, story_id)
        await chat.ask(WHEN_FLOW, story=story.id, seen=seen)
        back = button("‹ Back", "story", "open", story.id)
        await chat.retell(cards.ask_when(story.zone, back))

    async def receive_when(self, chat: Chat) -> None:
        assert chat.flow is not None
        story = await self._deciding.story(chat.user.id, int(chat.flow.data["story"]))
        at = read_when(chat.text, story.zone, chat.at)
        seen = chat.flow.data.get("seen")
        await chat.end_flow()
        try:
            await self._deciding.postpone(chat.user.id, story.id, at, seen)
        except AlreadyDecided as late:
            view = await self._views.one(chat.user.id, late.story.id)
            await chat.say(cards.too_late(view, chat.at))
            return
        await self._show(chat, await self._views.one(chat.user.id, story.id))

    async def _stop_asking(self, chat: Chat) -> None:
        """The question was left by another button."""
        flow = await chat.asked()
        if flow and flow.name == WHEN_FLOW:
            await chat.end_flow()

    # ------------------------------------------------------------ to take along

    async def _csv(self, chat: Chat) -> None:
        assert chat.tap is not None
        account = await self._accounts.one(chat.user.id, chat.tap.id)
        name, content = await self._views.table(chat.user.id, account.id)
        await chat.send_file(name, content, "Every story: when, how, who, and what happened.")


def _tapped(chat: Chat) -> tuple[int, int | None]:
    """(the story's id, the last decision that its card knows of). Errors: NotAllowed."""
    assert chat.tap is not None
    number, _, seen = chat.tap.ref.partition("-")
    parts = (number, seen or "0")
    if not all(one.isascii() and one.isdigit() and len(one) < 19 for one in parts):
        raise NotAllowed("That button is from another version.", "Open /stories.")
    return int(number), int(seen) if seen else None


def same_time_tomorrow(due_at: datetime, zone: str, now: datetime) -> datetime:
    """The day after it was due, or after today if that is over; aware UTC."""
    there = ZoneInfo(zone)
    local = due_at.astimezone(there)
    day = max(local.date(), now.astimezone(there).date()) + DAY
    return local.replace(year=day.year, month=day.month, day=day.day, fold=0).astimezone(now.tzinfo)
