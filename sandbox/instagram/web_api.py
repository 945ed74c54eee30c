"""The JSON that www.instagram.com gives to its own web pages, and to gallery-dl: lists and posts.

`server` mounts the handlers behind the session check; each request carries its `Session`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from aiohttp import web

from sandbox.instagram.answers import NO_COLLECTION, NOT_FOUND, json_answer, page, redirect
from sandbox.instagram.bad_days import BadDays
from sandbox.instagram.cdn import Cdn
from sandbox.world import Post, Trouble, World
from sandbox.world.media_json import Json, media
from sandbox.world.world import Session

PAGE_SIZE = 21  # posts per page, whatever `count` asks for
SESSION = web.RequestKey("session", Session)


class WebApi:
    def __init__(self, world: World, cdn: Cdn, bad_days: BadDays) -> None:
        self._world = world
        self._cdn = cdn
        self._bad_days = bad_days

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/feed/collection/{id}/posts/", self.collection),
            web.get("/api/v1/feed/saved/posts/", self.saved),
            web.get("/api/v1/media/{pk}/info/", self.media_info),
            web.get("/share/{token}", self.share),
            web.get("/share/{token}/", self.share),
            web.get("/share/{kind}/{token}", self.share),
            web.get("/share/{kind}/{token}/", self.share),
        ]

    async def collection(self, request: web.Request) -> web.Response:
        """Only its owner sees a collection; for anybody else it does not exist."""
        for found in self._world.collections:
            if found.id == request.match_info["id"]:
                if found.owner != request[SESSION].username:
                    break
                return self._page(request, f"collection {found.id}", found.posts)
        return json_answer(NO_COLLECTION, 404)

    async def saved(self, request: web.Request) -> web.Response:
        username = request[SESSION].username
        return self._page(request, f"saved {username}", self._world.saved_posts(username))

    async def media_info(self, request: web.Request) -> web.Response:
        pk = request.match_info["pk"]
        post = self._world.post(int(pk)) if pk.isdecimal() else None
        if post is None or post.owner.is_private:
            return json_answer(NOT_FOUND, 404)
        if self._bad_days.is_gone(post):
            return json_answer(NOT_FOUND, 400 if post.trouble is Trouble.GONE_400 else 404)
        body = {
            "items": [media(post, self._cdn.file_url)],
            "num_results": 1,
            "more_available": False,
            "auto_load_more_enabled": False,
            "status": "ok",
        }
        return json_answer(body)

    async def share(self, request: web.Request) -> web.Response:
        post = self._world.shared(request.match_info["token"])
        if post is None:
            return page("<html><title>Page not found</title></html>", 404)
        return redirect(f"{post.url}?igsh=c2FuZGJveA%3D%3D")

    def _page(self, request: web.Request, name: str, posts: Sequence[Post]) -> web.Response:
        cursor = request.query.get("max_id")
        start = self._position(name, cursor) if cursor else 0
        if start is None:
            return json_answer({"message": "Invalid max_id", "status": "fail"}, 400)
        chunk = posts[start : start + PAGE_SIZE]
        stop = start + len(chunk)
        body: Json = {
            "items": [{"media": media(post, self._cdn.file_url)} for post in chunk],
            "num_results": len(chunk),
            "more_available": stop < len(posts),
            "auto_load_more_enabled": True,
            "status": "ok",
        }
        if stop < len(posts):
            body["next_max_id"] = self._cursor(name, stop)
        self._bad_days.listed(request[SESSION], stop)
        return json_answer(body)

    def _cursor(self, name: str, position: int) -> str:
        """Opaque, like Instagram's: base64 that starts with QVFE and says nothing to a client."""
        digest = hashlib.sha256(f"{self._world.seed} {name} {position}".encode()).digest()
        inner = base64.urlsafe_b64encode(digest[:30] + position.to_bytes(3, "big"))
        return base64.b64encode(b"AQD" + inner).decode()

    def _position(self, name: str, cursor: str) -> int | None:
        """The position a cursor of this list stands for; None if it is of no such list."""
        try:
            inner = base64.urlsafe_b64decode(base64.b64decode(cursor)[3:])
        except ValueError:
            return None
        position = int.from_bytes(inner[30:], "big")
        return position if cursor == self._cursor(name, position) else None
