"""/reports and what an analysis is taken along as: files, and the address of its page."""

from __future__ import annotations

from telegram.constants import ChatAction

from bot.analysis import cards, export_cards
from bot.chat import Chat
from bot.pending import Pending
from bot.router import Router
from services.analysis.exports import AnalysisExports, Order
from services.analysis.reports import Reports
from services.analysis.service import Analysing
from services.errors import NotAllowed
from services.sheets import Form
from storage.objects import ObjectStore

PAGE = 8  # reports of one page
LATEST = 200  # reports whose names the list of exports knows


class TakingScreen:
    """`public`: the side server's addresses work from everywhere. `building`: messages that the
    finished file takes the place of."""

    def __init__(
        self,
        analysing: Analysing,
        exports: AnalysisExports,
        reports: Reports,
        objects: ObjectStore,
        building: Pending,
        *,
        public: bool,
    ) -> None:
        self._analysing = analysing
        self._exports = exports
        self._reports = reports
        self._objects = objects
        self._building = building
        self._public = public

    def register(self, router: Router) -> None:
        router.command("reports", self.open)
        router.area("rep", self.tapped)

    async def open(self, chat: Chat) -> None:
        await self._list(chat, 0)

    async def _list(self, chat: Chat, page: int) -> None:
        page = min(page, 10_000)
        views = await self._analysing.latest(chat.user.id, PAGE + 1, page * PAGE)
        more = len(views) > PAGE
        await chat.show(cards.reports(views[:PAGE], page, chat.user, chat.at, more=more))

    async def tapped(self, chat: Chat) -> None:
        assert chat.tap is not None
        verb, ref = chat.tap.verb, chat.tap.id
        match verb:
            case "list":
                await self._list(chat, ref)
            case "csv" | "json" | "xlsx":
                await self._export(chat, Form(verb))
            case "fields":
                analysis_id, mask = chat.tap.pair
                view = await self._analysing.view(chat.user.id, analysis_id or ref)
                await chat.retell(export_cards.fields(view, export_cards.read_mask(mask)))
            case "stop":
                was = await self._exports.cancel(chat.user.id)
                await chat.show(export_cards.stopped(was=was))
            case "files":
                await self._files(chat)
            case "file":
                await self._again(chat, ref)
            case "page":
                await self._page(chat, ref)
            case "page_new":
                await self._new_page(chat, ref)
            case "page_off" | "page_off_yes":
                await self._revoke(chat, ref, sure=verb == "page_off_yes")
            case _:
                raise NotAllowed("That button is from another version.", "Open /reports.")

    # ------------------------------------------------------------ files

    async def _export(self, chat: Chat, form: Form) -> None:
        """As chosen under Fields, or all of it."""
        assert chat.tap is not None
        analysis_id, chosen = chat.tap.pair
        mask = export_cards.read_mask(chosen)
        order = Order(
            analysis_id,
            form,
            columns=export_cards.columns(mask),
            about=bool(mask & export_cards.PROFILE),
            zone=chat.user.zone,
        )
        view = await self._analysing.view(chat.user.id, analysis_id)
        export_id = await self._exports.begin(chat.user.id, order)
        await chat.toast("Building…")
        message_id = await chat.say(export_cards.building(view, form), silent=True)
        self._building.wait(chat.user.id, export_id, message_id)

    async def _files(self, chat: Chat) -> None:
        made = await self._exports.history(chat.user.id)
        known = await self._analysing.latest(chat.user.id, LATEST)
        names = {view.item.id: view.item.name for view in known}
        await chat.show(export_cards.files(made, names, chat.user, chat.at))

    async def _again(self, chat: Chat, export_id: int) -> None:
        made = await self._exports.made(chat.user.id, export_id)
        if not made.fits:
            link = await self._exports.link(chat.user.id, export_id)
            await chat.say(export_cards.too_large("", made.name, link))
            return
        async with (
            chat.busy(ChatAction.UPLOAD_DOCUMENT),
            self._objects.local(made.object_key) as path,
        ):
            await chat.send_document(path, made.name)

    # ------------------------------------------------------------ the page

    async def _page(self, chat: Chat, analysis_id: int) -> None:
        working = await self._reports.working(chat.user.id, analysis_id)
        if not working:
            await self._new_page(chat, analysis_id)
            return
        view = await self._analysing.view(chat.user.id, analysis_id)
        await chat.retell(export_cards.pages(view, working, chat.user))

    async def _new_page(self, chat: Chat, analysis_id: int) -> None:
        """In a message of its own: it is shown once, and must not go with the next tap."""
        made = await self._reports.make(chat.user.id, analysis_id)
        others = len(await self._reports.working(chat.user.id, analysis_id)) - 1
        await chat.say(
            export_cards.page(made, chat.user, public=self._public, others=others), silent=True
        )

    async def _revoke(self, chat: Chat, analysis_id: int, *, sure: bool) -> None:
        view = await self._analysing.view(chat.user.id, analysis_id)
        if sure:
            number = await self._reports.revoke(chat.user.id, analysis_id)
            await chat.toast("Revoked." if number else "None worked any more.")
            await chat.retell(export_cards.revoked(view))
            return
        working = await self._reports.working(chat.user.id, analysis_id)
        # an address that is shown stays until it is revoked
        await chat.follow_up(export_cards.revoke_sure(view, len(working)))
