"""/insights: one chart at a time, the figures beside it, and files of all of them."""

from __future__ import annotations

from dataclasses import replace

from bot.chat import Chat
from bot.drawing import Drawing
from bot.insights import cards, charts, places, sync_cards, table_cards
from bot.insights.places import AREA, Place
from bot.insights.syncing import follow
from bot.insights.taking import Taking
from bot.router import Handler, Router
from services.accounts.people import People
from services.errors import NotAllowed
from services.insights.looking import ENGAGED, FOLLOWERS, Looking
from services.insights.service import Insights
from storage.syncs import UNFINISHED


class InsightScreen:
    def __init__(
        self,
        insights: Insights,
        looking: Looking,
        taking: Taking,
        drawing: Drawing,
        people: People,
    ) -> None:
        self._insights = insights
        self._looking = looking
        self._taking = taking
        self._drawing = drawing
        self._people = people

    def register(self, router: Router) -> None:
        router.command("insights", self.open)
        router.area(AREA, self.tapped)

    async def open(self, chat: Chat) -> None:
        """The chart of the person's first account, or what is to be done before there is one."""
        accounts = await self._insights.accounts(chat.user.id)
        if not accounts:
            await chat.show(cards.nothing_connected())
            return
        best = min(accounts, key=lambda one: (one.meta_id is None, one.user_id != chat.user.id))
        await self._show(chat, Place(best.id))

    async def tapped(self, chat: Chat) -> None:
        assert chat.tap is not None
        verb = chat.tap.verb
        if verb == "open":
            await self.open(chat)
            return
        handler = self._verbs().get(verb)
        if handler is None:
            raise NotAllowed("That button is from another version.", "Open /insights.")
        await handler(chat)

    def _verbs(self) -> dict[str, Handler]:
        return {
            "show": self._again,
            "theme": self._theme,
            "pick": self._pick,
            "pick_more": self._pick,
            "accounts": self._accounts,
            "overview": self._overview,
            "best": self._best,
            "audience": self._audience,
            "engaged": self._audience,
            "digest_on": self._digest,
            "digest_off": self._digest,
            **self._taking.verbs,
        }

    # ------------------------------------------------------------ the chart

    async def _again(self, chat: Chat) -> None:
        await self._show(chat, places.of(chat))

    async def _show(self, chat: Chat, place: Place) -> None:
        """In place of what was tapped."""
        user_id = chat.user.id
        sight = await self._looking.sight(user_id, place.account_id, place.metric, place.days)
        if not sight.figure.series.known and await self._is_blank(chat, place):
            return
        several = len(await self._insights.accounts(user_id)) > 1
        card = cards.chart(sight, chat.user, chat.at, several=several)
        async with self._drawing.drawn(charts.line(sight), chat.user) as path:
            if path is None:
                await chat.show(card)
            else:
                await chat.show_picture(path, card)

    async def _is_blank(self, chat: Chat, place: Place) -> bool:
        """Whether the first reading is still to bring the first figure; then that was said. Where
        none is on its way, the chart says why each day is empty."""
        found = await self._looking.overview(chat.user.id, place.account_id, place.days)
        if any(one.series.known for one in found.figures):
            return False
        if found.sync is None and found.account.meta_id is not None:
            await chat.show(cards.nothing_read(found.account))
            return True
        if found.sync is None or found.sync.state not in UNFINISHED:
            return False
        view = await self._insights.view(chat.user.id, found.sync.id)
        message_id = await chat.show(sync_cards.card(view, chat.user, chat.at))
        await follow(chat, view, message_id)
        return True

    async def _theme(self, chat: Chat) -> None:
        """Light or dark from now on, and the same chart again."""
        place = places.of(chat)
        await self._insights.one(chat.user.id, place.account_id)  # theirs, before anything is done
        dark = not chat.user.dark_charts
        await self._people.set_dark_charts(chat.user.id, dark)
        chat.user = replace(chat.user, dark_charts=dark)
        await self._show(chat, place)

    # ------------------------------------------------------------ below it

    async def _pick(self, chat: Chat) -> None:
        assert chat.tap is not None
        await chat.retell(cards.metrics(places.of(chat), more=chat.tap.verb == "pick_more"))

    async def _accounts(self, chat: Chat) -> None:
        found = await self._insights.accounts(chat.user.id)
        await chat.retell(cards.accounts(places.of(chat), found, chat.user))

    async def _overview(self, chat: Chat) -> None:
        place = places.of(chat)
        found = await self._looking.overview(chat.user.id, place.account_id, place.days)
        await chat.retell(table_cards.overview(found, place))

    async def _best(self, chat: Chat) -> None:
        place = places.of(chat)
        found = await self._looking.best(chat.user.id, place.account_id, place.days)
        await chat.retell(table_cards.best(found, place, chat.user))

    async def _audience(self, chat: Chat) -> None:
        assert chat.tap is not None
        place = places.of(chat)
        who = ENGAGED if chat.tap.verb == "engaged" else FOLLOWERS
        found = await self._looking.audience(chat.user.id, place.account_id, who)
        await chat.retell(table_cards.audience(found, place))

    async def _digest(self, chat: Chat) -> None:
        assert chat.tap is not None
        place, on = places.of(chat), chat.tap.verb == "digest_on"
        await self._insights.set_digest(chat.user.id, place.account_id, on)
        await chat.toast(
            "Each Monday I tell you how the week was." if on else "No more weekly digests."
        )
        await self._show(chat, place)
