"""The bot's updates: what is created, how long it lives, and the long poll that waits for it.

Rules of tdlib/telegram-bot-api 10.0. getUpdates (methods_bot.py) reads from here, or webhook.py
delivers from here: only one of them at a time.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.telegram.errors import SECOND_POLL, WEBHOOK_IS_ACTIVE, WEBHOOK_WAS_SET, conflict
from sandbox.telegram.wire import Json

UPDATE_LIFE_SECONDS = 24 * 3600
QUERY_LIFE_SECONDS = 150
PENDING_LIMIT = 10_000
SAME_OFFSET_SECONDS = 3.0
FAST_REPEAT_SECONDS = 0.5
CONFLICT_PAUSE_SECONDS = 3.0

KINDS = frozenset(
    {
        *("message", "edited_message", "channel_post", "edited_channel_post"),
        *("business_connection", "business_message", "edited_business_message"),
        *("deleted_business_messages", "message_reaction", "message_reaction_count"),
        *("inline_query", "chosen_inline_result", "callback_query", "shipping_query"),
        *("pre_checkout_query", "purchased_paid_media", "poll", "poll_answer"),
        *("my_chat_member", "chat_member", "chat_join_request"),
        *("chat_boost", "removed_chat_boost", "managed_bot"),
    }
)
NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


@dataclass(frozen=True)
class Update:
    id: int
    kind: str
    content: Json
    expires_at: float
    queue: str  # a webhook keeps the order inside one queue only

    def as_json(self) -> Json:
        return {"update_id": self.id, self.kind: self.content}


@dataclass(frozen=True)
class Webhook:
    url: str
    secret: str
    max_connections: int


@dataclass(frozen=True)
class WebhookErrors:
    last_at: int = 0
    last_message: str = ""


class Updates:
    """`same_offset_hold` and `conflict_pause` are seconds; tests may shorten them."""

    def __init__(
        self,
        now: Callable[[], float],
        *,
        same_offset_hold: float = SAME_OFFSET_SECONDS,
        conflict_pause: float = CONFLICT_PAUSE_SECONDS,
    ) -> None:
        self.now = now
        self.same_offset_hold = same_offset_hold
        self.conflict_pause = conflict_pause
        self.pending: dict[int, Update] = {}
        self.allowed = KINDS - NOT_BY_DEFAULT
        self.allowed_as_given: list[str] = []
        self.webhook: Webhook | None = None
        self.errors = WebhookErrors()
        self.changed = asyncio.Event()  # replaced whenever it is set, see wake()
        # Ids grow over restarts too: bots remember the last one and drop what lies below.
        self._ids = itertools.count(int(now()) + 1)
        self._poll: asyncio.Future[str] | None = None
        self._last_offset: int | None = None
        self._last_poll_at = float("-inf")
        self._next_conflict_at = float("-inf")

    # ---- creation
    def create(self, kind: str, content: Json, *, queue: str) -> None:
        """Adds one update, unless the bot did not ask for this kind."""
        if kind not in self.allowed:
            return
        life = QUERY_LIFE_SECONDS if kind == "callback_query" else UPDATE_LIFE_SECONDS
        update = Update(
            next(self._ids), kind, copy.deepcopy(content), self.now() + life, f"{kind}:{queue}"
        )
        self.pending[update.id] = update
        if len(self.pending) > PENDING_LIMIT:
            del self.pending[next(iter(self.pending))]
        self.wake()

    def allow(self, kinds: list[str]) -> None:
        """Remembered for updates that are created from now on; an empty list is the default."""
        self.allowed_as_given = [kind for kind in kinds if kind in KINDS]
        self.allowed = frozenset(self.allowed_as_given) or KINDS - NOT_BY_DEFAULT

    def wake(self) -> None:
        """Tells everybody who waits for `changed` to look again."""
        event, self.changed = self.changed, asyncio.Event()
        event.set()

    # ---- what was delivered or died
    def confirm(self, update_id: int) -> None:
        self.pending.pop(update_id, None)

    def drop_expired(self) -> None:
        now = self.now()
        for update in [update for update in self.pending.values() if update.expires_at <= now]:
            del self.pending[update.id]

    # ---- getUpdates
    async def poll(self, offset: int, limit: int, timeout: float) -> list[Json]:
        """Holds until there is an update or `timeout` seconds passed. Raises ApiError 409."""
        if self.webhook:
            raise conflict(WEBHOOK_IS_ACTIVE)
        started = self.now()
        if offset == self._last_offset and started < self._last_poll_at + SAME_OFFSET_SECONDS:
            # A bot that stops meets this: its last getUpdates confirms, and is held.
            timeout = max(timeout, self.same_offset_hold)
            if started < self._last_poll_at + FAST_REPEAT_SECONDS:
                limit = 1
        self._last_offset, self._last_poll_at = offset, started
        self.drop_expired()
        if offset > 0:
            for update_id in [key for key in self.pending if key < offset]:
                self.confirm(update_id)
        elif offset < 0:
            for update_id in list(self.pending)[:offset]:
                self.confirm(update_id)
        self._end_poll(SECOND_POLL)
        if not self.pending and timeout > 0:
            await self._wait(timeout)
        return [update.as_json() for update in itertools.islice(self.pending.values(), limit)]

    async def _wait(self, seconds: float) -> None:
        """Until there is an update, the time is over, or somebody else polls (ApiError 409)."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        mine: asyncio.Future[str] = loop.create_future()
        self._poll = mine
        try:
            while not self.pending and not mine.done() and loop.time() < deadline:
                change = asyncio.create_task(self.changed.wait())
                waiting: set[asyncio.Future[Any]] = {mine, change}
                await asyncio.wait(
                    waiting,
                    timeout=deadline - loop.time(),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                change.cancel()
        finally:
            if self._poll is mine:
                self._poll = None
        if mine.done():
            await self._pause_conflict()
            raise conflict(mine.result())

    async def _pause_conflict(self) -> None:
        """A bot that starts twice would otherwise ask as fast as it can."""
        now = self.now()
        if now < self._next_conflict_at:
            await asyncio.sleep(self.conflict_pause)
        else:
            self._next_conflict_at = now + CONFLICT_PAUSE_SECONDS

    @property
    def is_polled(self) -> bool:
        """Whether a getUpdates request is held right now."""
        return self._poll is not None

    def _end_poll(self, reason: str) -> None:
        """The older poll gets the 409, the new one goes on."""
        if self._poll and not self._poll.done():
            self._poll.set_result(reason)
        self._poll = None

    # ---- the webhook
    def set_webhook(self, webhook: Webhook | None) -> None:
        self.webhook = webhook
        self.errors = WebhookErrors()
        if webhook:
            self._end_poll(WEBHOOK_WAS_SET)
        self.wake()

    def note_webhook_error(self, message: str) -> None:
        self.errors = WebhookErrors(int(self.now()), message)
