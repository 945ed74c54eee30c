"""What Reelay does at Meta as one account: make a story's container, watch it, publish it, look.

Built by the publishing state machine for each call, with the token opened just then. The order of
the calls, and what is stored between them, is the state machine's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from services.errors import (
    ContainerFailed,
    ContainerInDoubt,
    MetaChanged,
    MetaError,
    MetaNotFound,
    MetaUnavailable,
    PermissionMissing,
    RequestRefused,
    StorageFailed,
)
from services.graph.reading import Fields, is_id
from services.graph.refusals import Outcome, judge_status, outcome_of
from services.graph.usage import Usage
from services.graph.wire import CALL_SECONDS, PUBLISH_SECONDS, Answer, Flavour, GraphClient
from storage.vault import Secret

_CHUNK = 1 << 20
_STORIES = 100  # Instagram itself shows no more at once
_CAREFUL = 50  # posts a day, where Meta does not tell


class ContainerStatus(StrEnum):
    """Meta's status_code. Source: the page "IG Container"."""

    IN_PROGRESS = "IN_PROGRESS"
    FINISHED = "FINISHED"
    PUBLISHED = "PUBLISHED"
    ERROR = "ERROR"
    EXPIRED = "EXPIRED"  # not published within 24 hours


@dataclass(frozen=True, slots=True)
class Container:
    """`text`: Meta's own, foreign. `received`: bytes of a resumable upload that have arrived."""

    id: str
    status: ContainerStatus
    text: str = ""
    received: int = 0

    def failure(self) -> MetaError | None:
        """Why it is dead; None if it is not."""
        if self.status is ContainerStatus.EXPIRED:
            return ContainerFailed(
                "The story lay at Meta for 24 hours unpublished.", subject=self.id
            )
        return judge_status(self.text, self.id) if self.status is ContainerStatus.ERROR else None


@dataclass(frozen=True, slots=True)
class Quota:
    """Posts through the API within the last 24 hours. `total` None: Meta did not say; its pages
    name 50 and 100, so 50 is the careful guess."""

    used: int
    total: int | None

    @property
    def allowed(self) -> int:
        return _CAREFUL if self.total is None else self.total

    @property
    def left(self) -> int:
        return max(self.allowed - self.used, 0)


@dataclass(frozen=True, slots=True)
class LiveStory:
    """One of the last 24 hours. `kind`: IMAGE or VIDEO. `permalink` "" where Meta gave none."""

    id: str
    kind: str
    posted_at: datetime
    permalink: str


class Account:
    """`user_id`: of the professional account at Instagram, digits. `token`: publishes and reads.

    `spare`: another token of the same account (Facebook Login: the user's beside the Page's), for
    reads that the first may not make: from 2026-05-23 on Page tokens could not read containers.
    `usage`: as the last answer told it, None until one did.
    """

    def __init__(
        self,
        client: GraphClient,
        flavour: Flavour,
        user_id: str,
        token: Secret,
        spare: Secret | None = None,
    ) -> None:
        if not is_id(user_id):
            raise RequestRefused(subject="user id")
        self.flavour = flavour
        self.user_id = user_id
        self.usage: Usage | None = None
        self._client = client
        self.token = token
        self._spare = spare

    # ------------------------------------------------------------ publishing

    async def create_image_story(self, url: str) -> str:
        """Returns the container's id. `url`: public, https, ASCII, signed for 24 hours.

        Errors: MetaError. Safe to repeat: a container whose id was lost can never be published.
        """
        return await self._create({"image_url": url})

    async def create_video_story(self, url: str) -> str:
        """As create_image_story."""
        return await self._create({"video_url": url})

    async def create_upload_story(self) -> str:
        """As create_image_story, for a video that upload() brings. Only by Facebook Login."""
        if self.flavour is not Flavour.FACEBOOK:
            raise RequestRefused("Only accounts connected by Facebook can upload to Meta.")
        return await self._create({"upload_type": "resumable"})

    async def _create(self, source: Mapping[str, str]) -> str:
        try:
            answer = await self._post("media", {"media_type": "STORIES", **source})
        except (ContainerInDoubt, MetaNotFound) as error:  # here the account is out of reach
            raise PermissionMissing(said=error.said, subject=error.subject) from None
        return answer.fields.id("id")

    async def upload(self, container_id: str, video: Path, start: int = 0) -> None:
        """Sends the file's bytes from `start` on: Container.received, after a broken upload.

        Errors: MetaUnavailable (look at Container.received, go on from there), ContainerFailed
        and what else MetaError has; StorageFailed if the file can't be read here.
        """
        try:
            size = (await asyncio.to_thread(video.stat)).st_size
        except OSError as error:
            raise StorageFailed(subject=video.name) from error
        headers = {
            "offset": str(start),
            "file_size": str(size),
            "Content-Length": str(size - start),
            "Content-Type": "application/octet-stream",
        }
        base = self._client.addresses.uploads
        url = f"{base}/ig-api-upload/{self._client.version}/{checked_id(container_id)}"
        answer = await self._client.upload(url, _pieces(video, start), headers, self.token)
        self._note(answer)
        if answer.fields.values.get("success") is not True:
            raise _upload_error(answer.fields.optional_fields("debug_info"))

    async def container(self, container_id: str) -> Container:
        """How far it is. ContainerInDoubt: it can't be read now; that says nothing about it."""
        fields = "status_code,status"
        if self.flavour is Flavour.FACEBOOK:
            fields += ",video_status"
        try:
            answer = await self._get(checked_id(container_id), {"fields": fields})
        except ContainerInDoubt:
            if self._spare is None:
                raise
            answer = await self._get(checked_id(container_id), {"fields": fields}, self._spare)
        return _container(container_id, answer.fields)

    async def publish(self, container_id: str) -> str:
        """Returns the story's media id. One request, never repeated: store that it was asked for
        before, and read the container before it is asked for again.

        Errors: MetaError; ContainerInDoubt for all that may have happened after it took effect.
        """
        form = {"creation_id": checked_id(container_id)}
        try:
            answer = await self._post("media_publish", form, seconds=PUBLISH_SECONDS)
            return answer.fields.id("id")
        except MetaError as error:
            if outcome_of(error) in {Outcome.RETRY, Outcome.NEW_CONTAINER, Outcome.NONE}:
                raise ContainerInDoubt(said=error.said, subject=container_id) from None
            raise

    async def quota(self) -> Quota:
        """What is used of Meta's posts per 24 hours."""
        params = {"fields": "quota_usage,config"}
        answer = await self.read(f"{self.user_id}/content_publishing_limit", params)
        rows = answer.fields.list("data")
        if not rows:
            raise MetaChanged(subject=f"{answer.fields.where}.data")
        config = rows[0].optional_fields("config")
        return Quota(
            used=rows[0].count("quota_usage"),
            total=config.optional_count("quota_total") if config else None,
        )

    # ------------------------------------------------------------ what is there

    async def stories(self) -> list[LiveStory]:
        """The live ones, of the API and of the app, in Meta's order; no reshares."""
        params = {
            "fields": "id,media_type,media_product_type,timestamp,permalink",
            "limit": str(_STORIES),
        }
        answer = await self.read(f"{self.user_id}/stories", params)
        return [
            LiveStory(
                id=row.id("id"),
                kind=row.optional_text("media_type"),
                posted_at=row.moment("timestamp"),
                permalink=row.optional_text("permalink"),
            )
            for row in answer.fields.list("data")
        ]

    async def account_type(self) -> str:
        """BUSINESS, MEDIA_CREATOR or CREATOR; "" where Meta does not tell it of this flavour."""
        try:
            answer = await self.read(self.user_id, {"fields": "account_type"})
        except RequestRefused:  # "nonexisting field": seen by Facebook Login
            return ""
        return answer.fields.optional_text("account_type")

    # ------------------------------------------------------------ the calls

    async def read(self, path: str, params: Mapping[str, str]) -> Answer:
        """Of anything but a container: there 100/33 is one more way of being unwell. `path`: with
        ids that were checked. Errors: MetaError."""
        try:
            return await self._get(path, params)
        except ContainerInDoubt as error:
            raise MetaUnavailable(said=error.said, subject=error.subject) from None

    async def _get(
        self, path: str, params: Mapping[str, str], token: Secret | None = None
    ) -> Answer:
        url = f"{self._client.api(self.flavour)}/{path}"
        return self._note(await self._client.get(url, params, token or self.token))

    async def _post(
        self, edge: str, form: Mapping[str, str], seconds: float = CALL_SECONDS
    ) -> Answer:
        url = f"{self._client.api(self.flavour)}/{self.user_id}/{edge}"
        return self._note(await self._client.post(url, form, self.token, seconds=seconds))

    def _note(self, answer: Answer) -> Answer:
        self.usage = answer.usage or self.usage
        return answer


def checked_id(id_: str) -> str:
    """Errors: RequestRefused. What is stored as an id goes into paths."""
    if not is_id(id_):
        raise RequestRefused(subject="id")
    return id_


def _container(container_id: str, fields: Fields) -> Container:
    status = fields.text("status_code")
    if status not in list(ContainerStatus):
        raise MetaChanged(subject=f"{fields.where}.status_code")
    video = fields.optional_fields("video_status")
    uploading = video.optional_fields("uploading_phase") if video else None
    received = uploading.optional_count("bytes_transferred") if uploading else None
    return Container(
        id=container_id,
        status=ContainerStatus(status),
        text=fields.optional_text("status"),
        received=received or 0,
    )


async def _pieces(video: Path, start: int) -> AsyncIterator[bytes]:
    try:
        with await asyncio.to_thread(video.open, "rb") as file:
            file.seek(start)
            while piece := await asyncio.to_thread(file.read, _CHUNK):
                yield piece
    except OSError as error:  # of our disk: the client takes others for Meta's
        raise StorageFailed(subject=video.name) from error


def _upload_error(info: Fields | None) -> MetaError:
    """{"debug_info": {"retriable": false, "type": "ProcessingFailedError", "message": "…"}}"""
    if info is not None and info.values.get("retriable") is False:
        return judge_status(info.optional_text("message"), info.where)
    return MetaUnavailable(subject="upload")
