"""Posts as facts (no JSON, no bytes) and how they are drawn from the seed.

`sandbox.world.world` composes them into collections, `media_json` renders them as Instagram does.
"""

from __future__ import annotations

import enum
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sandbox.world.music import TRACKS, Sound, Track
from sandbox.world.people import Person
from sandbox.world.pictures import MOTIFS

SHORTCODE_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
FIRST_POST = datetime(2025, 11, 3, 6, 0, tzinfo=UTC)
INSTAGRAM_EPOCH = datetime(2011, 8, 24, 21, 7, 1, 721000, tzinfo=UTC)
MOST_PIECES = 20  # Instagram's limit for a carousel

PHOTO_SIZES = ((720, 900), (720, 720), (720, 405))
COVER_SIZE = (360, 640)
FILM_SIZE = (180, 320)
SMALL_FILM_SIZE = (90, 160)


class Kind(enum.Enum):
    REEL = "reel"
    PHOTO = "photo"
    CAROUSEL = "carousel"


class Trouble(enum.Enum):
    """What is wrong with a post for good. The GONE are listed, but no more."""

    GONE_404 = "gone, info answers 404"
    GONE_400 = "gone, info answers 400"
    FILES_404 = "files are not found"
    FILES_403 = "files are forbidden"
    FILES_500 = "files answer 500"
    FILES_SHORT = "files end half-way"
    FILES_WRONG = "files hold a web page"

    @property
    def gone(self) -> bool:
        return self in (Trouble.GONE_404, Trouble.GONE_400)


@dataclass(frozen=True)
class Piece:
    """One picture or film of a post. `width` x `height` is the picture's size (a film's cover)."""

    pk: int
    motif: int
    width: int
    height: int
    is_film: bool
    sound: Sound = Sound.NONE
    track: Track | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Post:
    """One post. `pieces` has one element, or 2 to 20 for a carousel. `taken_at` is aware, UTC.

    `hides_likes`: only its author sees how many there are.
    """

    pk: int
    owner: Person
    kind: Kind
    taken_at: datetime
    caption: str
    pieces: tuple[Piece, ...]
    likes: int
    comments: int
    plays: int
    trouble: Trouble | None = None
    hides_likes: bool = False

    @property
    def code(self) -> str:
        return shortcode(self.pk)

    @property
    def children(self) -> tuple[Piece, ...]:
        return self.pieces if self.kind is Kind.CAROUSEL else ()

    @property
    def track(self) -> Track | None:
        """The music of a reel, if it has any."""
        return self.pieces[0].track if self.kind is Kind.REEL else None

    @property
    def url(self) -> str:
        path = "reel" if self.kind is Kind.REEL else "p"
        return f"https://www.instagram.com/{path}/{self.code}/"


def shortcode(pk: int) -> str:
    """The post's URL code: its pk in base 64, most significant digit first."""
    text = ""
    while pk:
        pk, digit = divmod(pk, 64)
        text = SHORTCODE_ALPHABET[digit] + text
    return text


def new_pk(rng: random.Random, taken_at: datetime) -> int:
    """Instagram's layout: milliseconds since its epoch, then 23 bits of shard and sequence."""
    milliseconds = (taken_at - INSTAGRAM_EPOCH) // timedelta(milliseconds=1)
    return milliseconds << 23 | rng.getrandbits(23)


def draw_post(
    rng: random.Random,
    owner: Person,
    number: int,
    *,
    kind: Kind | None = None,
    pieces: int | None = None,
    trouble: Trouble | None = None,
    taken_at: datetime | None = None,
) -> Post:
    """Post `number` of the world; `kind` and `pieces` (of a carousel) are drawn when not given.

    `taken_at` (aware, UTC) puts it there instead of in the world's one week of posting.
    """
    if taken_at is None:
        taken_at = FIRST_POST + timedelta(minutes=17 * number, seconds=rng.randrange(900))
    pk = new_pk(rng, taken_at)
    if kind is None:
        kind = rng.choices(list(Kind), (45, 35, 20))[0]
    if kind is Kind.REEL:
        drawn: tuple[Piece, ...] = (_draw_film(rng, pk),)
    elif kind is Kind.PHOTO:
        drawn = (_draw_photo(rng, pk),)
    else:
        drawn = _draw_carousel(rng, taken_at, pieces or rng.randint(2, 10))
    return Post(
        pk=pk,
        owner=owner,
        kind=kind,
        taken_at=taken_at,
        caption=_draw_caption(rng, owner),
        pieces=drawn,
        likes=rng.randint(10, 90_000),
        comments=rng.randint(0, 900),
        plays=rng.randint(500, 4_000_000) if kind is Kind.REEL else 0,
        trouble=trouble,
    )


def _draw_caption(rng: random.Random, owner: Person) -> str:
    text = rng.choice(owner.captions) if owner.captions else ""
    return f"{text} {owner.hashtag} #saved" if text else ""


def _draw_photo(rng: random.Random, pk: int) -> Piece:
    width, height = rng.choice(PHOTO_SIZES)
    return Piece(pk, rng.randrange(MOTIFS), width, height, is_film=False)


def _draw_film(rng: random.Random, pk: int) -> Piece:
    """Mostly music; of 100 films about five each have speech or silence, three have no sound track
    at all, and two have noise."""
    sound = rng.choices(list(Sound), (85, 5, 5, 3, 2))[0]
    track = rng.choice(TRACKS)
    seconds = track.seconds if sound is Sound.MUSIC else 10.0
    return Piece(
        pk,
        track.number,  # the film of a track always looks the same, and so does its cover
        *COVER_SIZE,
        is_film=True,
        sound=sound,
        track=track if sound is Sound.MUSIC else None,
        seconds=seconds,
    )


def _draw_carousel(rng: random.Random, taken_at: datetime, count: int) -> tuple[Piece, ...]:
    if not 2 <= count <= MOST_PIECES:
        raise ValueError(f"a carousel has 2 to {MOST_PIECES} pieces, not {count}")
    pieces: list[Piece] = []
    for place in range(count):
        pk = new_pk(rng, taken_at - timedelta(seconds=count - place))
        draw = _draw_film if rng.random() < 0.3 else _draw_photo
        pieces.append(draw(rng, pk))
    return tuple(pieces)
