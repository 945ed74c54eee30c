"""The wire to Telegram: the application of python-telegram-bot, its start and its stop.

Polling by default; with a webhook URL the side server hands the updates in. Used by bot/app.py.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import structlog
from telegram import (
    BotCommand,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    LinkPreviewOptions,
    Update,
)
from telegram.constants import ParseMode
from telegram.error import BadRequest, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.ext import AIORateLimiter, Application, Defaults, TypeHandler
from telegram.request import HTTPXRequest

from bot.flood import seconds
from bot.menu import ADMIN_COMMANDS, COMMANDS
from bot.router import PerChat, Router
from services.clock import Now

log = structlog.get_logger()

KINDS = [Update.MESSAGE, Update.CALLBACK_QUERY, Update.MY_CHAT_MEMBER]
POLL_SECONDS = 10
STOP_SECONDS = 1
# Telegram would fetch what a card links to, and show it below each card that is edited
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class SetupError(Exception):
    """Wrong settings: trying again does not help."""


class _PollRequest(HTTPXRequest):
    """The HTTP client of getUpdates; says when a poll last succeeded."""

    def __init__(self, on_success: Callable[[], None]) -> None:
        super().__init__(connection_pool_size=1, read_timeout=POLL_SECONDS + 10)
        self._on_success = on_success

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        answer = await super().do_request(*args, **kwargs)
        if answer[0] == 200:
            self._on_success()
        return answer


class Wire:
    """`origin`: https://api.telegram.org, or a stand-in's address."""

    def __init__(
        self, token: str, origin: str, router: Router, now: Now, *, webhook: tuple[str, str] | None
    ) -> None:
        self._router = router
        self._now = now
        self._webhook = webhook
        self._last_poll: datetime | None = None
        builder = (
            Application.builder()
            .token(token)
            .base_url(f"{origin}/bot")
            .base_file_url(f"{origin}/file/bot")
            .defaults(Defaults(parse_mode=ParseMode.HTML, link_preview_options=NO_PREVIEW))
            # no retries here: a 429 on one chat's card must not hold up another chat's answer
            .rate_limiter(AIORateLimiter(max_retries=0))
            .concurrent_updates(PerChat())
            .connection_pool_size(32)
            .pool_timeout(10)
            .read_timeout(20)
            .media_write_timeout(120)
            .job_queue(None)
        )
        if webhook:
            builder = builder.updater(None)
        else:
            builder = builder.get_updates_request(_PollRequest(self._polled))
        self.application: Application[Any, Any, Any, Any, Any, Any] = builder.build()
        self.application.add_handler(TypeHandler(Update, router.handle))

    def _polled(self) -> None:
        self._last_poll = self._now()

    def last_poll(self) -> datetime | None:
        """None in webhook mode. Counted from the start: the first long poll is silent for 10 s."""
        return None if self._webhook else self._last_poll

    # ------------------------------------------------------------ start and stop

    async def start(self) -> None:
        """Until Telegram answers, however long that takes. Errors: SetupError."""
        self._last_poll = self._now()
        await self._patiently(self.application.initialize, "getMe")
        await self._announce()
        await self.application.start()
        if self._webhook:
            url, secret = self._webhook
            await self._patiently(
                lambda: self.application.bot.set_webhook(
                    url, secret_token=secret, allowed_updates=KINDS, max_connections=20
                ),
                "setWebhook",
            )
        else:
            assert self.application.updater is not None
            await self.application.updater.start_polling(
                timeout=POLL_SECONDS, bootstrap_retries=-1, allowed_updates=KINDS
            )
        self._last_poll = self._now()

    async def _patiently(self, call: Callable[[], Awaitable[Any]], what: str) -> None:
        delay = 1.0
        while True:
            try:
                await call()
            except InvalidToken as error:
                raise SetupError(
                    "Telegram refused the bot token: set TELEGRAM_BOT_TOKEN to the one that "
                    "@BotFather gave you"
                ) from error
            except BadRequest as error:
                raise SetupError(f"Telegram refused {what}: {error}") from error
            except RetryAfter as error:
                await asyncio.sleep(seconds(error))
            except NetworkError as error:
                log.warning("telegram away", call=what, error=str(error), again_in=delay)
                await asyncio.sleep(delay)
                delay = min(30.0, delay * 2)
            else:
                return

    async def _announce(self) -> None:
        """The command menu. Not worth failing the start for."""
        commands = [BotCommand(name, text) for name, text in COMMANDS.items()]
        with contextlib.suppress(TelegramError):
            await self.application.bot.set_my_commands(
                commands, scope=BotCommandScopeAllPrivateChats()
            )

    async def announce_admin(self, user_id: int) -> None:
        """The longer menu, in the chat of somebody who leads."""
        commands = [BotCommand(name, text) for name, text in ADMIN_COMMANDS.items()]
        with contextlib.suppress(TelegramError):
            await self.application.bot.set_my_commands(commands, scope=BotCommandScopeChat(user_id))

    async def receive(self, update: dict[str, Any]) -> None:
        """From the webhook."""
        parsed = Update.de_json(update, self.application.bot)
        await self.application.update_queue.put(parsed)

    async def stop(self) -> None:
        """No new updates, the offset is confirmed, queued updates are finished."""
        updater = self.application.updater
        if updater and updater.running:
            # It can itself raise, and the rest must still run. Its last getUpdates only confirms;
            # Telegram holds it for 3 s if it has the offset already.
            with contextlib.suppress(Exception):
                async with asyncio.timeout(STOP_SECONDS):
                    await updater.stop()
        if self.application.running:
            await self.application.stop()
        await self.application.shutdown()
