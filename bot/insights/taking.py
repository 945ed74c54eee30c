"""What the figures are taken along as: files in the chat, and the address of their page."""

from __future__ import annotations

from telegram.constants import ChatAction

from bot.chat import UPLOAD, Chat
from bot.insights import file_cards, places
from bot.router import Handler
from services.insights.exports import Exports
from services.insights.pages import Pages
from services.insights.service import Insights
from services.sheets import Form
from storage.objects import ObjectStore


class Taking:
    """Part of InsightScreen. `public`: the side server's addresses work from everywhere."""

    def __init__(
        self,
        insights: Insights,
        exports: Exports,
        pages: Pages,
        objects: ObjectStore,
        *,
        public: bool,
    ) -> None:
        self._insights = insights
        self._exports = exports
        self._pages = pages
        self._objects = objects
        self._public = public

    @property
    def verbs(self) -> dict[str, Handler]:
        return {
            "csv": self._export,
            "json": self._export,
            "xlsx": self._export,
            "page": self._page,
            "page_new": self._new_page,
            "page_off": self._revoke,
            "page_off_yes": self._revoke,
        }

    async def _export(self, chat: Chat) -> None:
        """In messages of their own: the chart stays."""
        assert chat.tap is not None
        place, form = places.of(chat), Form(chat.tap.verb)
        await self._insights.one(chat.user.id, place.account_id)  # theirs, before anything is said
        await chat.toast("Building…")
        async with chat.busy(ChatAction.UPLOAD_DOCUMENT):
            folder = await self._objects.folder()  # what a kill leaves there is swept
            made = await self._exports.files(chat.user.id, place.account_id, form, folder)
            name, content = made.values
            if not made.lines:
                await chat.say(file_cards.nothing(place))
            elif len(content) > UPLOAD:
                await chat.say(file_cards.too_large(form, place))
            else:
                await chat.send_file(name, content, file_cards.values_note(made, form))
            if made.posts is None:
                return
            name, content = made.posts
            if len(content) > UPLOAD:
                await chat.say(file_cards.posts_too_large(form, place))
            else:
                await chat.send_file(name, content, file_cards.POSTS_NOTE)

    async def _page(self, chat: Chat) -> None:
        place = places.of(chat)
        account = await self._insights.one(chat.user.id, place.account_id)
        working = await self._pages.working(chat.user.id, account.id)
        if working:
            await chat.retell(file_cards.pages(account, working, place, chat.user))
        else:
            await self._new_page(chat)

    async def _new_page(self, chat: Chat) -> None:
        """In a message of its own: it is shown once, and must not go with the next tap."""
        place = places.of(chat)
        account = await self._insights.one(chat.user.id, place.account_id)
        made = await self._pages.make(chat.user.id, account.id)
        others = len(await self._pages.working(chat.user.id, account.id)) - 1
        card = file_cards.page(made, place, chat.user, public=self._public, others=others)
        await chat.say(card, silent=True)

    async def _revoke(self, chat: Chat) -> None:
        assert chat.tap is not None
        place = places.of(chat)
        account = await self._insights.one(chat.user.id, place.account_id)
        if chat.tap.verb == "page_off_yes":
            number = await self._pages.revoke(chat.user.id, account.id)
            await chat.toast("Revoked." if number else "None worked any more.")
            await chat.retell(file_cards.revoked(account, place))
            return
        working = await self._pages.working(chat.user.id, account.id)
        # an address that is shown stays until it is revoked
        await chat.follow_up(file_cards.revoke_sure(account, len(working), place))
