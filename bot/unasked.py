"""What a person sends while something else was asked: a link in place of cookies, or of a code, is
imported.

Knows two capabilities, which do not know each other. Put together by bot/app.py.
"""

from __future__ import annotations

from bot.accounts import connect, login
from bot.accounts.connect import Connect
from bot.accounts.login import LoginScreen
from bot.chat import Chat
from bot.importing.handlers import ImportScreen
from bot.router import Router
from services.errors import BadLink
from services.instagram.links import find_link


class Unasked:
    def __init__(self, connect: Connect, login: LoginScreen, importing: ImportScreen) -> None:
        self._connect = connect
        self._login = login
        self._importing = importing

    def register(self, router: Router) -> None:
        router.flow(connect.FLOW, self.answer)
        router.flow(login.CODE_FLOW, self.code)

    async def answer(self, chat: Chat) -> None:
        """Text after /connect. No session, or the router would have taken it: a link, or a
        mistake whose message is deleted like any other attempt."""
        if _is_link(chat.text):
            await self._importing.paste(chat)
        else:
            await self._connect.receive(chat)

    async def code(self, chat: Chat) -> None:
        """Text after a password: its code, while that log-in lasts."""
        if _is_link(chat.text) or not await self._login.waits(chat):
            await self._importing.paste(chat)
        else:
            await self._login.code(chat)


def _is_link(text: str) -> bool:
    try:
        find_link(text)
    except BadLink:
        return False
    return True
