"""The one World object: who saved what, every file's bytes, and the cookies that open a session.

Built by the demo and by tests; read by the stand-ins. Everything follows from the seed; only the
newest session of each member is counted while it runs, and what a stand-in adds can be found by pk.
"""

from __future__ import annotations

import collections
import hashlib
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import quote, unquote

from sandbox.world import films, pictures
from sandbox.world.media_json import AVATAR_SIZE, SMALL_WIDTH
from sandbox.world.people import CREATORS, FOLLOWING, PEOPLE, PRIVATE, PROLIFIC, Person
from sandbox.world.posts import (
    FILM_SIZE,
    MOST_PIECES,
    SMALL_FILM_SIZE,
    Kind,
    Piece,
    Post,
    Trouble,
    draw_post,
)
from sandbox.world.profiles import draw_profile

SESSION_LIFE = timedelta(days=90)
Cookies = Literal["ok", "new", "dead", "expired", "anonymous"]

# owner, slug, name, posts, and the troubles that some of the posts have
COLLECTIONS: tuple[tuple[str, str, str, int, tuple[Trouble, ...]], ...] = (
    ("mia", "beats", "Beats", 24, ()),
    (
        "mia",
        "reels-ideas",
        "Reels ideas",
        120,
        (
            *4 * (Trouble.GONE_404,),
            *3 * (Trouble.GONE_400,),
            Trouble.FILES_404,
            Trouble.FILES_403,
            Trouble.FILES_500,
            Trouble.FILES_SHORT,
            Trouble.FILES_WRONG,
        ),
    ),
    ("mia", "studio", "Studio", 500, (Trouble.GONE_404, Trouble.FILES_404)),
    ("mia", "empty", "Empty", 0, ()),
    ("leo", "recipes", "Recipes", 45, ()),
)


@dataclass(frozen=True)
class Collection:
    """A saved collection; `posts` stand as Instagram lists them, newest saved first."""

    owner: str
    slug: str
    id: str
    name: str
    posts: tuple[Post, ...]


@dataclass(frozen=True)
class File:
    """One file of the CDN. `post` is None for a profile picture."""

    data: bytes
    mime: str
    post: Post | None


@dataclass(frozen=True)
class Session:
    """What a valid sessionid says. A newer session of the same person has a higher generation."""

    username: str
    generation: int


class World:
    """`now` gives aware UTC time; it dates the cookies and nothing else."""

    def __init__(self, seed: int = 7, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self.seed = seed
        self._now = now
        rng = random.Random(seed)
        self.collections = tuple(_draw_collections(rng))
        self.private_posts = tuple(draw_post(rng, PRIVATE, number) for number in range(900, 903))
        self.posts = {
            post.pk: post
            for post in (*(p for c in self.collections for p in c.posts), *self.private_posts)
        }
        self.profile_posts = tuple(draw_profile(random.Random(f"{seed} profile"), PROLIFIC))
        self._pieces = {p.pk: (p, post) for post in self.posts.values() for p in post.pieces}
        self._generations: collections.Counter[str] = collections.Counter()
        self._added: dict[int, Post] = {}
        for post in self.profile_posts:
            self.add(post)

    # ------------------------------------------------------------------ people and posts

    def person(self, username: str) -> Person | None:
        return PEOPLE.get(username)

    def person_by_pk(self, pk: int) -> Person | None:
        return next((person for person in PEOPLE.values() if person.pk == pk), None)

    def posts_by(self, username: str) -> tuple[Post, ...]:
        """A creator's posts, newest first."""
        everybodys = (*self.posts.values(), *self.profile_posts)
        theirs = (post for post in everybodys if post.owner.username == username)
        return tuple(sorted(theirs, key=lambda post: post.taken_at, reverse=True))

    def post(self, pk: int) -> Post | None:
        """The post with this pk; None for the pk of a carousel's child."""
        return self.posts.get(pk) or self._added.get(pk)

    def add(self, post: Post) -> Post:
        """Know one more post or story by its pk, with its files. No list of this world shows it:
        where it appears is up to the stand-in that made it."""
        self._added[post.pk] = post
        self._pieces |= {piece.pk: (piece, post) for piece in post.pieces}
        return post

    def following(self, username: str) -> tuple[Person, ...]:
        """The accounts whose posts stand in this person's home feed."""
        return FOLLOWING.get(username, ())

    def collection(self, username: str, slug: str) -> Collection:
        """KeyError if there is none."""
        for found in self.collections:
            if (found.owner, found.slug) == (username, slug):
                return found
        raise KeyError(f"{username} has no collection {slug}")

    def saved_posts(self, username: str) -> tuple[Post, ...]:
        """All posts that this person saved, newest saved first, each once."""
        return tuple(
            post for found in self.collections if found.owner == username for post in found.posts
        )

    def collection_url(self, username: str, slug: str) -> str:
        """The address in a browser; the slug `all-posts` is everything that is saved."""
        if slug == "all-posts":
            return f"https://www.instagram.com/{username}/saved/all-posts/"
        found = self.collection(username, slug)
        return f"https://www.instagram.com/{username}/saved/{slug}/{found.id}/"

    def share_url(self, post: Post) -> str:
        """What the app's Share button copies: a token that only Instagram can resolve."""
        return f"https://www.instagram.com/share/{self._share_token(post)}"

    def shared(self, token: str) -> Post | None:
        """The post behind the last part of a share address."""
        return next((p for p in self.posts.values() if self._share_token(p) == token), None)

    def _share_token(self, post: Post) -> str:
        return "BA" + hashlib.sha256(f"{self.seed} share {post.pk}".encode()).hexdigest()[:12]

    # ------------------------------------------------------------------ files

    def file(self, pk: int, variant: str) -> File | None:
        """A file's bytes, or None. Painting and encoding take up to 0.2 s: call it in a thread.

        pk: a piece's (for a photo or reel that is the post's) or, with "avatar", a person's.
        variant: full, small (JPEG); film, smallfilm (MP4); avatar (JPEG).
        """
        if variant == "avatar":
            if self.person_by_pk(pk) is None:
                return None
            face = pictures.jpeg(pk % pictures.MOTIFS, AVATAR_SIZE, AVATAR_SIZE)
            return File(pictures.signed(face, f"{pk} avatar"), "image/jpeg", None)
        if pk not in self._pieces:
            return None
        piece, post = self._pieces[pk]
        signature = f"{pk} {variant}"
        if variant in ("full", "small"):
            return File(pictures.signed(_picture(piece, variant), signature), "image/jpeg", post)
        if variant in ("film", "smallfilm") and piece.is_film:
            return File(films.signed(_film(piece, variant), signature), "video/mp4", post)
        return None

    # ------------------------------------------------------------------ sessions

    def cookies_txt(self, username: str, session: Cookies = "ok") -> str:
        """A Netscape cookie file as a browser extension exports it.

        ok: the first session. new: a newer one at every call. dead: well-formed and in date, but
        logged out. expired: past its date. anonymous: everything but the sessionid.
        """
        person = PEOPLE[username]
        if session == "new":
            self._generations[username] += 1
        generation = {"dead": 0, "new": 1 + self._generations[username]}.get(session, 1)
        life = -SESSION_LIFE if session == "expired" else SESSION_LIFE
        expires = int((self._now() + life).timestamp())
        digest = self._digest(username, generation)
        cookies = {
            "csrftoken": digest[:32],
            "mid": digest[32:60],
            "ds_user_id": str(person.pk),
            "sessionid": self.session_id(username, generation),
        }
        if session == "anonymous":
            del cookies["sessionid"]
        lines = ["# Netscape HTTP Cookie File", "# http://curl.haxx.se/rfc/cookie_spec.html", ""]
        lines += [
            "\t".join((".instagram.com", "TRUE", "/", "TRUE", str(expires), name, value))
            for name, value in cookies.items()
        ]
        return "\n".join(lines) + "\n"

    def session_id(self, username: str, generation: int = 1) -> str:
        """The value of the sessionid cookie; generation 0 is refused everywhere."""
        digest = self._digest(username, generation)
        pk = PEOPLE[username].pk
        return quote(f"{pk}:{digest[:14]}:{generation}:AY{digest[14:50]}")

    def session(self, session_id: str) -> Session | None:
        """Whose session this is; None if it is made up, or logged out (generation 0)."""
        parts = unquote(session_id).split(":")
        if len(parts) != 4 or not (parts[0].isdecimal() and parts[2].isdecimal()):
            return None
        person, generation = self.person_by_pk(int(parts[0])), int(parts[2])
        if person is None or generation < 1:
            return None
        if unquote(session_id) != unquote(self.session_id(person.username, generation)):
            return None
        return Session(person.username, generation)

    def _digest(self, username: str, generation: int) -> str:
        return hashlib.sha256(f"{self.seed} {username} {generation}".encode()).hexdigest()


def _draw_collections(rng: random.Random) -> Iterable[Collection]:
    number = 0
    for place, (owner, slug, name, size, troubles) in enumerate(COLLECTIONS):
        bad = dict(zip(rng.sample(range(3, size), len(troubles)), troubles, strict=True))
        posts = []
        for index in range(size):
            creator = CREATORS[rng.randrange(len(CREATORS))]
            kind, pieces = None, None
            if slug == "beats" and index % 8 != 7:
                kind = Kind.REEL
            if slug == "reels-ideas" and index == 2:
                kind, pieces = Kind.CAROUSEL, MOST_PIECES
            post = draw_post(rng, creator, number, kind=kind, pieces=pieces, trouble=bad.get(index))
            posts.append(post)
            number += 1
        rng.shuffle(posts)  # people do not save in the order in which others post
        yield Collection(
            owner, slug, str(17_900_000_000_000_000 + 7_919 * (place + 1)), name, tuple(posts)
        )


def _picture(piece: Piece, variant: str) -> bytes:
    if variant == "full":
        return pictures.jpeg(piece.motif, piece.width, piece.height)
    return pictures.jpeg(piece.motif, SMALL_WIDTH, SMALL_WIDTH * piece.height // piece.width)


def _film(piece: Piece, variant: str) -> bytes:
    size = FILM_SIZE if variant == "film" else SMALL_FILM_SIZE
    return films.mp4(piece.motif, piece.sound, piece.track, piece.seconds, *size)
