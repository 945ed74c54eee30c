"""Containers and what became of them: status, quota, publication, the stories that are live.

`api` asks; the clock that is given decides what is ready, expired or gone. Once-only is kept here:
a container goes live at most once, whoever asks at the same time.
"""

from __future__ import annotations

import asyncio
import collections
import enum
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.graph.media import BadFilm, Media
from sandbox.graph.people import Account
from sandbox.graph.refusals import Refusal, Refused, builder_gone, documented

LIFE = timedelta(hours=24)  # of a container, and of a story
DAY = timedelta(hours=24)
CONTAINERS_A_DAY = 400
QUOTA = 50


class Status(enum.Enum):
    """`value` is what `status` says besides; of ERROR with its subcode."""

    IN_PROGRESS = "In Progress: Media is still being processed."
    FINISHED = "Finished: Media has been uploaded and it is ready to be published."
    PUBLISHED = "Published: Media has been successfully published."
    ERROR = "Error: Media upload has failed with error code {}"
    EXPIRED = "Expired: The container was not published within 24 hours and has expired."


class SecondPublish(enum.Enum):
    """What publishing a container again answers. Meta documents none; clients have seen these."""

    NOT_AVAILABLE = (9007, 2207027)
    GONE = (24, 2207008)
    ALREADY = (100, None)


@dataclass(slots=True)
class Container:
    """`media`: what was fetched or uploaded, once it is there and good. `failure`: the subcode of
    its ERROR. `publish_calls`: how often media_publish named it, whatever the answer was."""

    id: str
    account: Account
    is_film: bool
    created_at: datetime
    ready_at: datetime | None  # None while an upload is awaited
    media: Media | None = None
    failure: int | None = None
    work: asyncio.Task[Media] | None = None  # fetches and looks at a film
    uploaded: bytearray | None = None  # by a resumable upload, as far as it is
    size: int = 0  # of the upload, as its sender said
    story: Story | None = None
    publish_calls: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """It went live. Kept for ever; `Containers.live` says which are still up."""

    id: str
    container: str
    account: Account
    media: Media
    at: datetime

    @property
    def media_type(self) -> str:
        return "VIDEO" if self.media.mime.startswith("video/") else "IMAGE"

    @property
    def permalink(self) -> str:
        return f"https://www.instagram.com/stories/{self.account.username}/{self.id}"


class Containers:
    """`processing`: how long a picture and a film stay IN_PROGRESS, on the given clock."""

    def __init__(
        self,
        now: Callable[[], datetime],
        processing: tuple[timedelta, timedelta],
    ) -> None:
        self.quota = QUOTA
        self.second_publish = SecondPublish.GONE
        self.published: list[Story] = []
        self.processing = processing
        self.failures: collections.deque[int] = collections.deque()  # of the next containers
        self.all_stuck = False
        self._now = now
        self._numbers = itertools.count(18_000_000_000_000_001)
        self._containers: dict[str, Container] = {}
        self._deleted: set[str] = set()

    # ------------------------------------------------------------------ making

    def make(self, account: Account, *, is_film: bool, awaits_upload: bool = False) -> Container:
        """Errors: Refused at the 401st within a day."""
        now = self._now()
        recent = [
            one
            for one in self._containers.values()
            if one.account.id == account.id and now - one.created_at < DAY
        ]
        if len(recent) >= CONTAINERS_A_DAY:
            raise Refused(documented(9, 2207042))
        container = Container(str(next(self._numbers)), account, is_film, now, None)
        self._containers[container.id] = container
        if self.failures:
            container.failure = self.failures.popleft()
        if awaits_upload:
            container.uploaded = bytearray()
        else:
            self.processed_from_now(container)
        return container

    def processed_from_now(self, container: Container) -> None:
        container.ready_at = self._now() + self.processing[container.is_film]

    def find(self, container: str) -> Container | None:
        return self._containers.get(container)

    def forget(self, container: Container) -> None:
        """Of a request that was refused after all."""
        del self._containers[container.id]

    # ------------------------------------------------------------------ status

    async def status(self, container: Container) -> Status:
        """Waits for the film's check if it should be through by the clock."""
        now = self._now()
        if container.story:
            return Status.PUBLISHED
        due = container.ready_at is not None and now >= container.ready_at
        if due and container.work:
            try:
                container.media = await asyncio.shield(container.work)
            except BadFilm as problem:
                container.failure = container.failure or problem.subcode
            container.work = None
        if container.story:  # published while this one waited
            return Status.PUBLISHED
        if due and container.failure:
            return Status.ERROR
        if now - container.created_at >= LIFE:
            return Status.EXPIRED
        if not due or self.all_stuck or container.media is None:
            return Status.IN_PROGRESS
        return Status.FINISHED

    # ------------------------------------------------------------------ publishing

    def quota_used(self, account: Account, since: datetime | None = None) -> int:
        start = since or self._now() - DAY
        return sum(one.account.id == account.id and one.at > start for one in self.published)

    async def publish(self, account: Account, container_id: str) -> Story:
        """Takes effect at once and at most once. Errors: Refused."""
        container = self._containers.get(container_id)
        if container is None:
            raise builder_gone(container_id)
        if container.account.id != account.id:
            raise Refused(documented(24, 2207006))
        container.publish_calls += 1
        status = await self.status(container)
        # From here on nothing is awaited: of two requests at once, one is the second.
        if status is Status.PUBLISHED:
            raise self._again(container_id)
        if status is Status.EXPIRED:
            raise Refused(documented(-2, 2207020))
        if status is not Status.FINISHED:
            raise Refused(documented(9007, 2207027))
        if self.quota_used(account) >= self.quota:
            raise Refused(documented(9, 2207042))
        assert container.media is not None
        number = 17_900_000_000_000_001 + len(self.published)
        story = Story(str(number), container.id, account, container.media, self._now())
        container.story = story
        self.published.append(story)
        return story

    def _again(self, container_id: str) -> Refused:
        if self.second_publish is SecondPublish.GONE:
            return builder_gone(container_id)
        if self.second_publish is SecondPublish.ALREADY:
            return Refused(Refusal(100, "(#100) The media has already been published"))
        return Refused(documented(9007, 2207027))

    # ------------------------------------------------------------------ what is live

    def live(self, account: Account) -> list[Story]:
        """Newest first, as Meta lists them."""
        return [
            story
            for story in reversed(self.published)
            if story.account.id == account.id and self._is_live(story)
        ]

    def live_story(self, media_id: str) -> Story | None:
        for story in self.published:
            if story.id == media_id and self._is_live(story):
                return story
        return None

    def delete(self, story: Story) -> None:
        self._deleted.add(story.id)

    def _is_live(self, story: Story) -> bool:
        return story.id not in self._deleted and self._now() - story.at < LIFE

    async def close(self) -> None:
        """Ends what is still fetching."""
        tasks = [one.work for one in self._containers.values() if one.work]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
