"""Profiles, reels of a profile, and single posts, as the app reads them. `app` mounts it."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from sandbox.instagram.answers import AGE_GATED, NOT_FOUND, Refusal, json_answer, refuse
from sandbox.instagram.bad_days import BadDays
from sandbox.instagram.cdn import Cdn
from sandbox.instagram.mobile import cursors
from sandbox.instagram.mobile.timeline import Newsroom
from sandbox.instagram.web_api import SESSION
from sandbox.world import Kind, Person, Post, Trouble, World
from sandbox.world.media_json import Json, full_user, media

CLIPS_PAGE_SIZE = 12  # at most, whatever is asked for
ODD_PLACE = 4  # of every page of reels, on a day of odd ones
THROTTLED_PAGE = 3
# What is told of a profile that the account is too young for (mgp25/Instagram-API#3107).
GATING: Json = {
    "gating_type": "appealable",
    "title": "Are You 18 or Over?",
    "description": "You must be 18 years old or over to see this profile.",
    "buttons": ["confirm", "cancel"],
}
NO_USER: Json = {"message": "User not found", "status": "fail"}
NOT_AUTHORIZED: Json = {"message": "Not authorized to view user", "status": "fail"}


class Users:
    """`names`: of people who have renamed themselves while it runs, by pk."""

    def __init__(self, world: World, cdn: Cdn, bad_days: BadDays, newsroom: Newsroom) -> None:
        self._world = world
        self._cdn = cdn
        self._bad_days = bad_days
        self._newsroom = newsroom
        self.names: dict[int, str] = {}
        self._throttled: set[tuple[int, int]] = set()  # who, and on which day of 429s

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
        """The app is told of an age limit; by number it gets the bare bones of the profile."""
        person = self._named(request.match_info["name"])
        if person and person.is_gated:
            return json_answer(AGE_GATED, 400)
        return self._user(person)

    def _named(self, name: str) -> Person | None:
        for pk, now in self.names.items():
            if now == name:
                return self._world.person_by_pk(pk)
        person = self._world.person(name)
        return None if person and person.pk in self.names else person

    async def current_user(self, request: web.Request) -> web.Response:
        person = self._world.person(request[SESSION].username)
        private = {"birthday": None, "phone_number": "", "gender": 3, "email": "m***@example.org"}
        return self._user(person, private)

    def _user(self, person: Person | None, more: Json | None = None) -> web.Response:
        if person is None:
            return json_answer(NO_USER, 404)
        count = len(self._newsroom.posts_by(person.username))
        user = full_user(person, count, self._cdn.file_url)
        user["username"] = self.names.get(person.pk, person.username)
        if person.is_gated:
            counts = ("media_count", "follower_count", "following_count")
            user |= {**dict.fromkeys(counts, 0), "biography": "", "gating": GATING}
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
        if person.is_gated:
            return json_answer(AGE_GATED, 400)
        reels = [p for p in self._newsroom.posts_by(person.username) if p.kind is Kind.REEL]
        name = f"{self._world.seed} clips {person.pk}"
        if asked.get("max_id"):
            last = cursors.position(name, str(asked["max_id"]))
            if last is None:
                return json_answer({"message": "Invalid max_id", "status": "fail"}, 400)
            before = len(reels)
            reels = [post for post in reels if post.pk < last]
            if self._is_throttled(person, page=1 + (before - len(reels)) // CLIPS_PAGE_SIZE):
                return refuse(Refusal.RATE_LIMIT_BARE, request.path)
        chunk = reels[: min(int(asked.get("page_size") or CLIPS_PAGE_SIZE), CLIPS_PAGE_SIZE)]
        more = len(reels) > len(chunk)
        following = cursors.cursor(name, chunk[-1].pk) if more else ""
        return json_answer(
            {
                "items": [{"media": self._reel(post, place)} for place, post in enumerate(chunk)],
                "paging_info": {"max_id": following, "more_available": more},
                "status": "ok",
            }
        )

    def _reel(self, post: Post, place: int) -> Json:
        item = media(post, self._cdn.file_url)
        item["user"]["username"] = self.names.get(post.owner.pk, post.owner.username)
        if place == ODD_PLACE and self._bad_days.is_on("odd-reels"):
            item |= {"taken_at": None, "like_count": None, "image_versions2": {"candidates": []}}
        return item

    def _is_throttled(self, person: Person, page: int) -> bool:
        """Once for each person, on a day of 429s."""
        once = (person.pk, self._bad_days.times_switched("reels-throttled"))
        if page != THROTTLED_PAGE or not self._bad_days.is_on("reels-throttled"):
            return False
        if once in self._throttled:
            return False
        self._throttled.add(once)
        return True


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
