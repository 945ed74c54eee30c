"""One step of a publication: what the machine says is done, and what came of it is stored.

A job is one step: a copy and a container, or one look and what follows from it. In between the
story rests until its `next_at`. Registered with the engine and woken by bot/stories/parts.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog

from services.accounts.meta import MetaLogins
from services.clock import Now
from services.errors import (
    HostingRefused,
    MetaError,
    MetaRateLimited,
    PermissionMissing,
    QuotaUsed,
    ReelayError,
    Remedy,
    StorageFailed,
    TokenRefused,
)
from services.graph.account import Account, ContainerStatus
from services.graph.public import MIMES, PublicFiles
from services.graph.refusals import Outcome, new_containers, outcome_of
from services.graph.wire import Flavour
from services.jobs.engine import DEFAULT, Job
from services.stories import machine
from services.stories.ending import ask, end_published, hand_over, tell_waiting
from services.stories.machine import Publication, State, Status, Step, Trouble, Verdict
from services.stories.rows import columns_of, publication_of
from storage import stories, story_aftercare
from storage.database import Database, Transaction, Unavailable
from storage.objects import ObjectStore
from storage.stories import Story

log = structlog.get_logger()

MAX_IDLE_RUNS = 3
HOUR = timedelta(hours=1)
QUOTA_AGAIN = timedelta(minutes=15)
GIVEN_UP = "I have tried often enough: post it by hand."
IN_VAIN = "Meta did not publish it, however often it was asked."
_VERDICTS = {
    Outcome.RETRY: Verdict.RETRY,
    Outcome.WAIT: Verdict.WAIT,
    Outcome.REAUTHORISE: Verdict.LOGIN,
    Outcome.READ_CONTAINER: Verdict.LOOK,
    Outcome.NEW_CONTAINER: Verdict.ANEW,
    Outcome.MANUAL: Verdict.MANUAL,
    Outcome.NONE: Verdict.MANUAL,
}
_STATUSES = {status: Status(status.value) for status in ContainerStatus}


class Superseded(Exception):
    """A newer run, or a person, owns the story now."""


class Publishing:
    """The job kind "publish"; its row is the story.

    `public`: where Meta can fetch files; None: only videos by Facebook Login can be published.
    `per_hour`: our own bound for each account, whatever Meta allows.
    """

    name = "publish"
    queue = DEFAULT
    priority = 1

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        logins: MetaLogins,
        public: PublicFiles | None,
        now: Now,
        *,
        per_hour: int,
    ) -> None:
        self._database = database
        self._objects = objects
        self._logins = logins
        self._public = public
        self._now = now
        self._per_hour = per_hour

    # ------------------------------------------------------------ what the engine and clock call

    async def work(self, job: Job) -> bool:
        async with self._database.read() as db:
            story = await stories.get(db, job.row)
        if story is None or story.run != job.run or not story.at_work:
            return False
        try:
            await self._step(story)
        except Superseded:
            log.info("a story has changed hands", story=story.id)
        except (Unavailable, OSError) as error:  # of our own: reconcile tries again
            log.exception("storage failed", error=str(error))
        return False

    async def wake(self) -> list[Job]:
        """Stories whose next step is due; the caller enqueues their jobs."""
        now = self._now()
        async with self._database.read() as db:
            ready = await stories.resting(db, now)
        return [job for story in ready if (job := await self._take(story, now, idle_runs=0))]

    async def stranded(self, before: datetime) -> list[Job]:
        async with self._database.read() as db:
            rows = await stories.stranded(db, before)
        return [_job(story, story.run) for story in rows]

    async def restart(self, job: Job) -> Job | None:
        """A run that led nowhere is begun again; the third goes to a person, unless Meta was asked
        to publish: that is looked at for as long as it takes."""
        now = self._now()
        async with self._database.read() as db:
            story = await stories.get(db, job.row)
        if story is None or story.run != job.run or not story.at_work:
            return None
        if story.idle_runs + 1 < MAX_IDLE_RUNS:
            return await self._take(story, now, idle_runs=story.idle_runs + 1)
        publication = publication_of(story)
        error = StorageFailed("Three tries in a row broke off.", subject=str(story.id))
        if publication.publish_requested_at is None:
            moved = machine.give_up(publication, trouble_of(error, now), now)
        else:
            moved = machine.hold(publication, trouble_of(error, now), now)
        try:
            await self._store(story, moved, now, "broke_off", error)
        except Superseded:
            log.info("a story has changed hands", story=story.id)
        return None

    async def _take(self, story: Story, now: datetime, *, idle_runs: int) -> Job | None:
        async with self._database.write() as db:
            taken = await stories.move(
                db,
                story.id,
                now,
                from_states=stories.AT_WORK,
                run=story.run,
                new_run=True,
                at_work=True,
                idle_runs=idle_runs,
            )
        return _job(story, story.run + 1) if taken else None

    # ------------------------------------------------------------ one step

    async def _step(self, story: Story) -> None:
        now = self._now()
        publication = publication_of(story)
        match machine.next_step(publication, now):
            case Step.NONE:
                await self._store(story, publication, now)
            case Step.ASK_PEOPLE:
                await self._store(story, machine.ask_again(publication, now), now, "late")
            case Step.CREATE:
                await self._create(story, publication)
            case Step.LOOK:
                await self._look(story, publication)

    async def _create(self, story: Story, publication: Publication) -> None:
        account: Account | None = None
        try:
            account = await self._logins.open(story.meta_id)
            await self._check_bounds(story, account)
            container_id = await self._container(story, account)
        except ReelayError as error:
            trouble = await self._trouble(story, error, account)
            now = self._now()
            moved = machine.after_trouble(publication, trouble, now)
            await self._store(story, moved, now, "trouble", error)
            return
        now = self._now()
        moved = machine.after_create(publication, container_id, now)
        await self._store(story, moved, now, "container")

    async def _container(self, story: Story, account: Account) -> str:
        """Errors: MetaError, HostingFailed, StorageFailed."""
        if story.fitted_key is None:
            raise StorageFailed("The story's file is not there.", subject=str(story.id))
        photo = story.kind == "photo"
        try:
            async with self._objects.local(story.fitted_key) as file:
                if self._public is None:
                    if photo or account.flavour is not Flavour.FACEBOOK:
                        raise HostingRefused
                    container_id = await account.create_upload_story()
                    await account.upload(container_id, file)
                    return container_id
                copy = await self._public.put(file, MIMES[story.kind])
        except OSError as error:
            raise StorageFailed(subject=story.fitted_key) from error
        async with self._database.write() as db:
            await stories.keep_copy(db, copy.id, story.id, self._now())
        create = account.create_image_story if photo else account.create_video_story
        return await create(copy.url)

    async def _look(self, story: Story, publication: Publication) -> None:
        account: Account | None = None
        failure: ReelayError | None
        assert publication.container_id is not None
        try:
            account = await self._logins.open(story.meta_id)
            container = await account.container(publication.container_id)
        except ReelayError as error:
            failure, trouble = error, await self._trouble(story, error, account)
            now = self._now()
            moved, step = machine.after_blind_look(publication, trouble, now)
        else:
            failure, now = container.failure(), self._now()
            dead = trouble_of(failure, now) if failure else None
            moved, step = machine.after_look(publication, _STATUSES[container.status], now, dead)
        if step is Step.PUBLISH:
            assert account is not None
            await self._publish(story, account, moved)
        else:
            await self._store(story, moved, now, "trouble" if failure else None, failure)

    async def _publish(self, story: Story, account: Account, looked: Publication) -> None:
        """The state in which it is asked for is committed before the one request."""
        try:
            await self._check_bounds(story, account)
            first = looked.publishes == 0  # later on, it may be among them itself
            live = await _live(account) if first else story.live_before
            now = self._now()
            asked = machine.ask_for(looked, now)
            async with self._database.write() as db:
                await self._check_hour(db, story, lock=True)
                await _move(db, story, asked, now, "asked", at_work=True, live_before=live)
        except ReelayError as error:
            trouble = await self._trouble(story, error, account)
            now = self._now()
            await self._store(story, machine.hold(looked, trouble, now), now, "trouble", error)
            return
        answer, failure = await self._ask_meta(story, account, asked)
        now = self._now()
        moved = machine.after_publish(asked, answer, now)
        await self._store(story, moved, now, "trouble" if failure else None, failure)

    async def _ask_meta(
        self, story: Story, account: Account, asked: Publication
    ) -> tuple[str | Trouble, ReelayError | None]:
        """The media id, or what was said instead."""
        assert asked.container_id is not None
        try:
            return await account.publish(asked.container_id), None
        except ReelayError as error:
            return await self._trouble(story, error, account), error

    # ------------------------------------------------------------ bounds and troubles

    async def _check_bounds(self, story: Story, account: Account) -> None:
        """Ours, then Meta's. Errors: QuotaUsed, other MetaError."""
        async with self._database.read() as db:
            await self._check_hour(db, story)
        if not (await account.quota()).left:
            raise QuotaUsed

    async def _check_hour(self, db: Transaction, story: Story, *, lock: bool = False) -> None:
        """Errors: QuotaUsed."""
        since = self._now() - HOUR
        if await stories.asked_since(db, story, since, lock=lock) >= self._per_hour:
            raise QuotaUsed(
                f"{self._per_hour} posts within an hour are the most that this bot sends.",
                "It goes out within the hour, or post it by hand.",
            )

    async def _trouble(self, story: Story, error: ReelayError, account: Account | None) -> Trouble:
        """What the error means; a dead log-in is said to its person, once. `account`: as it was
        asked with, None if it could not be opened."""
        if story.meta_id is not None and isinstance(error, TokenRefused | PermissionMissing):
            await self._logins.refused(story.meta_id, error, account.token if account else None)
        return trouble_of(error, self._now())

    # ------------------------------------------------------------ what came of it

    async def _store(
        self,
        story: Story,
        moved: Publication,
        now: datetime,
        event: str | None = None,
        error: ReelayError | None = None,
    ) -> None:
        """The job is over with it. Errors: Superseded."""
        async with self._database.write() as db:
            await _move(db, story, moved, now, event, error)


async def _live(account: Account) -> list[str] | None:
    """Ids of what is live already, for finding the story's own afterwards; None: not told."""
    try:
        return [one.id for one in await account.stories()]
    except MetaError:
        return None


async def _move(
    db: Transaction,
    story: Story,
    moved: Publication,
    now: datetime,
    event: str | None = None,
    error: ReelayError | None = None,
    **more: Any,
) -> None:
    """The row, its history, and whoever must be told. Errors: Superseded."""
    to: dict[str, Any] = {"at_work": False, **columns_of(moved), **more}
    detail = _told(moved, error)
    if error or moved.verdict is None:
        to["detail"] = detail
    if moved.media_id:  # what Meta answers beats what was concluded
        await story_aftercare.disown(db, story, moved.media_id)
    if not await stories.move(db, story.id, now, from_states=stories.AT_WORK, run=story.run, **to):
        raise Superseded
    if event and not (event == "trouble" and moved.word == story.word):
        await stories.note(db, story.id, event, now, detail=detail)
    match moved.state:
        case State.PUBLISHED:
            await end_published(db, story, now)
        case State.BY_HAND:
            await hand_over(db, story, now, why=detail or story.detail)
        case State.ASKING:
            await ask(db, story, now)
        case _ if _is_long(moved, now):
            await tell_waiting(db, story, now, moved.word)


def _is_long(moved: Publication, now: datetime) -> bool:
    """In trouble for minutes. A dead log-in is said for all stories of its account at once."""
    if moved.state not in machine.AT_WORK or moved.verdict in (None, Verdict.LOGIN):
        return False
    return moved.next_at - now > machine.SOON


def _told(moved: Publication, error: ReelayError | None) -> str:
    """What happened, and the next step: no more of Reelay's own once a person has to post it."""
    if moved.state is State.BY_HAND and moved.verdict is not Verdict.MANUAL:
        return f"{error.message if error else IN_VAIN} {GIVEN_UP}"
    return f"{error.message} {error.next_step}" if error else ""


def trouble_of(error: ReelayError, now: datetime) -> Trouble:
    word = type(error).__name__
    match error:
        case QuotaUsed():
            return Trouble(Verdict.WAIT, word, now + QUOTA_AGAIN)
        case MetaRateLimited():
            return Trouble(Verdict.WAIT, word, error.until or now + machine.SELDOM)
        case MetaError():
            return Trouble(
                _VERDICTS[outcome_of(error)], word, anew=new_containers(error) or machine.ANEW
            )
    retry = error.remedy is Remedy.RETRY or isinstance(error, StorageFailed)
    return Trouble(Verdict.RETRY if retry else Verdict.MANUAL, word)


def _job(story: Story, run: int) -> Job:
    return Job(Publishing.name, story.id, run, 0, str(story.account_id))
