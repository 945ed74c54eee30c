"""Business discovery: the public profile and posts of a professional account, by its name.

`api` answers with it where `business_discovery.username(NAME){…}` is asked of one's own account, at
graph.facebook.com only. Fields, limits and cursors: Meta's page "Business Discovery" (v25.0).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

from sandbox.graph.fields import Asked
from sandbox.graph.people import People
from sandbox.graph.refusals import Json, invalid, missing, not_discovered
from sandbox.world import Kind, Person, Post, World
from sandbox.world.media_json import follow_counts

DEFAULT_LIMIT, LARGEST_LIMIT = 25, 100
FIRST_ID = 17_841_400_000_000_000  # of the numbers that Meta gives to accounts
FIRST_MEDIA_ID = 17_900_000_000_000_000
USER = frozenset(
    {
        "biography",
        "followers_count",
        "follows_count",
        "id",
        "media",
        "media_count",
        "name",
        "profile_picture_url",
        "username",
        "website",
    }
)
MEDIA = frozenset(
    {
        "caption",
        "children",
        "comments_count",
        "id",
        "like_count",
        "media_product_type",
        "media_type",
        "media_url",
        "owner",
        "permalink",
        "shortcode",
        "thumbnail_url",
        "timestamp",
        "username",
        "view_count",
    }
)
CHILD = frozenset({"id", "media_type", "media_url"})
TYPES = {
    Kind.REEL: ("VIDEO", "REELS"),
    Kind.PHOTO: ("IMAGE", "FEED"),
    Kind.CAROUSEL: ("CAROUSEL_ALBUM", "FEED"),
}


class Discovery:
    """`origin`: where the stand-in listens."""

    def __init__(self, world: World, people: People) -> None:
        self.origin = ""
        self._world = world
        self._people = people

    def of(self, asked: Asked) -> Json:
        """`asked`: what is behind the field's name. Errors: Refused with 100, or 110/2207013."""
        name = asked.modifiers.get("username")
        if not name:
            raise missing("username")
        asked.check(USER, "ShadowIGUser")
        person = self._world.person(name)
        if person is None or not self._is_found(person):
            raise not_discovered()
        return self._profile(person, asked)

    def _is_found(self, person: Person) -> bool:
        if person in self._members():
            return any(one.person is person for one in self._people.accounts.values())
        return not (person.is_private or person.is_gated or person.is_personal)

    def _members(self) -> list[Person]:
        names = [one.username for one in self._people.facebookers.values()]
        return [person for name in names if (person := self._world.person(name))]

    def _profile(self, person: Person, asked: Asked) -> Json:
        posts = [post for post in self._world.posts_by(person.username) if not post.trouble]
        followers, followed = follow_counts(person)
        node: Json = {
            "id": self.id_of(person),
            "biography": person.biography or None,
            "followers_count": followers,
            "follows_count": followed,
            "media_count": len(posts),
            "name": person.full_name,
            "profile_picture_url": f"{self.origin}/media/{person.pk}.jpg",
            "username": person.username,
        }
        answer = asked.of(node)
        if "media" in asked:
            edge = self._media(person, posts, asked.names["media"])
            if edge["data"]:  # Meta leaves an empty edge out
                answer["media"] = edge
        return answer

    def id_of(self, person: Person) -> str:
        """Meta numbers accounts anew: it is not the number that the app shows."""
        for account in self._people.accounts.values():
            if account.person is person:
                return account.id
        return str(FIRST_ID + person.pk % 10**9)

    def _media(self, person: Person, posts: Sequence[Post], asked: Asked) -> Json:
        asked.check(MEDIA, "ShadowIGMedia")
        text = asked.modifiers.get("limit", str(DEFAULT_LIMIT))
        if not text.isdecimal() or not 1 <= int(text) <= LARGEST_LIMIT:
            raise invalid("Param limit must be a number from 1 to 100")
        start = 0
        if "after" in asked.modifiers:
            known = [_cursor(person, post) for post in posts]
            if asked.modifiers["after"] not in known:
                raise invalid("Invalid cursor")
            start = known.index(asked.modifiers["after"]) + 1
        chunk = posts[start : start + int(text)]
        if not chunk:
            return {"data": []}
        edge: Json = {"data": [self._post(post, asked) for post in chunk]}
        cursors: Json = {"before": _cursor(person, chunk[0])} if start else {}
        if start + len(chunk) < len(posts):
            cursors["after"] = _cursor(person, chunk[-1])
        if cursors:
            edge["paging"] = {"cursors": cursors}
        return edge

    def _post(self, post: Post, asked: Asked) -> Json:
        kind, product = TYPES[post.kind]
        url = f"{self.origin}/media/{post.pk}.{'mp4' if post.kind is Kind.REEL else 'jpg'}"
        node: Json = {
            "id": str(FIRST_MEDIA_ID + post.pk % 10**12),
            "caption": post.caption or None,
            "comments_count": post.comments,
            "like_count": None if post.hides_likes else post.likes,
            "media_product_type": product,
            "media_type": kind,
            "media_url": None if post.kind is Kind.CAROUSEL else url,
            "owner": {"id": self.id_of(post.owner)},
            "permalink": post.url,
            "shortcode": post.code,
            "thumbnail_url": f"{self.origin}/media/{post.pk}.jpg" if kind == "VIDEO" else None,
            "timestamp": post.taken_at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "username": post.owner.username,
            "view_count": post.plays if post.kind is Kind.REEL else None,
        }
        answer = asked.of(node)
        if "children" in asked and post.children:
            inner = asked.names["children"]
            inner.check(CHILD, "ShadowIGMedia")
            rows = [
                {
                    "id": str(FIRST_MEDIA_ID + child.pk % 10**12),
                    "media_type": "VIDEO" if child.is_film else "IMAGE",
                    "media_url": f"{self.origin}/media/{child.pk}.jpg",
                }
                for child in post.children
            ]
            answer["children"] = {"data": [inner.of(row) for row in rows]}
        return answer


def _cursor(person: Person, post: Post) -> str:
    digest = hashlib.sha256(f"{person.pk} {post.pk}".encode()).digest()
    return "QVFI" + base64.urlsafe_b64encode(digest[:24]).decode()
