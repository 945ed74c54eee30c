"""The chat of a publication: the real outbox with the real cards, at the stand-in of Telegram or at
an address where nobody is. Used by story_worker.py.
"""

from __future__ import annotations

import ssl
from datetime import datetime
from typing import Any, cast

import sqlalchemy as sa
from telegram.constants import ParseMode
from telegram.ext import Defaults, ExtBot
from telegram.request import HTTPXRequest

from bot.notices import Notices
from bot.outbox import Outbox
from bot.pending import Pending
from bot.stories.albums import Albums
from bot.stories.checks import Checks
from bot.stories.notices import StoryNotices
from services.stories.accounts import Accounts
from services.stories.library import StoryLibrary
from services.stories.views import StoryViews
from storage.tables import notices
from tests.services.stories.stage import Stage

TOKEN = "1000001:faults"
NOBODY = "http://127.0.0.1:9"  # the port of "discard", which no host has listened at for decades


class StoryChat:
    """`origin`: of Telegram."""

    def __init__(self, stage: Stage, origin: str, certificates: ssl.SSLContext) -> None:
        options = {"verify": certificates, "trust_env": False}
        self._request = HTTPXRequest(httpx_kwargs=options)
        bot: ExtBot[None] = ExtBot(
            TOKEN,
            base_url=f"{origin}/bot",
            defaults=Defaults(parse_mode=ParseMode.HTML),
            request=self._request,
            get_updates_request=self._request,
        )
        database, now = stage.database, stage.clock
        nothing = cast(Any, None)  # of imports and pre-flights nothing is said here
        texts = StoryNotices(
            Accounts(database, now),
            StoryViews(database, now),
            StoryLibrary(database, stage.objects, now, public_url=""),
            Checks(nothing),
            Pending(),
            Albums(),
            now,
        ).texts
        every = Notices(nothing, nothing, nothing, now, texts)
        self._database = database
        self._outbox = Outbox(bot, database, stage.objects, every, now)

    async def deliver(self) -> None:
        await self._outbox.deliver()

    async def next_at(self) -> datetime | None:
        """When the outbox tries again; None: everything is delivered, or was given up."""
        n = notices.c
        waits = n.delivered_at.is_(None) & n.given_up.is_(None)
        async with self._database.read() as db:
            return cast(
                "datetime | None",
                await db.scalar(sa.select(sa.func.min(n.not_before)).where(waits)),
            )

    async def close(self) -> None:
        await self._request.shutdown()
