"""The calls of graph.facebook.com and graph.instagram.com, and uploads: one handler each.

`server` mounts them; what they get was found, checked against `rules` and carries its token.
Effects are in `containers`; here is who may do what, and the shape of the answers.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import aiohttp
from aiohttp import web

from sandbox.graph import fields, insights, rules
from sandbox.graph.asking import Asking
from sandbox.graph.bad_days import BadDays
from sandbox.graph.containers import Container, Containers, Status, Story
from sandbox.graph.discovery import Discovery
from sandbox.graph.fields import Asked
from sandbox.graph.media import (
    VIDEO_BYTES,
    checked_film,
    fetch_film,
    fetch_image,
    may_fetch,
)
from sandbox.graph.people import BUSINESS, Account, Page, People
from sandbox.graph.refusals import (
    Json,
    Refused,
    documented,
    invalid,
    no_such_field,
    unfetchable,
    unknown_object,
)
from sandbox.graph.rules import FACEBOOK, UPLOADS, Call
from sandbox.graph.tokens import Kind, Token, Tokens

NUMBER = re.compile(r"[0-9]{1,12}")
BAD_MEDIA = 2207026


class UploadRefused(Exception):
    """rupload.facebook.com answers in a shape of its own, with `debug_info`."""

    def __init__(self, type_: str, message: str, *, retriable: bool = False) -> None:
        super().__init__(message)
        self.type = type_
        self.retriable = retriable

    def body(self) -> Json:
        info = {"retriable": self.retriable, "type": self.type, "message": str(self)}
        return {"debug_info": info}


class Api:
    """`origin` is where the stand-in listens; `http` fetches media. Both come with the start."""

    def __init__(
        self,
        people: People,
        tokens: Tokens,
        containers: Containers,
        bad_days: BadDays,
        discovery: Discovery,
        now: Callable[[], datetime],
    ) -> None:
        self.origin = ""
        self.http: aiohttp.ClientSession | None = None
        self._people = people
        self._tokens = tokens
        self._containers = containers
        self._bad_days = bad_days
        self._discovery = discovery
        self._now = now

    # ------------------------------------------------------------------ containers

    async def create(self, asking: Asking) -> Json:
        account = self._account(asking)
        if account.type != BUSINESS:
            # Stories are for business accounts; with which code others are refused is not known.
            raise Refused(documented(10))
        params = asking.params
        if "upload_type" in params:
            container = self._containers.make(account, is_film=True, awaits_upload=True)
            path = f"ig-api-upload/{_version(asking)}/{container.id}"
            return {"id": container.id, "uri": f"{self.origin}/{UPLOADS}/{path}"}
        is_film = "video_url" in params
        url = params["video_url" if is_film else "image_url"]
        if not may_fetch(url):
            raise unfetchable(url)
        assert self.http is not None
        container = self._containers.make(account, is_film=is_film)
        if self._bad_days.is_on("meta-bad-media"):
            container.failure = BAD_MEDIA
        if is_film:
            container.work = asyncio.create_task(fetch_film(self.http, url))
            return {"id": container.id}
        try:
            container.media = await fetch_image(self.http, url)
        except Refused:
            self._containers.forget(container)
            raise
        return {"id": container.id}

    async def upload(self, asking: Asking) -> Json:
        """Bytes from `offset` on, or one `file_url`. Errors: UploadRefused."""
        container = self._containers.find(asking.id)
        token = asking.token
        if container is None or token is None or container.account not in self._accounts(token):
            raise UploadRefused("NotAuthorizedError", "The container is not yours")
        if container.uploaded is None:
            raise UploadRefused("ProcessingFailedError", "Request processing failed")
        headers = asking.request.headers
        if url := headers.get("file_url"):
            assert self.http is not None
            if not may_fetch(url):
                raise UploadRefused("ProcessingFailedError", "The file_url cannot be fetched")
            container.work = asyncio.create_task(fetch_film(self.http, url))
        else:
            await _receive(asking.request, container)
            data = bytes(container.uploaded)
            container.work = asyncio.create_task(checked_film(data))
        self._containers.processed_from_now(container)
        return {"success": True, "message": "Upload successful."}

    async def publish(self, asking: Asking) -> Json:
        account = self._account(asking)
        story = await self._containers.publish(account, asking.params["creation_id"])
        return {"id": story.id}

    async def limit(self, asking: Asking) -> Json:
        account = self._account(asking)
        since = None
        if "since" in asking.params:
            since = datetime.fromtimestamp(int(asking.params["since"]), self._now().tzinfo)
            if self._now() - since > timedelta(hours=24):
                raise invalid("Param since must be within the last 24 hours")
        asked = asking.fields or fields.parse("quota_usage")
        asked.check(fields.LIMIT, "ContentPublishingLimitResponse")
        quota = self._containers.quota
        used = self._containers.quota_used(account, since)
        if self._bad_days.is_on("meta-quota"):
            used = quota
        config = {"quota_total": quota, "quota_duration": 86_400}
        return {"data": [asked.of({"quota_usage": used, "config": config})]}

    # ------------------------------------------------------------------ stories and other media

    async def stories(self, asking: Asking) -> Json:
        account = self._account(asking)
        asked = self._media_fields(asking)
        rows = [asked.of(self._media(story)) for story in self._containers.live(account)]
        return asking.page_of(rows)

    async def media_list(self, asking: Asking) -> Json:
        """Never stories; and nothing else is published here."""
        self._account(asking)
        self._media_fields(asking)
        return {"data": []}

    async def delete(self, asking: Asking) -> Json:
        story = self._story(asking)
        self._containers.delete(story)
        return {"success": True, "deleted_id": story.id}

    async def insights(self, asking: Asking) -> Json:
        story = self._story(asking)
        return insights.of_story(story, asking.params, asking.host, self._now())

    def _story(self, asking: Asking) -> Story:
        story = self._containers.live_story(asking.id)
        if story is None or story.account not in self._accounts(asking.token):
            raise unknown_object(asking.request.method, asking.id)
        return story

    def _media_fields(self, asking: Asking) -> Asked:
        known = fields.IG_MEDIA if asking.host == FACEBOOK else fields.IG_MEDIA_ONLY
        asked = asking.fields or fields.parse("id")
        asked.check(known, "IGMedia")
        return asked

    def _media(self, story: Story) -> Json:
        url = f"{self.origin}/media/{story.id}.{'mp4' if story.media_type == 'VIDEO' else 'jpg'}"
        return {
            "id": story.id,
            "caption": None,  # of a story it is ignored
            "comments_count": 0,
            "ig_id": story.id[::-1],
            "is_comment_enabled": True,
            "like_count": 0,
            "media_product_type": "STORY",
            "media_type": story.media_type,
            "media_url": url,
            "owner": {"id": story.account.id},
            "permalink": story.permalink,
            "shortcode": f"S{story.id[-8:]}",
            "thumbnail_url": url if story.media_type == "VIDEO" else None,
            "timestamp": story.at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "username": story.account.username,
        }

    # ------------------------------------------------------------------ nodes

    def kind_of(self, node: str) -> Call:
        """Of which kind a read of this id is."""
        if node in self._people.accounts:
            return Call.ACCOUNT
        if self._containers.find(node):
            return Call.CONTAINER
        return Call.MEDIA if self._containers.live_story(node) else Call.NODE

    async def node(self, asking: Asking) -> Json:
        """An account, a container, a live story or a Page, whichever has this id."""
        accounts = self._accounts(asking.token)
        account = self._people.accounts.get(asking.id)
        if account and account in accounts:
            return self._user(asking, account)
        container = self._containers.find(asking.id)
        if container and container.account in accounts:
            return await self._container(asking, container)
        story = self._containers.live_story(asking.id)
        if story and story.account in accounts:
            return self._media_fields(asking).of(self._media(story))
        raise unknown_object("get", asking.id)

    def _user(self, asking: Asking, account: Account) -> Json:
        is_facebook = asking.host == FACEBOOK
        asked = asking.fields or fields.parse("id")
        if is_facebook:
            asked.check(fields.IG_USER, "IGUser")
            if "business_discovery" in asked:
                return self._discover(asking, account, asked)
        else:
            asked.check(fields.IG_USER_ONLY, "IGUser")
        node = self._profile(account)
        if not is_facebook:
            node["user_id"] = account.id
        return asked.of(node)

    def _discover(self, asking: Asking, account: Account, asked: Asked) -> Json:
        """Somebody else's public profile, looked up as this account."""
        assert asking.token is not None
        if not rules.MEASURES[FACEBOOK] <= asking.token.scopes:
            raise Refused(documented(10))
        found = self._discovery.of(asked.names["business_discovery"])
        return {**asked.of(self._profile(account)), "business_discovery": found}

    def _profile(self, account: Account) -> Json:
        return {
            "id": account.id,
            "ig_id": account.person.pk,
            "account_type": account.type,
            "biography": account.person.biography,
            "followers_count": account.followers,
            "follows_count": 180,
            "has_profile_pic": True,
            "is_published": True,
            "legacy_instagram_user_id": str(account.person.pk),
            "media_count": self._people.media_count(account),
            "name": account.person.full_name,
            "username": account.username,
        }

    async def _container(self, asking: Asking, container: Container) -> Json:
        asked = asking.fields or fields.parse("id")
        asked.check(fields.IG_CONTAINER, "IGContainer")
        self._containers.all_stuck = self._bad_days.is_on("meta-stuck")
        status = await self._containers.status(container)
        node: Json = {
            "id": container.id,
            "status_code": status.name,
            "status": status.value.format(container.failure),
            "copyright_check_status": {"status": "completed", "matches_found": False},
        }
        if container.is_film:
            node["video_status"] = _video_status(container, status)
        return asked.of(node)

    # ------------------------------------------------------------------ me

    async def me(self, asking: Asking) -> Json:
        token = asking.token
        assert token is not None
        if token.kind is Kind.INSTAGRAM:
            account = self._people.accounts[token.owner]
            asked = asking.fields or fields.parse("id")
            asked.check(fields.IG_USER_ONLY, "User")
            return asked.of(
                {**self._profile(account), "id": account.scoped_id, "user_id": account.id}
            )
        asked = asking.fields or fields.parse("name,id")
        if token.kind is Kind.PAGE:
            return self._page(self._people.pages[token.owner], asked, token)
        asked.check(fields.FACEBOOKER, "User")
        person = self._people.facebookers[token.owner]
        return asked.of({"id": person.id, "name": person.name})

    async def pages(self, asking: Asking) -> Json:
        """Only those of the user; without pages_show_list, none."""
        token = asking.token
        assert token is not None
        if token.kind is not Kind.USER:
            raise no_such_field("accounts", "Page")
        asked = asking.fields or fields.parse("access_token,category,name,id,tasks")
        shown = self._people.facebookers[token.owner].pages
        if "pages_show_list" not in token.scopes:
            shown = ()
        return asking.page_of([self._page(page, asked, token) for page in shown])

    def _page(self, page: Page, asked: Asked, token: Token) -> Json:
        asked.check(fields.PAGE, "Page")
        node: Json = {
            "id": page.id,
            "name": page.name,
            "category": "Digital creator",
            "tasks": ["ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MESSAGING", "MODERATE", "MANAGE"],
        }
        if token.kind is Kind.USER and "access_token" in asked:
            node["access_token"] = self._tokens.of_page(page.id, token).text
        for name in ("instagram_business_account", "connected_instagram_account"):
            if name in asked and page.account and "instagram_basic" in token.scopes:
                inner = asked.names[name]
                inner.check(fields.IG_USER, "IGUser")
                node[name] = inner.of(self._profile(page.account))
        return asked.of(node)

    # ------------------------------------------------------------------ whose is what

    def _accounts(self, token: Token | None) -> tuple[Account, ...]:
        """What a token opens."""
        if token is None:
            return ()
        if token.kind is Kind.INSTAGRAM:
            return (self._people.accounts[token.owner],)
        if token.kind is Kind.PAGE:
            page = self._people.pages[token.owner]
            return (page.account,) if page.account else ()
        pages = self._people.facebookers[token.owner].pages
        return tuple(page.account for page in pages if page.account)

    def owner(self, token: Token) -> str:
        """The username for whom a token is, for the log."""
        if token.kind is Kind.INSTAGRAM:
            return self._people.accounts[token.user].username
        return self._people.facebookers[token.user].username

    def _account(self, asking: Asking) -> Account:
        account = self._people.accounts.get(asking.id)
        if account is None or account not in self._accounts(asking.token):
            raise unknown_object(asking.request.method, asking.id)
        return account


def _version(asking: Asking) -> str:
    return asking.request.match_info["path"].strip("/").partition("/")[0]


def _video_status(container: Container, status: Status) -> Json:
    """`bytes_transferred` is from where a broken upload goes on."""
    if container.uploaded is not None:
        received = len(container.uploaded)
    else:
        received = len(container.media.data) if container.media else 0
    uploading: Json = {"status": "complete", "bytes_transferred": received}
    if container.size:
        uploading["source_file_size"] = container.size
    if container.ready_at is None:
        uploading["status"] = "in_progress" if received else "not_started"
        return {"uploading_phase": uploading, "processing_phase": {"status": "not_started"}}
    processing = {Status.ERROR: "error", Status.IN_PROGRESS: "in_progress"}.get(status, "complete")
    return {"uploading_phase": uploading, "processing_phase": {"status": processing}}


async def _receive(request: web.Request, container: Container) -> None:
    """Keeps what came even when the sender goes away. Errors: UploadRefused."""
    offset, size = request.headers.get("offset", ""), request.headers.get("file_size", "")
    if not NUMBER.fullmatch(offset) or not NUMBER.fullmatch(size):
        raise UploadRefused("HeaderError", "The headers offset and file_size are required")
    assert container.uploaded is not None
    if int(size) > VIDEO_BYTES:
        raise UploadRefused("ProcessingFailedError", "The file is too large")
    if int(offset) != len(container.uploaded):
        raise UploadRefused(
            "OffsetInvalidError", f"The offset must be {len(container.uploaded)}", retriable=True
        )
    container.size = int(size)
    async for piece in request.content.iter_chunked(1 << 16):
        container.uploaded += piece
        if len(container.uploaded) > container.size:
            raise UploadRefused("ProcessingFailedError", "More bytes than file_size says")
    if len(container.uploaded) < container.size:
        raise UploadRefused(
            "PartialRequestError",
            "Partial request (did not match length of file)",
            retriable=True,
        )
