"""Stories of the followed accounts: they live for 24 hours, and new ones come all day long.

`app` mounts it. Which stories there are follows from the seed and the clock alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from aiohttp import web

from sandbox.instagram.answers import json_answer
from sandbox.instagram.cdn import Cdn
from sandbox.instagram.mobile.users import NOT_AUTHORIZED, signed_body
from sandbox.instagram.web_api import SESSION
from sandbox.world import CREATORS, Kind, Person, Post, World
from sandbox.world.media_json import Json, media, short_user
from sandbox.world.posts import draw_post

LIFE = timedelta(hours=24)
EVERY = timedelta(hours=8)  # a third of the creators post a story in each such span
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class Stories:
    def __init__(self, world: World, cdn: Cdn, now: Callable[[], datetime]) -> None:
        self._world = world
        self._cdn = cdn
        self._now = now
        self._told: list[Post] = []

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/v1/feed/reels_tray/", self.tray),
            web.get("/api/v1/feed/user/{pk:[0-9]+}/story/", self.story),
        ]

    def tell(self, author: str) -> Post:
        """A new story of this creator, alive for a day from now."""
        person = self._world.person(author)
        if person is None:
            raise KeyError(author)
        rng = random.Random(f"{self._world.seed} told {author} {len(self._told)}")
        story = draw_post(rng, person, 0, kind=Kind.PHOTO, taken_at=self._now())
        self._told.append(self._world.add(story))
        return story

    def alive(self, author: Person) -> list[Post]:
        """This creator's stories of the last 24 hours, oldest first, as the app shows them."""
        now = self._now()
        latest = (now - EPOCH) // EVERY
        spans = range(latest - LIFE // EVERY, latest + 1)
        told = [story for story in self._told if story.owner == author]
        drawn = [self._drawn(author, span) for span in spans if _posts_in(author, span)]
        alive = [story for story in told + drawn if timedelta(0) <= now - story.taken_at < LIFE]
        return sorted(alive, key=lambda story: story.pk)

    def _drawn(self, author: Person, span: int) -> Post:
        rng = random.Random(f"{self._world.seed} story {author.pk} {span}")
        at = EPOCH + EVERY * span + timedelta(minutes=rng.randrange(480))
        kind = rng.choice((Kind.PHOTO, Kind.REEL))
        return self._world.add(draw_post(rng, author, 0, kind=kind, taken_at=at))

    async def tray(self, request: web.Request) -> web.Response:
        await signed_body(request)
        followed = self._world.following(request[SESSION].username)
        reels = [
            self._reel(person, stories) for person in followed if (stories := self.alive(person))
        ]
        reels.sort(key=lambda reel: -int(reel["latest_reel_media"]))
        return json_answer({"tray": reels, "story_ranking_token": "sandbox", "status": "ok"})

    async def story(self, request: web.Request) -> web.Response:
        person = self._world.person_by_pk(int(request.match_info["pk"]))
        if person is not None and person.is_private:
            return json_answer(NOT_AUTHORIZED, 400)
        stories = self.alive(person) if person else []
        if person is None or not stories:
            return json_answer({"broadcast": None, "reel": None, "status": "ok"})
        items = [self._item(story) for story in stories]
        return json_answer(
            {"reel": {**self._reel(person, stories), "items": items}, "status": "ok"}
        )

    def _reel(self, person: Person, stories: list[Post]) -> Json:
        return {
            "id": str(person.pk),
            "strong_id__": str(person.pk),
            "user": short_user(person, self._cdn.file_url),
            "reel_type": "user_reel",
            "latest_reel_media": int(stories[-1].taken_at.timestamp()),
            "expiring_at": int((stories[-1].taken_at + LIFE).timestamp()),
            "seen": 0,
            "media_count": len(stories),
            "media_ids": [str(story.pk) for story in stories],
        }

    def _item(self, story: Post) -> Json:
        item = media(story, self._cdn.file_url)
        del item["code"]  # stories have none
        expiring_at = int((story.taken_at + LIFE).timestamp())
        return {**item, "product_type": "story", "expiring_at": expiring_at}


def _posts_in(author: Person, span: int) -> bool:
    return author in CREATORS and (CREATORS.index(author) + span) % 3 == 0
