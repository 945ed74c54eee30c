"""The texts of the notices about analyses. Given to bot/notices.py by parts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from bot.analysis import cards, export_cards
from bot.analysis.results import Results
from bot.notices import Message, NotReady, Text
from bot.pending import Pending
from services.analysis.exports import AnalysisExports
from services.analysis.service import Analysing
from services.analysis.views import View
from services.clock import Now
from storage import analysis
from storage.analysis import UNFINISHED
from storage.database import Database
from storage.notices import Notice
from storage.people import User


class AnalysisNotices:
    def __init__(
        self,
        database: Database,
        analysing: Analysing,
        results: Results,
        exports: AnalysisExports,
        building: Pending,
        now: Now,
    ) -> None:
        self._database = database
        self._analysing = analysing
        self._results = results
        self._exports = exports
        self._building = building
        self._now = now

    @property
    def texts(self) -> Mapping[str, Text]:
        return {
            "analysis_ended": self._moved,
            "analysis_paused": self._moved,
            "analysis_export_ready": self._export_ready,
            "analysis_export_failed": self._export_failed,
        }

    async def _moved(self, user: User, notice: Notice) -> Message:
        """As it is now, in place of its card. Errors: NotReady, NotAllowed where it was deleted."""
        view = await self._analysing.view(user.id, int(notice.data["analysis_id"]))
        async with self._database.read() as db:
            before = await analysis.CARDS.of(db, view.item.id)
        replaces = before.message_id if before else None
        sent = partial(self._take_place, view, user.id)
        if view.item.state != "completed":
            card = cards.card(view, user, self._now())
            return Message(card, replaces=replaces, sent=sent)
        result = self._results.take(user, view.item.id)
        if result is None:
            raise NotReady
        return Message(result.card, picture=result.picture, replaces=replaces, sent=sent)

    async def _take_place(self, view: View, chat_id: int, message_id: int) -> None:
        """The new message is its card from now on, as long as there is anything to follow."""
        item = view.item
        async with self._database.write() as db:
            if item.state not in UNFINISHED:
                await analysis.CARDS.drop(db, item.id)
                return
            await analysis.CARDS.keep(
                db,
                item.id,
                chat_id=chat_id,
                message_id=message_id,
                seen_change=item.changed_at,
                not_before=self._now(),
            )

    # ------------------------------------------------------------ exports

    async def _export_ready(self, user: User, notice: Notice) -> Message:
        """A link is made only now: the database keeps none that opens anything."""
        data = notice.data
        export_id, keys = int(data["export_id"]), tuple(str(key) for key in data["object_keys"])
        link = None if keys else await self._exports.link(user.id, export_id)
        card = export_cards.ready(
            str(data["form"]), int(data["count"]), str(data["name"]), link, fits=bool(keys)
        )
        return Message(card, keys, replaces=self._building.take(user.id, export_id))

    async def _export_failed(self, user: User, notice: Notice) -> Message:
        export_id = int(notice.data["export_id"])
        return Message(export_cards.failed(), replaces=self._building.take(user.id, export_id))
