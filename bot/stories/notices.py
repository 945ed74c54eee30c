"""The texts of the notices about stories and log-ins at Meta. Given to bot/notices.py by parts."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime
from functools import partial

from bot.accounts import meta
from bot.cards import Button, Card, button, clock_time, count, esc
from bot.chat import UPLOAD
from bot.notices import Message, NotReady, Text
from bot.pending import Pending
from bot.stories import cards, item_cards
from bot.stories.albums import Album, Albums
from bot.stories.checks import Checks
from services.clock import Now
from services.errors import NotAllowed
from services.stories.accounts import Accounts
from services.stories.library import StoryLibrary
from services.stories.machine import AT_WORK, State
from services.stories.views import StoryView, StoryViews
from storage.notices import Notice
from storage.people import User
from storage.stories import Story

MENU = button("Menu", "menu", "home")
CONNECT = button("🔗 Connect Meta", "meta", "show")


class StoryNotices:
    def __init__(
        self,
        accounts: Accounts,
        views: StoryViews,
        library: StoryLibrary,
        checks: Checks,
        pending: Pending,
        albums: Albums,
        asked: Pending,
        now: Now,
    ) -> None:
        """`asked`: questions, and what was said to go out, until their story is live."""
        self._accounts = accounts
        self._views = views
        self._library = library
        self._checks = checks
        self._pending = pending
        self._albums = albums
        self._asked = asked
        self._now = now

    @property
    def texts(self) -> Mapping[str, Text]:
        return {
            "story_item": self._item,
            "story_lost": self._lost,
            "story_folder": self._folder,
            "story_ask": self._ask,
            "story_by_hand": self._by_hand,
            "story_published": self._published,
            "story_waits": self._waits,
            "story_unknown": self._published,
            "story_runway": self._runway,
            "story_slot_empty": self._slot_empty,
            "meta_refused": self._meta_refused,
            "meta_expiring": self._meta_expiring,
            "meta_connected": self._meta_connected,
        }

    # ------------------------------------------------------------ files

    async def _item(self, user: User, notice: Notice) -> Message:
        item_id = int(notice.data["item"])
        album = self._albums.with_item(user.id, item_id)
        if album is not None:
            return await self._album(user, album, notice)
        view = await self._library.view(user.id, item_id)
        return Message(
            item_cards.item_card(view, self._now()),
            picture=view.item.preview_key,
            replaces=self._pending.take(user.id, view.item.id),
        )

    async def _album(self, user: User, album: Album, notice: Notice) -> Message:
        """Once for all of it. Errors: NotReady while it comes; NotAllowed if another one tells."""
        if album.teller not in (None, notice.id):
            raise NotAllowed
        views = []
        for item_id in album.items:
            with contextlib.suppress(NotAllowed):  # deleted meanwhile
                views.append(await self._library.view(user.id, item_id))
        fitting = any(view.item.state == "fitting" for view in views)
        if fitting or not album.is_whole(self._now()):
            raise NotReady
        album.teller = notice.id
        card = item_cards.album(views, frozenset(album.known))
        return Message(card, replaces=album.message_id)

    async def _lost(self, user: User, notice: Notice) -> Message:
        return Message(item_cards.lost(str(notice.data["name"])))

    async def _folder(self, user: User, notice: Notice) -> Message:
        data = notice.data
        stored = bool(data.get("stored"))
        return Message(item_cards.folder(str(data["name"]), str(data["why"]), stored=stored))

    # ------------------------------------------------------------ stories

    async def _ask(self, user: User, notice: Notice) -> Message:
        """Errors: NotReady until the pre-flight is through; NotAllowed if it was decided since."""
        view = await self._view(user, notice)
        if view.story.state != State.ASKING:
            raise NotAllowed
        lines = self._checks.look(view.story)
        if lines is None:
            raise NotReady
        card = cards.story_card(view, self._now(), lines)
        return Message(
            card,
            picture=picture(view.story),
            replaces=self._asked.take(user.id, view.story.id),
            sent=partial(self._asked.wait, user.id, view.story.id),
        )

    async def _waits(self, user: User, notice: Notice) -> Message:
        """Errors: NotAllowed if it goes on by now."""
        view = await self._view(user, notice)
        if view.story.state not in AT_WORK or view.story.next_at <= self._now():
            raise NotAllowed
        return Message(
            cards.story_card(view, self._now()),
            picture=picture(view.story),
            replaces=self._asked.take(user.id, view.story.id),
            sent=partial(self._asked.wait, user.id, view.story.id),
        )

    async def _by_hand(self, user: User, notice: Notice) -> Message:
        """With the file in full quality, or a link to it."""
        view = await self._view(user, notice)
        if view.story.state != State.BY_HAND:
            raise NotAllowed
        key = view.story.fitted_key or view.story.original_key
        asked = self._asked.take(user.id, view.story.id)
        if (view.item.bytes or 0) > UPLOAD:
            link = await self._library.link(user.id, key)
            card = cards.story_card(view, self._now(), link=link, whole=True)
            return Message(card, replaces=asked)
        files = (key,) if await self._library.has(key) else ()
        return Message(cards.story_card(view, self._now(), whole=True), files, replaces=asked)

    async def _published(self, user: User, notice: Notice) -> Message:
        view = await self._view(user, notice)
        card = cards.story_card(view, self._now())
        asked = self._asked.take(user.id, view.story.id)
        return Message(card, picture=picture(view.story), replaces=asked)

    async def _view(self, user: User, notice: Notice) -> StoryView:
        return await self._views.one(user.id, int(notice.data["story"]))

    # ------------------------------------------------------------ the plan

    async def _runway(self, user: User, notice: Notice) -> Message:
        account = await self._accounts.one(user.id, int(notice.data["account"]))
        known = {one.id: one.name for one in await self._accounts.categories(account.id)}
        short = {known[key]: days for key, days in notice.data["days"] if key in known}
        return Message(runway(short, account.id))

    async def _slot_empty(self, user: User, notice: Notice) -> Message:
        account = await self._accounts.one(user.id, int(notice.data["account"]))
        at = datetime.fromisoformat(str(notice.data["at"]))
        return Message(slot_empty(clock_time(at, account.zone, self._now()), account.id))

    # ------------------------------------------------------------ Meta

    async def _meta_refused(self, user: User, notice: Notice) -> Message:
        data = notice.data
        return Message(
            meta_refused(str(data["account"]), str(data["message"]), str(data["next_step"]))
        )

    async def _meta_expiring(self, user: User, notice: Notice) -> Message:
        return Message(meta_expiring(str(notice.data["account"]), int(notice.data["days"])))

    async def _meta_connected(self, user: User, notice: Notice) -> Message:
        names = notice.data["accounts"]
        theirs = await self._accounts.metas(user.id)
        found = [account for account in theirs if account.username in names]
        if not found:  # forgotten since
            raise NotAllowed
        return Message(meta.connected(found, user.zone))


def picture(story: Story) -> str | None:
    """What is shown above a story's card: a photo as it goes out, of a video before and after."""
    return story.fitted_key if story.kind == "photo" else story.preview_key


def runway(short: Mapping[str, int], account_id: int) -> Card:
    """`short`: {category: days until it has nothing to show}."""
    lines = [
        f"{esc(name, 40)}: lasts {count(days, 'day') if days else 'less than a day'}"
        for name, days in short.items()
    ] or ["Open the schedule to see which."]
    return Card(
        "⏳ <b>Little is left to post</b>\n" + "\n".join(lines) + "\nSend me photos or videos, and "
        "the slots fill by themselves.",
        ((button("📸 New story", "item", "new", account_id), _schedule(account_id)), (MENU,)),
    )


def slot_empty(at: str, account_id: int) -> Card:
    return Card(
        f"🕳 <b>Nothing to post at {at}.</b> No file of any category is free. The slot stays empty "
        "unless you send something before.",
        ((button("📸 New story", "item", "new", account_id), _schedule(account_id)), (MENU,)),
    )


def _schedule(account_id: int) -> Button:
    return button("📅 Schedule", "plan", "show", account_id)


def meta_refused(account: str, message: str, next_step: str) -> Card:
    return Card(
        f"🔑 <b>@{esc(account, 40)} at Meta</b>: {esc(message, 300)}\n{esc(next_step, 300)} "
        "Until then nothing goes out by itself; you can post by hand.",
        ((CONNECT, button("📸 Stories", "story", "show")), (MENU,)),
    )


def meta_expiring(account: str, days: int) -> Card:
    return Card(
        f"⏰ The log-in of <b>@{esc(account, 40)}</b> at Meta ends within {count(days, 'day')}, "
        "and could not be renewed by itself so far. Connect it again before that, and nothing "
        "stops.",
        ((CONNECT, MENU),),
    )
