"""The screens of collections: refresh, filters, merging. Reached from /library and from imports."""

from __future__ import annotations

from typing import Any

from bot.cards import Card, button, esc
from bot.chat import Chat
from bot.importing import collection_cards as cards
from bot.importing.handlers import ImportScreen
from bot.router import Router
from services.errors import BadInput, NotAllowed
from services.importing.collections import Collections
from services.importing.filters import DAYS, ImportFilters, read_range, read_tags
from services.importing.service import AlreadyRunning
from storage import cards as card_rows

RANGE = "import_range"
TAGS = "import_tags"
CHANGES: dict[str, dict[str, Any]] = {  # verb -> fields of ImportFilters
    "anykind": {"kind": None},
    "video": {"kind": "video"},
    "photo": {"kind": "photo"},
    "anytag": {"tags": ()},
    "anytime": {"within": None, "since": None, "until": None},
    **{word: {"within": word, "since": None, "until": None} for word in DAYS},
    "everything": {name: getattr(ImportFilters(), name) for name in ImportFilters.__slots__},
}


class CollectionScreen:
    def __init__(self, collections: Collections, importing: ImportScreen) -> None:
        self._collections = collections
        self._importing = importing

    def register(self, router: Router) -> None:
        router.area("col", self.tapped)
        router.flow(RANGE, self.receive)
        router.flow(TAGS, self.receive)

    async def tapped(self, chat: Chat) -> None:
        tap = chat.tap
        assert tap is not None
        match tap.verb:
            case "list":
                await chat.end_flow()
                await chat.show(cards.listed(await self._collections.all(chat.user.id)))
            case "one":
                await self._show(chat, tap.id)
            case "daily" | "weekly" | "never":
                changed = await self._collections.refresh(chat.user, tap.id, tap.verb)
                await chat.toast("" if changed else "It is so already.")
                await self._show(chat, tap.id)
            case "now":
                await self._refresh(chat, tap.id)
            case "merge" | "join" | "unmerge":
                await self._merge(chat, tap.verb, tap.ref)
            case "filters" | "range" | "tags":
                await self._ask(chat, tap.verb, tap.id)
            case verb if verb in CHANGES:
                await self._collections.set_filters(chat.user.id, tap.id, **CHANGES[verb])
                await self._filters(chat, tap.id)

    async def _show(self, chat: Chat, collection_id: int) -> None:
        view = await self._collections.view(chat.user.id, collection_id)
        await chat.show(cards.card(view, chat.user.zone, chat.at))

    async def _refresh(self, chat: Chat, collection_id: int) -> None:
        try:
            import_id = await self._collections.refresh_now(chat.user.id, collection_id)
        except AlreadyRunning as error:
            await chat.toast(error.message)
            import_id = error.import_id
        await self._importing.follow(chat, import_id)

    # ------------------------------------------------------------ shown as one

    async def _merge(self, chat: Chat, verb: str, ref: str) -> None:
        user_id = chat.user.id
        head, _, part = ref.partition("-")
        match verb:
            case "merge":
                others = await self._collections.others(user_id, _number(head))
                view = await self._collections.view(user_id, _number(head))
                await chat.show(cards.merge(view.collection, others))
                return
            case "join":
                done = await self._collections.merge(user_id, _number(head), _number(part))
            case _:
                done = await self._collections.unmerge(user_id, _number(head))
        await chat.toast("" if done else "It is so already.")
        await self._show(chat, _number(head))

    # ------------------------------------------------------------ filters

    async def _filters(self, chat: Chat, collection_id: int) -> None:
        view = await self._collections.view(chat.user.id, collection_id)
        if view.unfinished:  # its card must not come back over this one by itself
            async with chat.database.write() as db:
                row = await card_rows.of_import(db, view.unfinished.id)
                if row and chat.message and row.message_id == chat.message.message_id:
                    await card_rows.drop(db, row.id)
        await chat.show(cards.filters(view))

    async def _ask(self, chat: Chat, verb: str, collection_id: int) -> None:
        view = await self._collections.view(chat.user.id, collection_id)
        match verb:
            case "range":
                await chat.ask(RANGE, collection_id=collection_id)
                await chat.show(cards.ask_range(collection_id))
            case "tags":
                await chat.ask(TAGS, collection_id=collection_id)
                await chat.show(cards.ask_tags(collection_id, on=bool(view.filters.tags)))
            case _:
                await chat.end_flow()
                await self._filters(chat, collection_id)

    async def receive(self, chat: Chat) -> None:
        """Dates or hashtags, typed after the question for them."""
        assert chat.flow is not None
        collection_id = int(chat.flow.data["collection_id"])
        to: dict[str, Any]
        try:
            if chat.flow.name == RANGE:
                since, until = read_range(chat.text)
                to = {"since": since, "until": until, "within": None}
            else:
                to = {"tags": read_tags(chat.text)}
        except BadInput as error:  # the question stays open
            await chat.say(
                Card(
                    f"<b>{esc(error.message)}</b> Nothing was changed.\n{esc(error.next_step)}",
                    ((button("Cancel", "col", "filters", collection_id),),),
                )
            )
            return
        await self._collections.set_filters(chat.user.id, collection_id, **to)
        await chat.end_flow()
        await self._filters(chat, collection_id)


def _number(ref: str) -> int:
    if not (ref.isascii() and ref.isdigit() and len(ref) < 19):
        raise NotAllowed
    return int(ref)
