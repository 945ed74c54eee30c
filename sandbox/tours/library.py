"""The tour of samples: import, wait for the analyses, open a card, export, and compare what was
found with the tempo and key in which the sandbox's music was played."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import time
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

from sandbox.telegram.wire import Json
from sandbox.tours.importing import connected
from sandbox.tours.stage import Stage
from sandbox.tours.visitor import TourFailed, Visitor, labels
from sandbox.world import World
from sandbox.world.music import Sound, Track
from sandbox.world.posts import Piece, Post

IMPORTS = (("beats", "Import all"), ("reels-ideas", "Newest 50"))  # a collection, and what is taken
ANALYSES = 600.0  # seconds that they may take
LOOK = 2.0  # seconds between two looks at a page that is not ready
TOLERANCE = 0.04  # a share of the true tempo
OCTAVES = (0.5, 2.0)
SAVED = re.compile(r"(\d+) posts? saved")
PAGE = re.compile(r"^(\d+)/(\d+)$")

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Compared:
    """One post with a film. `truth`: None where the film has no music."""

    post: Post
    sound: Sound
    truth: Track | None
    tempo: float | None
    key: str | None
    why: str  # none is given

    @property
    def tempo_right(self) -> bool:
        return self._near(1.0)

    @property
    def octave(self) -> bool:
        """Half or double the truth: counted apart."""
        return any(map(self._near, OCTAVES))

    @property
    def key_right(self) -> bool:
        return self.truth is not None and self.key == str(self.truth.key)

    def _near(self, factor: float) -> bool:
        if self.truth is None or self.tempo is None:
            return False
        wanted = self.truth.tempo_bpm * factor
        return abs(self.tempo - wanted) <= TOLERANCE * wanted


async def tour_library(stage: Stage) -> dict[str, object]:
    """74 posts of which six are bad: films with and without music, photos, carousels."""
    mia = await connected(stage)
    return await visit_library(mia, stage.sandbox.world, stage.out, IMPORTS)


async def visit_library(
    mia: Visitor, world: World, out: TextIO, imports: Iterable[tuple[str, str]]
) -> dict[str, object]:
    """For a visitor who has connected an account. Errors: TourFailed."""
    saved = 0
    for slug, choice in imports:
        name = world.collection("mia", slug).name
        mia.say(world.collection_url("mia", slug))
        await mia.tap(choice)
        told = SAVED.search((await mia.sees(f"✅ Done: {name}"))["text"])
        saved += int(told[1]) if told else 0
    mia.say("/library")
    await _analysed(mia)
    await mia.tap("1")
    await mia.sees("post on Instagram")
    rows = await _table(mia)
    sounds = await _sounds(mia)
    facts = _facts(world, rows, out)
    if len(rows) != saved:
        raise TourFailed(f"{saved} posts were saved, but the table has {len(rows)} rows")
    if sounds < int(str(facts["tempo_given"])):
        raise TourFailed(f"the zip has {sounds} sounds only")
    return facts


async def _analysed(mia: Visitor) -> None:
    """Turns every page of the library, and waits at each until its posts are analysed."""
    until = time.monotonic() + ANALYSES
    page, pages = _place(await mia.sees_button(PAGE.pattern))
    while True:
        shelf = await mia.sees_button(f"^{page}/{pages}$")
        if "being analysed" not in shelf["text"]:
            if page == pages:
                return
            page += 1
            await mia.tap("›")
        elif time.monotonic() > until:
            raise TourFailed(f"after {ANALYSES:.0f} s not everything is analysed")
        else:
            await asyncio.sleep(LOOK)
            await mia.tap(f"{page}/{pages}")


def _place(shelf: Json) -> tuple[int, int]:
    """(page, of how many)"""
    found = next(match for label in labels(shelf) if (match := PAGE.match(label)))
    return int(found[1]), int(found[2])


async def _table(mia: Visitor) -> list[dict[str, str]]:
    await _export(mia, "CSV")
    text = (await mia.receives("library.csv")).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def _export(mia: Visitor, form: str) -> None:
    mia.say("/library")
    await mia.tap("Export")
    await mia.sees_button(rf"^{form}( \(|$)")  # an import's card has a button "CSV report"
    await mia.tap(form)


async def _sounds(mia: Visitor) -> int:
    await _export(mia, "Sound")
    with zipfile.ZipFile(io.BytesIO(await mia.receives(".zip"))) as archive:
        return len(archive.namelist())


# ---------------------------------------------------------------- expected and found


def compare(world: World, rows: Iterable[Row]) -> list[Compared]:
    """The rows of posts with a film, each beside its truth. Errors: TourFailed."""
    posts = {post.code: post for post in world.posts.values()}
    compared = []
    for row in rows:
        post = posts.get(row["shortcode"].removeprefix("'"))
        if post is None:
            raise TourFailed(f"a row of a post that nobody saved: {row['shortcode']}")
        film = _heard(post)
        if film is None:
            continue
        compared.append(
            Compared(
                post,
                film.sound,
                film.track if film.sound is Sound.MUSIC else None,
                float(row["tempo"]) if row["tempo"] else None,
                row["key"] or None,
                row["no_tempo"] or row["no_key"],
            )
        )
    return compared


def _heard(post: Post) -> Piece | None:
    """The film that stands for a post: its first one with a sound track, else its first one."""
    films = [piece for piece in post.pieces if piece.is_film]
    with_sound = [film for film in films if film.sound is not Sound.NONE]
    return next(iter(with_sound or films), None)


def _facts(world: World, rows: Sequence[Row], out: TextIO) -> dict[str, object]:
    found = compare(world, rows)
    music = [one for one in found if one.truth]
    others = [one for one in found if not one.truth]
    facts: dict[str, object] = {
        "samples": len(found),
        "tempo_given": sum(one.tempo is not None for one in found),
        "tempo_right": sum(one.tempo_right for one in found),
        "key_given": sum(one.key is not None for one in found),
        "key_right": sum(one.key_right for one in found),
        "non_music": len(others),
        "non_music_given_tempo": sum(one.tempo is not None for one in others),
        "photos": len(rows) - len(found),
        "exported_rows": len(rows),
    }
    _print(music, others, facts, out)
    unread = [one for one in found if one.why in ("pending", "timeout", "crashed", "memory")]
    if unread:
        raise TourFailed(f"{len(unread)} films were not analysed")
    if facts["non_music_given_tempo"]:
        raise TourFailed("what is no music was given a tempo")
    return facts


def _print(
    music: list[Compared], others: list[Compared], facts: Mapping[str, object], out: TextIO
) -> None:
    """Expected and found, side by side."""
    lines = [
        "",
        f"{'track':<18}{'timbre':<9}{'BPM':>5}{'found':>8}  {'':<8}{'key':<10}{'found':<10}",
    ]
    for one in sorted(music, key=lambda one: one.truth.number if one.truth else 0):
        assert one.truth is not None
        tempo = "ok" if one.tempo_right else "octave" if one.octave else one.why or "wrong"
        key = "ok" if one.key_right else "wrong" if one.key else "not given"
        lines.append(
            f"{one.truth.title:<18}{one.truth.timbre:<9}{one.truth.tempo_bpm:>5}"
            f"{one.tempo or '-':>8}  {tempo:<8}{one.truth.key!s:<10}{one.key or '-':<10}{key}"
        )
    lines.append("")
    for one in others:
        given = f"{one.tempo} BPM" if one.tempo else f"no tempo: {one.why}"
        lines.append(f"{one.sound.value:<18}{one.post.code:<14}{given}")
    octaves = sum(one.octave for one in music)
    lines += [
        "",
        f"{facts['samples']} films, {len(music)} of them with music, and {facts['photos']} posts "
        "of photos only",
        f"tempo: {facts['tempo_right']} right of {facts['tempo_given']} given, {octaves} more at "
        "half or double",
        f"key: {facts['key_right']} right of {facts['key_given']} given",
        f"no music: {facts['non_music']}, given a tempo: {facts['non_music_given_tempo']}",
        f"rows of the exported table: {facts['exported_rows']}",
    ]
    print("\n".join(lines), file=out, flush=True)
