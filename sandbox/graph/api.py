"""The calls of graph.facebook.com and graph.instagram.com, and uploads: one handler each.

`server` mounts them; what they get was found, checked against `rules` and carries its token.
Effects are in `containers`; here is who may do what, and the shape of the answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import aiohttp

from sandbox.graph import fields, insights, post_insights, rules
from sandbox.graph.account_insights import AccountInsights
from sandbox.graph.asking import Asking
from sandbox.graph.bad_days import BadDays
from sandbox.graph.containers import Container, Containers, Story
from sandbox.graph.discovery import Discovery
from sandbox.graph.fields import Asked
from sandbox.graph.figures_of_days import Truth, followers
from sandbox.graph.media import checked_film, fetch_film, fetch_image, may_fetch
from sandbox.graph.own_posts import OwnPosts
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
from sandbox.graph.rules import FACEBOOK, UPLOADS, Call, Found
from sandbox.graph.tokens import Kind, Token, Tokens
from sandbox.graph.uploads import UploadRefused, receive, video_status

BAD_MEDIA = 2207026


class Api:
    """`origin` is where the stand-in listens; `http` fetches media. Both come with the start."""

    def __init__(
        self,
        people: People,
        tokens: Tokens,
        containers: Containers,
        bad_days: BadDays,
        discovery: Discovery,
        truth: Truth,
        own_posts: OwnPosts,
        now: Callable[[], datetime],
    ) -> None:
        self.origin = ""
        self.http: aiohttp.ClientSession | None = None
        self._people = people
        self._tokens = tokens
        self._containers = containers
        self._bad_days = bad_days
        self._discovery = discovery
        self._own_posts = own_posts
        self._account_insights = AccountInsights(truth, bad_days, now)
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
            await receive(asking.request, container)
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
        """Posts and reels, never stories."""
        account = self._account(asking)
        asked = self._media_fields(asking, is_post=True)
        since, until = (asking.params.get(name) for name in ("since", "until"))
        posts = [
            post
            for post in self._own_posts.of(account)
            if (not since or post.at.timestamp() >= int(since))
            and (not until or post.at.timestamp() < int(until))
        ]
        rows = [self._own_posts.node(post, self.origin) for post in posts]
        return asking.page_of([asked.of(row) for row in rows])

    async def delete(self, asking: Asking) -> Json:
        story = self._story(asking)
        self._containers.delete(story)
        return {"success": True, "deleted_id": story.id}

    async def insights(self, asking: Asking) -> Json:
        post = self._own_posts.find(asking.id)
        if post and post.account in self._accounts(asking.token):
            return post_insights.of_post(post, asking.params, asking.host, self._now())
        story = self._story(asking)
        return insights.of_story(story, asking.params, asking.host, self._now())

    async def account_insights(self, asking: Asking) -> Json:
        return self._account_insights.answer(asking, self._account(asking))

    def _story(self, asking: Asking) -> Story:
        story = self._containers.live_story(asking.id)
        if story is None or story.account not in self._accounts(asking.token):
            raise unknown_object(asking.request.method, asking.id)
        return story

    def _media_fields(self, asking: Asking, *, is_post: bool = False) -> Asked:
        known = fields.IG_MEDIA if asking.host == FACEBOOK else fields.IG_MEDIA_ONLY
        if is_post and asking.host != FACEBOOK and not self._own_posts.tells_all:
            known -= fields.FACEBOOK_MEDIA
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

    def kind_of(self, found: Found) -> Call:
        """Of which kind a read is, where its path alone does not tell."""
        is_account = found.id in self._people.accounts
        if found.call is Call.MEDIA_INSIGHTS and is_account:
            return Call.ACCOUNT_INSIGHTS
        if found.call is not Call.NODE:
            return found.call
        if is_account:
            return Call.ACCOUNT
        if self._containers.find(found.id):
            return Call.CONTAINER
        is_media = self._containers.live_story(found.id) or self._own_posts.find(found.id)
        return Call.MEDIA if is_media else Call.NODE

    async def node(self, asking: Asking) -> Json:
        """An account, a container, a live story, or a post, whichever has this id."""
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
        post = self._own_posts.find(asking.id)
        if post and post.account in accounts:
            asked = self._media_fields(asking, is_post=True)
            return asked.of(self._own_posts.node(post, self.origin))
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
            "followers_count": followers(account, self._now()),
            "follows_count": 180,
            "has_profile_pic": True,
            "is_published": True,
            "legacy_instagram_user_id": str(account.person.pk),
            "media_count": len(self._own_posts.of(account)),
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
            node["video_status"] = video_status(container, status)
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
