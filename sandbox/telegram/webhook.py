"""Delivers updates to the bot's webhook, as the real server does (tdlib/telegram-bot-api 10.0).

In order inside one queue (a chat's messages, a person's taps), queues in parallel; again with a
doubling delay until the bot answers 2xx or the update expires. Run by server.py.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque

import aiohttp

from sandbox.telegram.api import call
from sandbox.telegram.arguments import Arguments, as_fields
from sandbox.telegram.errors import ApiError
from sandbox.telegram.state import Telegram
from sandbox.telegram.updates import Update, Webhook

FIRST_DELAY_SECONDS = 1.0
LONGEST_DELAY_SECONDS = 60.0
ANSWER_SECONDS = 60.0
ANSWER_LIMIT = 1 << 20
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header


async def deliver_updates(telegram: Telegram, first_delay: float = FIRST_DELAY_SECONDS) -> None:
    """Serves whatever webhook is set, for as long as the task lives."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as client:
        delivery: _Delivery | None = None
        try:
            while True:
                changed, webhook = telegram.updates.changed, telegram.updates.webhook
                if delivery and delivery.webhook is not webhook:
                    await delivery.stop()
                    delivery = None
                if webhook:
                    delivery = delivery or _Delivery(telegram, client, webhook, first_delay)
                    delivery.distribute()
                await changed.wait()
        finally:
            if delivery:
                await delivery.stop()


class _Delivery:
    """The deliveries to one webhook, from setWebhook to the next change."""

    def __init__(
        self,
        telegram: Telegram,
        client: aiohttp.ClientSession,
        webhook: Webhook,
        first_delay: float,
    ) -> None:
        self.webhook = webhook
        self._telegram = telegram
        self._client = client
        self._first_delay = first_delay
        self._slots = asyncio.Semaphore(webhook.max_connections)
        self._last_taken = 0  # update ids only grow
        self._queues: defaultdict[str, deque[Update]] = defaultdict(deque)
        self._workers: dict[str, asyncio.Task[None]] = {}

    async def stop(self) -> None:
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    def distribute(self) -> None:
        """Gives every new update to the worker of its queue."""
        for update in list(self._telegram.updates.pending.values()):
            if update.id <= self._last_taken:
                continue
            self._last_taken = update.id
            self._queues[update.queue].append(update)
            if update.queue not in self._workers:
                self._workers[update.queue] = asyncio.create_task(self._work(update.queue))

    async def _work(self, name: str) -> None:
        queue, delay = self._queues[name], self._first_delay
        while queue:
            update = queue[0]
            self._telegram.updates.drop_expired()
            if update.id not in self._telegram.updates.pending:
                queue.popleft()
                continue
            async with self._slots:
                pause = await self._post(update)
            if pause is None:
                self._telegram.updates.confirm(update.id)
                queue.popleft()
                delay = self._first_delay
            else:
                await asyncio.sleep(pause or delay)
                delay = min(2 * delay, LONGEST_DELAY_SECONDS)
        del self._workers[name], self._queues[name]

    async def _post(self, update: Update) -> float | None:
        """None: delivered. Otherwise the pause that the bot asked for, or 0."""
        headers = {SECRET_HEADER: self.webhook.secret} if self.webhook.secret else {}
        try:
            async with self._client.post(
                self.webhook.url, json=update.as_json(), headers=headers, allow_redirects=False
            ) as answer:
                body = await answer.content.read(ANSWER_LIMIT)
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            self._telegram.updates.note_webhook_error(str(problem) or "Connection timed out")
            return 0.0
        if 200 <= answer.status < 300:
            await self._execute(body)
            return None
        self._telegram.updates.note_webhook_error(
            f"Wrong response from the webhook: {answer.status} {answer.reason}"
        )
        wanted = answer.headers.get("Retry-After", "")
        return min(float(wanted), LONGEST_DELAY_SECONDS) if wanted.isdecimal() else 0.0

    async def _execute(self, body: bytes) -> None:
        """A bot may put one method call into its answer; what comes of it nobody hears."""
        try:
            wish = json.loads(body or b"null")
            if isinstance(wish, dict) and isinstance(wish.get("method"), str):
                await call(self._telegram, wish["method"], Arguments(as_fields(wish), {}))
        except (ValueError, ApiError):
            return
