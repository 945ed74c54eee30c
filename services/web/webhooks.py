"""Webhooks: told where to send by a person, sent by the clock, tried again with growing pauses.

Called by bot/feed and by a loop. What is to be sent is an outbox (storage/webhooks.py): at least
once, in order, each post with the same id, so that a receiver can drop what it has.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
import structlog

from services.clock import Now
from services.errors import NotAllowed
from services.feed.pages import entry_of
from services.feed.render.entries import Entry
from services.feed.webhook_forms import Announcement, body_of, form_of, signature
from services.web.outgoing import NotSent, Outgoing
from storage import audit, feeds, notices, webhooks
from storage.database import Database, Transaction
from storage.feeds import Feed
from storage.vault import CannotOpen, Vault
from storage.webhooks import Delivery, Webhook

log = structlog.get_logger()

PAUSES = tuple(
    timedelta(seconds=seconds) for seconds in (30, 120, 600, 1800, 3600, 3 * 3600, 6 * 3600)
)
TRIES = len(PAUSES) + 1
LONGEST_WAIT = timedelta(hours=6)  # that another side's Retry-After may ask for
TRY_AGAIN = (408, 409, 425, 429)
AT_ONCE = 8  # webhooks in one tick
TICK_SECONDS = 5.0  # after so long a webhook's further posts wait for the next tick
IN_ONE_TICK = 20  # posts of one webhook
KEY_BYTES = 24
KEPT = timedelta(days=30)
"""What is owed or was sent, since a post was listed. Where nobody answers for so long the posts
come faster than they are given up: what is older is not sent any more."""


@dataclass(frozen=True, slots=True)
class Made:
    """`key`: signs what is sent in the form json; shown once."""

    webhook: Webhook
    key: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one try. `error` "": it has arrived. `again_at` None then, or where it is given up."""

    error: str = ""
    again_at: datetime | None = None


def judge(
    status: int | None,
    reason: str,
    attempts: int,
    now: datetime,
    *,
    final: bool = False,
    retry_after: int | None = None,
) -> Verdict:
    """Pure. `status`: None if there was no answer, then `reason` says why. `attempts`: that failed
    before this one."""
    if status is not None and 200 <= status < 300:
        return Verdict()
    error = reason or f"http_{status}"
    hopeless = status is not None and status < 500 and status not in TRY_AGAIN
    if final or hopeless or attempts + 1 >= TRIES:
        return Verdict(error)
    asked = min(timedelta(seconds=retry_after or 0), LONGEST_WAIT)
    return Verdict(error, now + max(PAUSES[attempts], asked))


class Webhooks:
    def __init__(self, database: Database, vault: Vault, outgoing: Outgoing, now: Now) -> None:
        self._database = database
        self._vault = vault
        self._outgoing = outgoing
        self._now = now

    # ------------------------------------------------------------ what a person does

    async def put(self, user_id: int, feed_id: int, address: str) -> Made:
        """In place of the feed's old one. Errors: BadInput, NotAllowed."""
        url = self._outgoing.read(address.strip())
        await self._outgoing.check(url)
        key = secrets.token_urlsafe(KEY_BYTES)
        now = self._now()
        async with self._database.write() as db:
            feed = await _theirs(db, user_id, feed_id)
            form = form_of(url.host, url.path)
            webhook_id = await webhooks.put(db, feed.id, form=form, host=url.host, now=now)
            content = json.dumps({"url": str(url), "key": key})
            await webhooks.seal(db, webhook_id, self._vault.seal(content, *_place(webhook_id)))
            await audit.note(db, user_id, "set a webhook of", feed.title, now)
            made = await webhooks.get(db, webhook_id)
        assert made is not None, "it was made in this transaction"
        return Made(made, key)

    async def drop(self, user_id: int, feed_id: int) -> None:
        """What was not sent yet is not sent. Errors: NotAllowed."""
        now = self._now()
        async with self._database.write() as db:
            feed = await _theirs(db, user_id, feed_id)
            if await webhooks.drop(db, feed.id):
                await audit.note(db, user_id, "dropped the webhook of", feed.title, now)

    async def of_feed(self, user_id: int, feed_id: int) -> tuple[Feed, Webhook | None, int]:
        """The feed, its webhook, and how many posts wait to be sent. Errors: NotAllowed."""
        async with self._database.read() as db:
            feed = await _theirs(db, user_id, feed_id)
            webhook = await webhooks.of_feed(db, feed.id)
            return feed, webhook, await webhooks.waiting(db, webhook.id) if webhook else 0

    async def test(self, user_id: int, feed_id: int) -> str:
        """Sends a made-up post, once. Returns "" if it has arrived, else why not: a reason of
        NotSent, or http_<status>. Errors: NotAllowed."""
        async with self._database.read() as db:
            feed = await _theirs(db, user_id, feed_id)
            webhook = await webhooks.of_feed(db, feed.id)
        if webhook is None:
            raise NotAllowed("There is no webhook any more.", "Open /feed.")
        verdict = await self._send(webhook, Announcement("test", feed.title, _sample(self._now())))
        async with self._database.write() as db:
            good = None if verdict.error else self._now()
            await webhooks.note(db, webhook.id, good_at=good, error=verdict.error or None)
        return verdict.error

    # ------------------------------------------------------------ the clock

    async def deliver(self) -> None:
        """Everything that is due, each webhook's posts in order, several webhooks at once."""
        async with self._database.read() as db:
            due = await webhooks.due(db, self._now(), AT_ONCE)
        await asyncio.gather(*(self._deliver(webhook_id) for webhook_id in due))

    async def forget(self) -> None:
        """What was owed long ago."""
        async with self._database.write() as db:
            await webhooks.prune(db, self._now() - KEPT)

    async def _deliver(self, webhook_id: int) -> None:
        until = time.monotonic() + TICK_SECONDS
        async with self._database.read() as db:
            webhook = await webhooks.get(db, webhook_id)
            unsent = await webhooks.unsent(db, webhook_id, self._now(), IN_ONE_TICK)
        for delivery in unsent:
            if webhook is None or time.monotonic() > until:
                return
            told = await self._announcement(webhook, delivery)
            if told is None:  # not listed any more: nothing to be sent
                async with self._database.write() as db:
                    await webhooks.delivered(db, delivery.id, self._now())
                continue
            verdict = await self._send(webhook, told, delivery)
            await self._settle(webhook, delivery, verdict)
            if verdict.error:
                return

    async def _announcement(self, webhook: Webhook, delivery: Delivery) -> Announcement | None:
        async with self._database.read() as db:
            feed = await feeds.get(db, webhook.feed_id)
            item = await feeds.listed(db, webhook.feed_id, delivery.post_id)
            files = await feeds.files_of(db, [delivery.post_id])
        if feed is None or item is None:
            return None
        return Announcement("post", feed.title, entry_of(item, files.get(item.post_id, ()), ""))

    async def _send(
        self, webhook: Webhook, told: Announcement, delivery: Delivery | None = None
    ) -> Verdict:
        """One try."""
        now, attempts = self._now(), delivery.attempts if delivery else 0
        async with self._database.read() as db:
            sealed = await webhooks.sealed(db, webhook.id)
        if sealed is None:
            return judge(None, "network", attempts, now)
        try:
            content = json.loads(self._vault.open(sealed, *_place(webhook.id)).reveal())
        except CannotOpen:
            return judge(None, "key", attempts, now, final=True)
        body = body_of(webhook.form, told)
        headers = {"Content-Type": "application/json", "User-Agent": "Reelay"}
        if webhook.form == "json":
            headers |= {
                "X-Reelay-Event": told.event,
                "X-Reelay-Timestamp": str(int(now.timestamp())),
                "X-Reelay-Signature": f"sha256={signature(content['key'], now, body)}",
            }
        try:
            answer = await self._outgoing.post(httpx.URL(content["url"]), body, headers)
        except NotSent as failed:
            return judge(None, failed.reason, attempts, self._now(), final=failed.final)
        return judge(answer.status, "", attempts, self._now(), retry_after=answer.retry_after)

    async def _settle(self, webhook: Webhook, delivery: Delivery, verdict: Verdict) -> None:
        now = self._now()
        async with self._database.write() as db:
            if not verdict.error:
                await webhooks.delivered(db, delivery.id, now)
                await webhooks.note(db, webhook.id, good_at=now, error=None)
                return
            log.info("webhook failed", webhook=webhook.id, error=verdict.error)
            await webhooks.note(db, webhook.id, error=verdict.error)
            if verdict.again_at is not None:
                await webhooks.later(db, delivery.id, verdict.again_at)
                return
            await webhooks.give_up(db, delivery.id, verdict.error)
            await self._tell(db, webhook, verdict.error, now)

    async def _tell(self, db: Transaction, webhook: Webhook, error: str, now: datetime) -> None:
        """Once, until something has arrived again."""
        user_id = await webhooks.owner(db, webhook.id)
        current = await webhooks.get(db, webhook.id)  # another post may have arrived just now
        if user_id is None or current is None:
            return
        since = (current.last_good_at or current.created_at).isoformat()
        await notices.add(
            db,
            user_id,
            "webhook_failed",
            now,
            once=f"webhook {webhook.id} {since}",
            feed_id=webhook.feed_id,
            host=webhook.host,
            error=error,
        )


async def _theirs(db: Transaction, user_id: int, feed_id: int) -> Feed:
    feed = await feeds.get(db, feed_id)
    if feed is None or feed.user_id != user_id:
        raise NotAllowed("That feed is not yours.", "Open /feed.")
    return feed


def _place(webhook_id: int) -> tuple[str | int, ...]:
    return "webhooks", webhook_id, "address"


def _sample(now: datetime) -> Entry:
    return Entry(
        guid="tag:reelay,2026:test",
        title="A test of your webhook",
        author="reelay",
        caption="If you can read this, new posts of your feed will arrive here.",
        link="https://www.instagram.com/",
        published=now,
        updated=now,
    )
