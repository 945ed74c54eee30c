"""Profiles, reels of a profile, and single posts, as the app reads them. `app` mounts it."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from sandbox.instagram.answers import NOT_FOUND, json_answer
from sandbox.instagram.bad_days import BadDays
from sandbox.instagram.cdn import Cdn
from sandbox.instagram.mobile import cursors
from sandbox.instagram.mobile.timeline import Newsroom
from sandbox.instagram.web_api import SESSION
from sandbox.world import Kind, Person, Trouble, World
from sandbox.world.media_json import Json, full_user, media

CLIPS_PAGE_SIZE = 12  # at most, whatever is asked for
NO_USER: Json = {"message": "User not found", "status": "fail"}
NOT_AUTHORIZED: Json = {"message": "Not authorized to view user", "status": "fail"}


class Users:
    def __init__(self, world: World, cdn: Cdn, bad_days: BadDays, newsroom: Newsroom) -> None:
        self._world = world
        self._cdn = cdn
        self._bad_days = bad_days
        self._newsroom = newsroom

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/users/{pk:[0-9]+}/info/", self.by_number),
            web.get("/api/v1/users/{name}/usernameinfo/", self.by_name),
            web.get("/api/v1/accounts/current_user/", self.current_user),
            web.get("/api/v1/media/{pk}/info/", self.media_info),
            web.post("/api/v1/clips/user/", self.clips),
        ]

    async def by_number(self, request: web.Request) -> web.Response:
        return self._user(self._world.person_by_pk(int(request.match_info["pk"])))

    async def by_name(self, request: web.Request) -> web.Response:
        return self._user(self._world.person(request.match_info["name"]))

    async def current_user(self, request: web.Request) -> web.Response:
        person = self._world.person(request[SESSION].username)
        private = {"birthday": None, "phone_number": "", "gender": 3, "email": "m***@example.org"}
        return self._user(person, private)

    def _user(self, person: Person | None, more: Json | None = None) -> web.Response:
        if person is None:
            return json_answer(NO_USER, 404)
        count = len(self._newsroom.posts_by(person.username))
        user = full_user(person, count, self._cdn.file_url)
        return json_answer({"user": {**user, **(more or {})}, "status": "ok"})

    async def media_info(self, request: web.Request) -> web.Response:
        pk = request.match_info["pk"].partition("_")[0]
        post = self._world.post(int(pk)) if pk.isdecimal() else None
        if post is None or post.owner.is_private:
            return json_answer(NOT_FOUND, 404)
        if self._bad_days.is_gone(post):
            return json_answer(NOT_FOUND, 400 if post.trouble is Trouble.GONE_400 else 404)
        items = [media(post, self._cdn.file_url)]
        return json_answer(
            {"items": items, "num_results": 1, "more_available": False, "status": "ok"}
        )

    async def clips(self, request: web.Request) -> web.Response:
        asked = await signed_body(request)
        pk = str(asked.get("target_user_id"))
        person = self._world.person_by_pk(int(pk)) if pk.isdecimal() else None
        if person is None:
            return json_answer(NO_USER, 404)
        if person.is_private:
            return json_answer(NOT_AUTHORIZED, 400)
        reels = [p for p in self._newsroom.posts_by(person.username) if p.kind is Kind.REEL]
        name = f"{self._world.seed} clips {person.pk}"
        if asked.get("max_id"):
            last = cursors.position(name, str(asked["max_id"]))
            if last is None:
                return json_answer({"message": "Invalid max_id", "status": "fail"}, 400)
            reels = [post for post in reels if post.pk < last]
        chunk = reels[: min(int(asked.get("page_size") or CLIPS_PAGE_SIZE), CLIPS_PAGE_SIZE)]
        more = len(reels) > len(chunk)
        following = cursors.cursor(name, chunk[-1].pk) if more else ""
        return json_answer(
            {
                "items": [{"media": media(post, self._cdn.file_url)} for post in chunk],
                "paging_info": {"max_id": following, "more_available": more},
                "status": "ok",
            }
        )


async def signed_body(request: web.Request) -> dict[str, Any]:
    """The JSON of a form `signed_body=SIGNATURE.<json>`; anything else is refused."""
    signature, _, text = str((await request.post()).get("signed_body", "")).partition(".")
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if signature != "SIGNATURE" or not isinstance(body, dict):
        raise web.HTTPBadRequest(text='{"message": "missing param", "status": "fail"}')
    return body
