"""What a person sends while something else was asked: a link in place of cookies is imported.

Knows two capabilities, which do not know each other. Put together by bot/app.py.
"""

from __future__ import annotations

from bot.accounts import connect
from bot.accounts.connect import Connect
from bot.chat import Chat
from bot.importing.handlers import ImportScreen
from bot.router import Router
from services.errors import BadLink
from services.instagram.links import find_link


class Unasked:
    def __init__(self, connect: Connect, importing: ImportScreen) -> None:
        self._connect = connect
        self._importing = importing

    def register(self, router: Router) -> None:
        router.flow(connect.FLOW, self.answer)

    async def answer(self, chat: Chat) -> None:
        """Text after /connect. No session, or the router would have taken it: a link, or a
        mistake whose message is deleted like any other attempt."""
        try:
            find_link(chat.text)
        except BadLink:
            await self._connect.receive(chat)
        else:
            await self._importing.paste(chat)
