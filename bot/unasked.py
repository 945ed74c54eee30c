"""What a person sends without being asked: a link is imported, cookies are connected."""

from __future__ import annotations

from bot.accounts.connect import Connect
from bot.chat import Chat
from bot.importing.handlers import ImportScreen


class Unasked:
    def __init__(self, connect: Connect, importing: ImportScreen) -> None:
        self._connect = connect
        self._importing = importing

    async def text(self, chat: Chat) -> None:
        if "sessionid" in chat.text:  # a secret: it must leave the chat, whatever it was meant for
            await self._connect.receive(chat)
        else:
            await self._importing.paste(chat)

    async def document(self, chat: Chat) -> None:
        await self._connect.receive(chat)
