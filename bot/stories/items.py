"""/newstory, photos and videos that are sent, and the buttons of the stories' library."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import structlog
from telegram.error import TelegramError

from bot.cards import button
from bot.chat import FETCH, Chat, Sent
from bot.pending import Pending
from bot.router import Handler, Router
from bot.stories import cards, item_cards
from bot.stories.albums import Albums
from bot.stories.times import read_when
from services.errors import BadInput, NotAllowed, ReelayError, StorageFailed
from services.stories.accounts import Accounts
from services.stories.arrivals import Added, Arrivals
from services.stories.library import StoryLibrary
from storage.story_accounts import StoryAccount

log = structlog.get_logger()

Follow = Callable[[Chat, int], Awaitable[None]]

NEW_FLOW = "story_new"  # which account was chosen; the answer is a file, not a text
NOTE_FLOW = "story_note"
CATEGORY_FLOW = "story_category"
WHEN_FLOW = "story_item_when"
FLOWS = (NOTE_FLOW, CATEGORY_FLOW, WHEN_FLOW)


class ItemScreen:
    """`follow`: shows a story, by its id, in place of the card that was tapped."""

    def __init__(
        self,
        accounts: Accounts,
        arrivals: Arrivals,
        library: StoryLibrary,
        pending: Pending,
        albums: Albums,
        follow: Follow,
    ) -> None:
        self._accounts = accounts
        self._arrivals = arrivals
        self._library = library
        self._pending = pending
        self._albums = albums
        self._follow = follow

    def register(self, router: Router) -> None:
        router.command("newstory", self.new)
        router.area("item", self.tapped)
        router.media(self.receive)
        router.flow(NOTE_FLOW, self.receive_note)
        router.flow(CATEGORY_FLOW, self.receive_category)
        router.flow(WHEN_FLOW, self.receive_when)

    async def new(self, chat: Chat, chosen: int = 0) -> None:
        """`chosen`: the account for what is sent next; 0: as it was."""
        account, several = await self._accounts.for_files(chat.user.id, chosen)
        if several and chosen:
            await chat.ask(NEW_FLOW, account=account.id)
        await chat.show(item_cards.ask(await self._accounts.of_user(chat.user.id), account))

    # ------------------------------------------------------------ a file comes

    async def receive(self, chat: Chat) -> None:
        """A photo or video, at any time. What stands below it is the note."""
        sent = chat.sent
        assert sent is not None, "the router has looked"
        if sent.bytes > FETCH:
            await chat.say(item_cards.too_large(sent.bytes, leads=chat.user.leads))
            return
        account, several = await self._where(chat)
        named = account if several else None
        if sent.album:
            await self._receive_of_album(chat, sent, account, named)
            return
        waiting = await chat.say(item_cards.fetching(sent.name, named), silent=True)
        added = await self._bring(chat, account.id, sent, chat.text)
        if added.known:
            await self._show_new(chat, added, waiting)
        else:
            self._pending.wait(chat.user.id, added.item.id, waiting)

    async def _where(self, chat: Chat) -> tuple[StoryAccount, bool]:
        """(the account for this file, whether there are others)."""
        asked = await chat.asked()
        chosen = int(asked.data["account"]) if asked and asked.name == NEW_FLOW else 0
        return await self._accounts.for_files(chat.user.id, chosen)

    async def _receive_of_album(
        self, chat: Chat, sent: Sent, account: StoryAccount, named: StoryAccount | None
    ) -> None:
        """One answer for all of it; the text below its first file is the note of each."""
        album = self._albums.get(chat.user.id, sent.album)
        if album is None:
            waiting = await chat.say(item_cards.fetching_album(named), silent=True)
            album = self._albums.begin(chat.user.id, sent.album, waiting, chat.text, chat.at)
        album.fetching += 1
        try:
            added = await self._bring(chat, account.id, sent, chat.text or album.note)
        finally:
            album.fetching -= 1
            album.seen_at = chat.at
        if added.known:
            album.known.add(added.item.id)
        if added.item.id not in album.items:
            album.items.append(added.item.id)
        if album.known.issuperset(album.items):  # of these no notice tells
            views = [await self._library.view(chat.user.id, one) for one in album.items]
            await chat.rewrite(album.message_id, item_cards.album(views, frozenset(album.known)))

    async def _bring(self, chat: Chat, account_id: int, sent: Sent, note: str) -> Added:
        """Errors: BadInput, StorageFailed, TelegramError."""
        arrival = await self._arrivals.begin(
            chat.user.id,
            account_id,
            name=sent.name,
            kind=sent.kind,
            source="compressed" if sent.smaller else "chat",
            note=note,
        )
        part = await self._arrivals.part(arrival)
        try:
            await chat.fetch(sent, part)
        except (ReelayError, TelegramError, OSError) as error:
            await self._arrivals.give_up(arrival)
            await asyncio.to_thread(part.unlink, missing_ok=True)
            if isinstance(error, OSError):
                raise StorageFailed("The file could not be stored.") from error
            if isinstance(error, TelegramError):
                raise BadInput("Telegram did not give me that file.", "Send it again.") from error
            raise
        return await self._arrivals.arrive(arrival, part)

    async def _show_new(self, chat: Chat, added: Added, waiting: int) -> None:
        """It was there already: nothing has to be fitted, so it is shown at once."""
        await self._one(chat, added.item.id, known=True)
        try:
            await chat.bot.delete_message(chat.id, waiting)
        except TelegramError:
            log.info("a message could not be deleted")

    async def add_post(self, chat: Chat, post_id: int) -> None:
        """From the card of an imported post."""
        account, several = await self._where(chat)
        added = await self._arrivals.add_post(chat.user.id, account.id, post_id)
        for one in added:
            if one.known:
                await self._one(chat, one.item.id, known=True, anew=True)
        if not all(one.known for one in added):
            card = item_cards.fetching(added[0].item.name, account if several else None)
            waiting = await chat.say(card, silent=True)
            self._pending.wait(chat.user.id, added[-1].item.id, waiting)

    # ------------------------------------------------------------ taps

    async def tapped(self, chat: Chat) -> None:
        assert chat.tap is not None
        verb, item_id = chat.tap.verb, chat.tap.id
        flow = await chat.asked()
        if flow and flow.name in FLOWS:  # the question was left by another button
            await chat.end_flow()
        handler = self._verbs().get(verb)
        if handler is not None:
            await handler(chat)
        elif verb == "open":
            await self._one(chat, item_id)
        elif verb == "new":
            await self.new(chat, item_id)
        elif verb == "post":
            await self.add_post(chat, item_id)
        else:
            raise NotAllowed("That button is from another version.", "Open /stories.")

    def _verbs(self) -> dict[str, Handler]:
        return {
            "browse": self._browse,
            "page": self._page,
            "now": self._now,
            "when": self._when,
            "category": self._category,
            "in": self._put_in,
            "note": self._note,
            "hand": self._hand,
            "lock": self._lock,
            "rest": self._rest,
            "delete": self._delete,
            "undo": self._undo,
        }

    async def _one(
        self, chat: Chat, item_id: int, *, known: bool = False, anew: bool = False
    ) -> None:
        """With its before and after, where it has one."""
        view = await self._library.view(chat.user.id, item_id)
        card = item_cards.item_card(view, chat.at, known=known)
        key = view.item.preview_key
        if anew:
            await chat.say(card)
            return
        if key is None:
            await chat.show(card)
            return
        try:
            async with AsyncExitStack() as stack:
                path = await stack.enter_async_context(self._library.file(key))
                await chat.show_picture(path, card)
        except StorageFailed:  # the picture is gone; what is known is still true
            await chat.show(card)

    async def _browse(self, chat: Chat) -> None:
        assert chat.tap is not None
        account = await self._accounts.one(chat.user.id, chat.tap.id)
        view = await self._library.browse(chat.user.id, account.id)
        await chat.show(item_cards.browse(view, chat.at))

    async def _page(self, chat: Chat) -> None:
        account_id, category_id, page = _numbers(chat, 3)
        view = await self._library.browse(chat.user.id, account_id, category_id, page)
        await chat.show(item_cards.browse(view, chat.at))

    async def _now(self, chat: Chat) -> None:
        assert chat.tap is not None
        story_id = await self._library.queue(chat.user.id, chat.tap.id, None)
        await self._follow(chat, story_id)

    async def _when(self, chat: Chat) -> None:
        assert chat.tap is not None
        view = await self._library.view(chat.user.id, chat.tap.id)
        await chat.ask(WHEN_FLOW, item=view.item.id)
        back = button("‹ Back", "item", "open", view.item.id)
        await chat.retell(cards.ask_when(view.account.zone, back))

    async def receive_when(self, chat: Chat) -> None:
        assert chat.flow is not None
        view = await self._library.view(chat.user.id, int(chat.flow.data["item"]))
        at = read_when(chat.text, view.account.zone, chat.at)
        story_id = await self._library.queue(chat.user.id, view.item.id, at)
        await chat.end_flow()
        await self._follow(chat, story_id)

    async def _category(self, chat: Chat) -> None:
        assert chat.tap is not None
        item = await self._library.item(chat.user.id, chat.tap.id)
        known = await self._accounts.categories(item.account_id)
        await chat.ask(CATEGORY_FLOW, item=item.id)
        await chat.retell(item_cards.categories(item, known))

    async def _put_in(self, chat: Chat) -> None:
        item_id, category_id = _numbers(chat, 2)
        await self._library.set_category(chat.user.id, item_id, category_id or None)
        await self._one(chat, item_id)

    async def receive_category(self, chat: Chat) -> None:
        """A new name."""
        assert chat.flow is not None
        item = await self._library.item(chat.user.id, int(chat.flow.data["item"]))
        made = await self._accounts.add_category(chat.user.id, item.account_id, chat.text)
        await self._library.set_category(chat.user.id, item.id, made.id)
        await chat.end_flow()
        await self._one(chat, item.id)

    async def _note(self, chat: Chat) -> None:
        assert chat.tap is not None
        item = await self._library.item(chat.user.id, chat.tap.id)
        await chat.ask(NOTE_FLOW, item=item.id)
        await chat.retell(item_cards.ask_note(item))

    async def receive_note(self, chat: Chat) -> None:
        assert chat.flow is not None
        item_id = int(chat.flow.data["item"])
        note = "" if chat.text in ("-", "–", "—") else chat.text
        await self._library.set_note(chat.user.id, item_id, note)
        await chat.end_flow()
        await self._one(chat, item_id)

    async def _hand(self, chat: Chat) -> None:
        assert chat.tap is not None
        item = await self._library.item(chat.user.id, chat.tap.id)
        await self._library.set_interactive(chat.user.id, item.id, not item.interactive)
        await self._one(chat, item.id)

    async def _lock(self, chat: Chat) -> None:
        assert chat.tap is not None
        await chat.retell(item_cards.locks(await self._library.item(chat.user.id, chat.tap.id)))

    async def _rest(self, chat: Chat) -> None:
        assert chat.tap is not None
        number, _, how = chat.tap.ref.partition("-")
        if not number.isdigit() or how not in ("0", "7", "30", "ever"):
            raise NotAllowed
        days = None if how == "ever" else int(how)
        await self._library.lock(chat.user.id, int(number), days)
        await self._one(chat, int(number))

    async def _delete(self, chat: Chat) -> None:
        assert chat.tap is not None
        item = await self._library.remove(chat.user.id, chat.tap.id)
        await chat.show(item_cards.removed(item))

    async def _undo(self, chat: Chat) -> None:
        assert chat.tap is not None
        back = await self._library.put_back(chat.user.id, chat.tap.id)
        await chat.toast("It is back." if back else "The time to undo is over.")
        if back:
            await self._one(chat, chat.tap.id)


def _numbers(chat: Chat, many: int) -> tuple[int, ...]:
    """Of a ref such as "3-1-0". Errors: NotAllowed."""
    assert chat.tap is not None
    parts = chat.tap.ref.split("-")
    if len(parts) != many or not all(one.isascii() and one.isdigit() for one in parts):
        raise NotAllowed("That button is from another version.", "Open /stories.")
    return tuple(int(one[:18]) for one in parts)
