"""The home feed: pages of what the followed accounts posted, with ads and suggestions among it.

`app` mounts it. New posts appear here while the stand-in runs: see `Newsroom.publish`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.instagram.answers import json_answer
from sandbox.instagram.bad_days import BadDays
from sandbox.instagram.cdn import Cdn
from sandbox.instagram.mobile import cursors
from sandbox.instagram.web_api import SESSION
from sandbox.world import CREATORS, Kind, Person, Post, World
from sandbox.world.media_json import Json, media, short_user
from sandbox.world.posts import draw_post

PAGE_SIZE = 8  # posts of a page, whatever stands between them
AD_AFTER, SUGGESTION_AFTER, RECOMMENDED_AFTER = 4, 2, 6  # posts of a page
UNREADABLE_PLACE = 13  # of the seed's feed: a post of a kind that came after every client
GARBLED_PLACE = 2  # of every page, on a day of odd items
REASONS = {
    "cold_start_fetch",
    "warm_start_fetch",
    "pagination",
    "pull_to_refresh",
    "auto_refresh",
}


class Newsroom:
    """What is published while the stand-in runs. Kept here, not in the world, which tests share."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        self._world = world
        self._now = now
        self._random = random.Random(f"{world.seed} news")
        self._posts: list[Post] = []
        self._by_author: dict[str, list[Post]] = {}

    def publish(self, author: str, kind: Kind | None = None) -> Post:
        """A new post of this creator, at the top of every home feed that follows them."""
        person = self._world.person(author)
        if person is None:
            raise KeyError(author)
        post = draw_post(self._random, person, 0, kind=kind, taken_at=self._now())
        return self.add(post)

    def add(self, post: Post) -> Post:
        """One that was made elsewhere; home feeds are in the order of their numbers."""
        self._posts.append(self._world.add(post))
        self._by_author.pop(post.owner.username, None)
        return post

    def posts_by(self, username: str) -> list[Post]:
        """Newest first, those of the seed and the new ones; none that is in trouble for good."""
        if username not in self._by_author:
            new = [post for post in self._posts if post.owner.username == username]
            good = [p for p in (*new, *self._world.posts_by(username)) if not p.trouble]
            good.sort(key=lambda post: post.pk, reverse=True)
            self._by_author[username] = good
        return list(self._by_author[username])

    def feed(self, username: str) -> list[Post]:
        """The posts of a home feed, newest first."""
        followed = self._world.following(username)
        posts = [post for person in followed for post in self.posts_by(person.username)]
        return sorted(posts, key=lambda post: post.pk, reverse=True)


class Timeline:
    def __init__(self, world: World, cdn: Cdn, bad_days: BadDays, newsroom: Newsroom) -> None:
        self._world = world
        self._cdn = cdn
        self._bad_days = bad_days
        self._newsroom = newsroom
        self._shown: dict[str, dict[int, Post]] = {}

    def shown(self, username: str) -> list[Post]:
        """What this person's pages have held of those whom they follow, each post once."""
        return list(self._shown.get(username, {}).values())

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/api/v1/feed/timeline/", self.timeline)]

    async def timeline(self, request: web.Request) -> web.Response:
        """The body is JSON, though it is called a form. Without what was seen of it, the page
        before is not left: page 1 comes again (instagrapi #1789)."""
        asked = _read(await request.text())
        if asked is None:
            return json_answer({"message": "Invalid request body", "status": "fail"}, 400)
        username = request[SESSION].username
        posts = self._newsroom.feed(username)
        name = f"{self._world.seed} timeline {username}"
        after = asked.get("max_id")
        if after:
            pk = cursors.position(name, str(after))
            if pk is None:
                return json_answer({"message": "Invalid max_id", "status": "fail"}, 400)
            seen = {entry.partition("_")[0] for entry in str(asked.get("seen_posts")).split(",")}
            if str(pk) in seen:
                posts = [post for post in posts if post.pk < pk]
            else:
                after = None
        chunk = posts[:PAGE_SIZE]
        self._shown.setdefault(username, {}).update((post.pk, post) for post in chunk)
        more = len(posts) > len(chunk)
        items = self._items(username, chunk, first_page=not after)
        if not more:
            items.append({"end_of_feed_demarcator": {"id": 1, "title": "You're all caught up"}})
        return json_answer(
            {
                "num_results": len(items),
                "more_available": more,
                "auto_load_more_enabled": True,
                "feed_items": items,
                "next_max_id": cursors.cursor(name, chunk[-1].pk) if more else None,
                "view_state_version": "1",
                "client_feed_changelist_applied": False,
                "status": "ok",
            }
        )

    def _items(self, username: str, posts: Sequence[Post], *, first_page: bool) -> list[Json]:
        strangers = [p for p in CREATORS if p not in self._world.following(username)]
        unreadable = self._unreadable(username)
        items: list[Json] = []
        for place, post in enumerate(posts):
            item = self._followed(post)
            if post.pk == unreadable:
                item = {**item, "media_type": 99, "image_versions2": None, "video_versions": None}
            if place == GARBLED_PLACE and self._bad_days.is_on("garbled-item"):
                item = {**item, "taken_at": None, "image_versions2": {"candidates": []}}
            items.append({"media_or_ad": item})
            if place + 1 == SUGGESTION_AFTER and first_page:
                items.append(self._suggested_people(strangers))
            if place + 1 == AD_AFTER:
                items.append({"media_or_ad": self._ad(strangers, post)})
            if place + 1 == RECOMMENDED_AFTER and first_page:
                items.append({"media_or_ad": self._recommended(strangers, post)})
        return items

    def _unreadable(self, username: str) -> int:
        posts = [
            post
            for person in self._world.following(username)
            for post in self._world.posts_by(person.username)
            if not post.trouble
        ]
        posts.sort(key=lambda post: post.pk, reverse=True)
        return posts[UNREADABLE_PLACE].pk if len(posts) > UNREADABLE_PLACE else 0

    def _followed(self, post: Post, *, following: bool = True) -> Json:
        item = media(post, self._cdn.file_url)
        item["user"]["friendship_status"] = {"following": following, "is_bestie": False}
        return item

    def _ad(self, strangers: Sequence[Person], near: Post) -> Json:
        return {
            **self._strange_post(strangers, near),
            "ad_id": str(23_850_000_000 + near.pk % 1_000_000),
            "dr_ad_type": 1,
            "injected": {"label": "Sponsored", "is_holdout": False, "ad_title": ""},
            "link_text": "Shop now",
        }

    def _recommended(self, strangers: Sequence[Person], near: Post) -> Json:
        """A post of somebody whom the account does not follow ("Suggested for you")."""
        return {
            **self._strange_post(strangers, near),
            "inventory_source": "recommended_explore_grid_cover_model",
        }

    def _strange_post(self, strangers: Sequence[Person], near: Post) -> Json:
        stranger = strangers[near.pk % len(strangers)]
        posts = self._newsroom.posts_by(stranger.username)
        return self._followed(posts[near.pk // 7 % len(posts)], following=False)

    def _suggested_people(self, strangers: Sequence[Person]) -> Json:
        suggestions = [
            {"user": short_user(person, self._cdn.file_url), "algorithm": "chaining"}
            for person in strangers
        ]
        return {"suggested_users": {"type": 2, "id": "1", "suggestions": suggestions}}


def _read(text: str) -> dict[str, Any] | None:
    """What was asked for; None if it is not what the app sends."""
    try:
        asked = json.loads(text)
    except ValueError:
        return None
    if not isinstance(asked, dict) or not {"device_id", "phone_id", "_uuid"} <= asked.keys():
        return None
    reason = asked.get("reason")
    reasons = reason if isinstance(reason, list) else [reason]
    if not set(reasons) <= REASONS or ("max_id" in asked and reason != "pagination"):
        return None
    return asked
