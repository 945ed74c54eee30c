"""/analyze and the buttons of one analysis: begin, follow, look, compare, delete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

from bot.analysis import cards, charts, compare_cards, result_cards
from bot.callbacks import number
from bot.cards import Card
from bot.chat import Chat
from bot.drawing import Drawing
from bot.router import Handler, Router
from services.accounts.connecting import Connecting
from services.accounts.people import People
from services.analysis.looking import Looking, Sight
from services.analysis.names import read_name
from services.analysis.reports import Reports
from services.analysis.service import AlreadyAnalysing, Analysing, TooManyToday
from services.analysis.views import View
from services.errors import BadInput, NotAllowed, SessionRefused
from services.media.charts import Chart
from storage import analysis as rows
from storage.analysis import UNFINISHED
from storage.people import User

FLOW = "analyze"
OTHER_FLOW = "analysis_other"
KNOWN = 30  # analyses among which the profiles of before are found
SAVED = "/saved/"  # in the address of a collection

# what a button shows: the chart, and the card below it
TABS: dict[str, tuple[Callable[[Sight, str], Chart | None], Callable[[Sight, User], Card]]] = {
    "top": (charts.views, result_cards.top),
    "tiers": (charts.views, result_cards.tiers),
    "trend": (charts.trend, result_cards.trend),
    "when": (charts.when, result_cards.when),
    "tags": (charts.views, result_cards.hashtags),
    "names": (charts.views, result_cards.mentions),
}


class AnalysisScreen:
    """`paste`: what the link of a collection is for, also while a name is awaited."""

    def __init__(
        self,
        analysing: Analysing,
        looking: Looking,
        reports: Reports,
        drawing: Drawing,
        people: People,
        connecting: Connecting,
        paste: Handler,
    ) -> None:
        self._analysing = analysing
        self._looking = looking
        self._reports = reports
        self._drawing = drawing
        self._people = people
        self._connecting = connecting
        self._paste = paste

    def register(self, router: Router) -> None:
        router.command("analyze", self.open)
        router.area("ana", self.tapped)
        router.flow(FLOW, self.answer)
        router.flow(OTHER_FLOW, self.answer_other)

    # ------------------------------------------------------------ whom

    async def open(self, chat: Chat) -> None:
        if chat.text:
            await self._begin(chat, chat.text)
        else:
            await self._ask(chat)

    async def _ask(self, chat: Chat) -> None:
        await chat.ask(FLOW)
        await chat.put(cards.ask(await self._known(chat)))

    async def answer(self, chat: Chat) -> None:
        """Errors: BadInput, after which another name may be sent."""
        if SAVED in chat.text:
            await self._paste(chat)
            return
        name = read_name(chat.text)
        await chat.end_flow()
        await self._begin(chat, name)

    async def _known(self, chat: Chat) -> list[View]:
        """The newest analysis of each profile that was read."""
        newest: dict[int, View] = {}
        for view in await self._analysing.latest(chat.user.id, KNOWN):
            if view.item.profile_id is not None and view.item.stored:
                newest.setdefault(view.item.profile_id, view)
        return list(newest.values())

    async def _begin(self, chat: Chat, text: str, *, anew: bool = False) -> None:
        try:
            begun = await self._analysing.begin(chat.user.id, text, anew=anew)
        except AlreadyAnalysing as error:
            await self._is_at_it(chat, error)
        except TooManyToday as error:
            await chat.put(cards.too_many(error, chat.user, chat.at))
        except (NotAllowed, SessionRefused) as error:
            await chat.put(cards.no_account(error))
        else:
            if begun.from_archive:
                view = await self._analysing.view(chat.user.id, begun.analysis_id)
                await chat.put(cards.offer(view, chat.user, chat.at))
            else:
                await self._follow_new(chat, begun.analysis_id)

    # ------------------------------------------------------------ the one card

    async def _is_at_it(self, chat: Chat, error: AlreadyAnalysing) -> None:
        """The one that is unfinished, instead of another one."""
        await chat.toast("It is being analysed already.")
        await self._follow_new(chat, error.analysis_id)

    async def _follow_new(self, chat: Chat, analysis_id: int) -> None:
        view = await self._analysing.view(chat.user.id, analysis_id)
        message_id = await chat.put(cards.card(view, chat.user, chat.at), silent=True)
        await _follow(chat, view, message_id)

    async def _show(self, chat: Chat, analysis_id: int) -> None:
        """In place of what was tapped: how it is, and once it has ended its result."""
        view = await self._analysing.view(chat.user.id, analysis_id)
        if view.item.state not in UNFINISHED and view.item.stored:
            await self._result(chat, analysis_id)
            return
        message_id = await chat.show(cards.card(view, chat.user, chat.at))
        if view.item.state in UNFINISHED:
            await _follow(chat, view, message_id)

    # ------------------------------------------------------------ taps

    async def tapped(self, chat: Chat) -> None:
        assert chat.tap is not None
        verb, ref = chat.tap.verb, chat.tap.id
        await _stop_asking(chat)
        match verb:
            case "ask":
                await self._ask(chat)
            case "named":
                await self._begin(chat, chat.tap.ref)
            case "again" | "anew":
                view = await self._analysing.view(chat.user.id, ref)
                await self._begin(chat, view.item.name, anew=verb == "anew")
            case "open":
                await self._show(chat, ref)
            case "theme":
                await self._theme(chat)
            case "cancel" | "resume" | "acted":
                await self._move(chat, verb, ref)
            case "delete" | "delete_yes":
                await self._delete(chat, ref, sure=verb == "delete_yes")
            case "last":
                await self._last(chat, ref)
            case "other":
                await self._ask_other(chat, ref)
            case "beside":
                left, right = chat.tap.pair
                await self._beside(chat, left, number(right))
            case _ if verb in TABS:
                await self._tab(chat, verb, ref)
            case _:
                raise NotAllowed("That button is from another version.", "Open /reports.")

    async def _move(self, chat: Chat, verb: str, analysis_id: int) -> None:
        user_id = chat.user.id
        view = await self._analysing.view(user_id, analysis_id)
        if verb == "cancel":
            moved = await self._analysing.cancel(user_id, analysis_id)
        else:
            if verb == "acted" and view.item.connection_id:
                await self._connecting.acted(user_id, view.item.connection_id)
            try:
                moved = await self._analysing.resume(user_id, analysis_id)
            except AlreadyAnalysing as error:
                await self._is_at_it(chat, error)
                return
            except (NotAllowed, SessionRefused) as error:
                await chat.say(cards.no_account(error))
                return
        if not moved:
            await chat.toast("Already done.")
        view = await self._analysing.view(user_id, analysis_id)
        message_id = await chat.show(cards.card(view, chat.user, chat.at))
        if view.item.state in UNFINISHED:
            await _follow(chat, view, message_id)

    async def _theme(self, chat: Chat) -> None:
        """Light or dark from now on, and the same card again."""
        assert chat.tap is not None
        analysis_id, shown = chat.tap.pair
        shown, _, other = shown.partition("-")
        await self._analysing.view(chat.user.id, analysis_id)  # theirs, before anything is done
        dark = not chat.user.dark_charts
        await self._people.set_dark_charts(chat.user.id, dark)
        chat.user = replace(chat.user, dark_charts=dark)
        if shown in TABS:
            await self._tab(chat, shown, analysis_id)
        elif shown == "last":
            await self._last(chat, analysis_id)
        elif shown == "beside":
            await self._beside(chat, analysis_id, number(other))
        else:
            await self._show(chat, analysis_id)

    async def _delete(self, chat: Chat, analysis_id: int, *, sure: bool) -> None:
        view = await self._analysing.view(chat.user.id, analysis_id)
        if sure:
            await self._analysing.delete(chat.user.id, analysis_id)
            await chat.show(cards.deleted(view.item.name))
        else:
            pages = await self._reports.working(chat.user.id, analysis_id)
            await chat.retell(cards.delete_sure(view, len(pages)))

    # ------------------------------------------------------------ the result

    async def _look(self, chat: Chat, analysis_id: int) -> Sight:
        return await self._looking.look(chat.user.id, analysis_id, ZoneInfo(chat.user.zone))

    async def _result(self, chat: Chat, analysis_id: int) -> None:
        sight = await self._look(chat, analysis_id)
        card = result_cards.result(sight, chat.user, chat.at)
        await self._picture(chat, charts.views(sight, chat.user.zone), card)

    async def _tab(self, chat: Chat, verb: str, analysis_id: int) -> None:
        draw, write = TABS[verb]
        sight = await self._look(chat, analysis_id)
        await self._picture(chat, draw(sight, chat.user.zone), write(sight, chat.user))

    async def _picture(self, chat: Chat, chart: Chart | None, card: Card) -> None:
        """The card below the chart; alone where there is none."""
        async with self._drawing.drawn(chart, chat.user) as path:
            if path is None:
                await chat.show(card)
            else:
                await chat.show_picture(path, card)

    # ------------------------------------------------------------ comparisons

    async def _last(self, chat: Chat, analysis_id: int) -> None:
        since = await self._looking.since_last(chat.user.id, analysis_id)
        if since is None:
            await chat.toast("There is no earlier analysis of this profile to compare with.")
            return
        sight = await self._look(chat, analysis_id)
        card = compare_cards.since(sight, since, chat.user, chat.at)
        await self._picture(chat, charts.views(sight, chat.user.zone), card)

    async def _ask_other(self, chat: Chat, analysis_id: int) -> None:
        view = await self._analysing.view(chat.user.id, analysis_id)
        known = await self._known(chat)
        others = [one for one in known if one.item.profile_id != view.item.profile_id]
        await chat.ask(OTHER_FLOW, analysis_id=analysis_id)
        await chat.retell(compare_cards.ask(view, others))

    async def answer_other(self, chat: Chat) -> None:
        """Errors: BadInput, after which another name may be sent."""
        assert chat.flow is not None
        if SAVED in chat.text:
            await self._paste(chat)
            return
        analysis_id = int(chat.flow.data["analysis_id"])
        view = await self._analysing.view(chat.user.id, analysis_id)
        other = await self._analysing.archived(chat.user.id, chat.text)
        if other is not None and other.item.profile_id == view.item.profile_id:
            raise BadInput("That is the same profile.", "Send the name of another one.")
        await chat.end_flow()
        if other is None:
            await chat.say(compare_cards.not_there(read_name(chat.text), view))
        else:
            await self._beside(chat, analysis_id, other.item.id)

    async def _beside(self, chat: Chat, left: int, right: int) -> None:
        zone = ZoneInfo(chat.user.zone)
        pair = await self._looking.beside(chat.user.id, left, right, zone)
        chart = charts.views(pair.left, chat.user.zone)
        await self._picture(chat, chart, compare_cards.beside(pair, chat.user))


async def _follow(chat: Chat, view: View, message_id: int) -> None:
    """This message shows it from now on."""
    async with chat.database.write() as db:
        await rows.CARDS.keep(
            db,
            view.item.id,
            chat_id=chat.id,
            message_id=message_id,
            seen_change=view.item.changed_at,
            not_before=chat.at,
        )


async def _stop_asking(chat: Chat) -> None:
    """Something else was tapped: the next word is no name."""
    flow = await chat.asked()
    if flow and flow.name in (FLOW, OTHER_FLOW):
        await chat.end_flow()
