"""The posts of one person over months, nearly all of them reels, with figures that tell a story.

Drawn from the seed by `sandbox.world.world`, and by the Instagram stand-in where a test wants a
larger profile.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sandbox.world.people import Person
from sandbox.world.posts import Kind, Post, draw_post

NEWEST = datetime(2026, 11, 2, 18, 0, tzinfo=UTC)
REELS, OTHERS = 72, 10
USUAL_GAP = timedelta(days=2, hours=7)  # between two reels
LONGEST_SPAN = timedelta(days=8 * 365)  # a larger profile posts more often
HOURS = (7, 12, 17, 18, 19, 20)  # of the day, UTC
USUAL_PLAYS = 20_000
BREAKOUT, TIMES = 0.04, 9  # a share of the reels is seen so many times more often
HIDDEN = 9  # one reel of so many hides its likes


def draw_profile(rng: random.Random, person: Person) -> Iterator[Post]:
    """Reels, and now and then something else, newest first."""
    others = set(rng.sample(range(REELS), OTHERS))
    for number, reel in enumerate(draw_reels(rng, person, REELS, NEWEST)):
        yield reel
        if number in others:
            at = reel.taken_at - timedelta(minutes=95)
            kind = rng.choice((Kind.PHOTO, Kind.CAROUSEL))
            yield draw_post(rng, person, 0, kind=kind, taken_at=at)


def draw_reels(rng: random.Random, person: Person, count: int, newest: datetime) -> Iterator[Post]:
    """So many reels, newest first, the newest before `newest` (aware, UTC). Older ones were seen
    less."""
    gap = min(USUAL_GAP, LONGEST_SPAN / count)
    at = newest
    for number in range(count):
        at -= gap * rng.uniform(0.3, 1.7)
        if gap >= timedelta(days=1):
            at = min(at, at.replace(hour=rng.choice(HOURS), minute=rng.randrange(60)))
        plays = USUAL_PLAYS * rng.lognormvariate(0, 0.6) * (1.2 - 0.5 * number / count)
        plays *= TIMES if rng.random() < BREAKOUT else 1
        likes = plays * rng.uniform(0.03, 0.09)
        yield replace(
            draw_post(rng, person, 0, kind=Kind.REEL, taken_at=at),
            plays=int(plays),
            likes=int(likes),
            comments=int(likes * rng.uniform(0.01, 0.05)),
            hides_likes=number % HIDDEN == HIDDEN - 1,
        )
