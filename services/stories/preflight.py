"""What is known before a story goes out: each line is well, worth a thought, or in the way.

Called by bot/stories for the card on which people decide. Asks the media process, Meta, and the
public address; keeps nothing. A line that can't be looked at says so, and stops nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import httpx

from services.accounts.meta import MetaLogins
from services.clock import Now
from services.errors import HostingFailed, MetaError, ReelayError
from services.graph.account import Account
from services.graph.public import MIMES, PublicFiles
from services.graph.public.look import look
from services.graph.wire import Flavour
from services.media import fitting, story
from services.media.runner import MediaRunner
from services.media.story import Refused
from services.stories.accounts import may_publish
from services.stories.library import Twin, twins
from storage import meta_accounts, stories, story_accounts, story_items
from storage.database import Database
from storage.meta_accounts import MetaAccount
from storage.objects import ObjectStore
from storage.stories import Story
from storage.story_accounts import StoryAccount
from storage.story_items import StoryItem

SECONDS = 40.0  # for everything: a person waits for the card
FEW_DAYS = 3  # of a log-in
FEW_POSTS = 3  # of the quota
SOON = timedelta(days=90)  # a file used within is worth a thought


class About(StrEnum):
    WAY = "way"  # by the API, or by hand
    FILE = "file"
    ADDRESS = "address"
    QUOTA = "quota"
    LOGIN = "login"
    DUPLICATE = "duplicate"


class Mark(StrEnum):
    GOOD = "good"
    THINK = "think"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Line:
    """`word`: a key of the chat's texts. `number` and `total` where it has some; `at`: a time;
    `detail`: a sentence, of ours or foreign."""

    about: About
    mark: Mark
    word: str
    number: int | None = None
    total: int | None = None
    at: datetime | None = None
    detail: str = ""


class Preflight:
    """`public`: where Meta fetches files; None: the operator has set up nothing. `http`: looks at
    the public address as Meta would."""

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        runner: MediaRunner,
        logins: MetaLogins,
        public: PublicFiles | None,
        http: httpx.AsyncClient,
        now: Now,
    ) -> None:
        self._database = database
        self._objects = objects
        self._runner = runner
        self._logins = logins
        self._public = public
        self._http = http
        self._now = now

    async def check(self, story_id: int) -> list[Line]:
        """In the order in which they are shown; [] if the story is gone."""
        async with self._database.read() as db:
            planned = await stories.get(db, story_id)
            if planned is None:
                return []
            item = await story_items.get(db, planned.item_id)
            account = await story_accounts.get(db, planned.account_id)
            meta = await meta_accounts.get(db, planned.meta_id) if planned.meta_id else None
            found = await twins(db, item) if item else []
        assert item is not None, "a story keeps its file's row"
        assert account is not None, "and goes with its account"
        by_hand = why_by_hand(planned, item, account, meta)
        lines = [by_hand or Line(About.WAY, Mark.GOOD, "by_api")]
        lines.append(await self._file(item))
        if by_hand is None and meta is not None:
            lines.append(login_line(meta, self._now()))
            lines += await self._asked(planned)
        lines.append(duplicate_line(item, found, self._now()))
        return lines

    async def _file(self, item: StoryItem) -> Line:
        if item.fitted_key is None:
            return Line(About.FILE, Mark.BAD, "not_fitted")
        try:
            async with self._objects.local(item.fitted_key) as path:
                found = await fitting.read(self._runner, path)
        except OSError:
            return Line(About.FILE, Mark.BAD, "file_missing")
        if isinstance(found, Refused):
            return Line(About.FILE, Mark.BAD, "not_readable", detail=found.reason)
        wrong = [one for one in story.check(found) if one.verdict is story.Verdict.WRONG]
        if wrong:
            return Line(About.FILE, Mark.BAD, "off_specification", detail=wrong[0].check)
        return Line(About.FILE, Mark.GOOD, "to_specification", number=item.bytes)

    async def _asked(self, planned: Story) -> list[Line]:
        """What Meta and the public address say, both at once."""
        try:
            async with asyncio.timeout(SECONDS):
                account = await self._logins.open(planned.meta_id)
                quota, address = await asyncio.gather(
                    self._quota(account), self._address(planned, account)
                )
                return [address, quota]
        except ReelayError as error:
            return [Line(About.QUOTA, Mark.BAD, "not_asked", detail=error.message)]
        except TimeoutError:
            return [Line(About.QUOTA, Mark.THINK, "slow")]

    async def _quota(self, account: Account) -> Line:
        try:
            quota = await account.quota()
        except MetaError as error:
            return Line(About.QUOTA, Mark.THINK, "not_asked", detail=error.message)
        left = quota.left
        mark = Mark.GOOD if left > FEW_POSTS else Mark.THINK if left else Mark.BAD
        word = "left" if left else "used_up"
        return Line(About.QUOTA, mark, word, number=left, total=quota.allowed)

    async def _address(self, planned: Story, account: Account) -> Line:
        """Puts a copy there, fetches it back as Meta would, and takes it away again."""
        if self._public is None:
            if planned.kind == "video" and account.flavour is Flavour.FACEBOOK:
                return Line(About.ADDRESS, Mark.GOOD, "uploads")
            return Line(About.ADDRESS, Mark.BAD, "no_public")
        if planned.fitted_key is None:
            return Line(About.ADDRESS, Mark.BAD, "not_fitted")
        try:
            async with self._objects.local(planned.fitted_key) as path:
                await self._fetched_back(self._public, planned, path)
        except HostingFailed as error:
            return Line(About.ADDRESS, Mark.BAD, "refused", detail=error.message)
        except (ReelayError, OSError):
            return Line(About.ADDRESS, Mark.BAD, "file_missing")
        return Line(About.ADDRESS, Mark.GOOD, "fetched")

    async def _fetched_back(self, public: PublicFiles, planned: Story, path: Path) -> None:
        """Errors: HostingFailed, StorageFailed."""
        mime = MIMES[planned.kind]
        copy = await public.put(path, mime)  # should we be killed, the sweep finds it by its age
        try:
            size = (await asyncio.to_thread(path.stat)).st_size
            await look(self._http, copy.url, mime, size)
        finally:
            await public.delete(copy.id)


def why_by_hand(
    planned: Story, item: StoryItem, account: StoryAccount, meta: MetaAccount | None
) -> Line | None:
    """None: the API may have it. Pure."""
    word, mark = next(_reasons(planned, item, account, meta), ("", Mark.GOOD))
    return Line(About.WAY, mark, word) if word else None


def _reasons(
    planned: Story, item: StoryItem, account: StoryAccount, meta: MetaAccount | None
) -> Iterator[tuple[str, Mark]]:
    if item.interactive:
        yield "interactive", Mark.GOOD
    if planned.mode == "manual":
        yield "manual", Mark.GOOD
    if meta is None:
        yield "not_connected", Mark.THINK
    if not account.by_api:
        yield "switched_off", Mark.GOOD
    if meta is not None and not may_publish(meta):
        yield "creator", Mark.THINK


def login_line(meta: MetaAccount, now: datetime) -> Line:
    """How long the log-in lasts. Pure."""
    if meta.problem is not None:
        return Line(About.LOGIN, Mark.BAD, "refused", detail=meta.problem)
    ends = min((one for one in (meta.expires_at, meta.data_ends_at) if one), default=None)
    if ends is None:
        return Line(About.LOGIN, Mark.GOOD, "no_end" if meta.unlimited else "renewed")
    days = (ends - now).days
    if ends <= now:
        return Line(About.LOGIN, Mark.BAD, "over")
    return Line(About.LOGIN, Mark.GOOD if days > FEW_DAYS else Mark.THINK, "days", number=days)


def duplicate_line(item: StoryItem, found: list[Twin], now: datetime) -> Line:
    """The same picture, or one that looks like it, was out before. Pure."""
    used = [twin for twin in found if twin.item.last_used_at is not None]
    last = max(used, key=lambda twin: twin.item.last_used_at or now, default=None)
    if item.last_used_at is not None and now - item.last_used_at < SOON:
        return Line(About.DUPLICATE, Mark.THINK, "itself", at=item.last_used_at)
    if last is not None:
        word = "same" if last.exact else "alike"
        return Line(
            About.DUPLICATE, Mark.THINK, word, at=last.item.last_used_at, detail=last.item.name
        )
    return Line(About.DUPLICATE, Mark.GOOD, "new")
