"""/sync: begins a sync and follows it on one card; the log of those before, and the end of all."""

from __future__ import annotations

from bot.callbacks import number
from bot.chat import Chat
from bot.insights import cards, sync_cards
from bot.router import Router
from services.errors import NotAllowed, TokenRefused
from services.insights.service import AlreadySyncing, Insights, SyncView
from storage import syncs
from storage.syncs import UNFINISHED


class SyncScreen:
    def __init__(self, insights: Insights) -> None:
        self._insights = insights

    def register(self, router: Router) -> None:
        router.command("sync", self.open)
        router.area("sync", self.tapped)

    async def open(self, chat: Chat) -> None:
        """Of one account at once; of several, which?"""
        accounts = await self._insights.accounts(chat.user.id)
        connected = [one for one in accounts if one.meta_id is not None]
        if not connected:
            await chat.show(cards.nothing_connected())
        elif len(connected) == 1:
            await self._begin(chat, connected[0].id)
        else:
            await chat.show(sync_cards.choose(connected))

    async def tapped(self, chat: Chat) -> None:
        assert chat.tap is not None
        verb, ref = chat.tap.verb, chat.tap.id
        match verb:
            case "now" if ref:
                await self._begin(chat, ref)
            case "open":
                await self._show(chat, await self._insights.view(chat.user.id, ref))
            case "cancel":
                await self._cancel(chat, ref)
            case "detail":
                view = await self._insights.view(chat.user.id, ref)
                await chat.show(sync_cards.detail(view, chat.user, chat.at))
            case "log":
                account_id, page = chat.tap.pair
                await self._log(chat, account_id, number(page))
            case "forget":
                account = await self._insights.one(chat.user.id, ref or -1)
                await chat.show(sync_cards.forget_sure(account))
            case "forget_yes":
                account = await self._insights.forget(chat.user.id, ref)
                await chat.show(sync_cards.forgotten(account))
            case _:
                raise NotAllowed("That button is from another version.", "Open /insights.")

    async def _begin(self, chat: Chat, account_id: int) -> None:
        """Or the one that is at it."""
        try:
            sync_id = await self._insights.begin(chat.user.id, account_id)
        except AlreadySyncing as running:
            if not running.sync_id:
                raise  # it has ended this moment
            await chat.toast("It is being read already.")
            sync_id = running.sync_id
        except TokenRefused as error:
            await chat.put(sync_cards.not_connected(error.message), silent=True)
            return
        view = await self._insights.view(chat.user.id, sync_id)
        message_id = await chat.put(sync_cards.card(view, chat.user, chat.at), silent=True)
        await follow(chat, view, message_id)

    async def _show(self, chat: Chat, view: SyncView) -> None:
        message_id = await chat.show(sync_cards.card(view, chat.user, chat.at))
        if view.sync.state in UNFINISHED:
            await follow(chat, view, message_id)

    async def _cancel(self, chat: Chat, sync_id: int) -> None:
        if not await self._insights.cancel(chat.user.id, sync_id):
            await chat.toast("It has ended already.")
        await self._show(chat, await self._insights.view(chat.user.id, sync_id))

    async def _log(self, chat: Chat, account_id: int, page: int) -> None:
        page, size = min(page, 10_000), sync_cards.PAGE
        account = await self._insights.one(chat.user.id, account_id or -1)
        views = await self._insights.log(chat.user.id, account.id, size + 1, page * size)
        more = len(views) > size
        card = sync_cards.log(account, views[:size], page, chat.user, chat.at, more=more)
        await chat.put(card, silent=True)


async def follow(chat: Chat, view: SyncView, message_id: int) -> None:
    """This message shows it from now on."""
    async with chat.database.write() as db:
        await syncs.CARDS.keep(
            db,
            view.sync.id,
            chat_id=chat.id,
            message_id=message_id,
            seen_change=view.sync.changed_at,
            not_before=chat.at,
        )
