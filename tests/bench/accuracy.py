"""(e) Tempo and key against music whose answers are known, and against sounds that have none.

Two sets of different seeds, each drawn anew from tests.support.music; a bar missed by either is
missed.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import mean

from sandbox.world import World
from services.media import key, tempo
from services.media.key import Key
from services.media.tempo import Tempo
from tests.bench.table import Result
from tests.support import music
from tests.support.music import Piece

SEEDS = (101, 202)
PIECES, DRAWS = 144, 15  # of each set: clips of music; of each kind that is no music
BARS = {"Acc1": 0.85, "Acc2": 0.95, "MIREX": 0.75}
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Judged:
    """Of one clip; 0 where nothing was given."""

    piece: Piece
    acc1: bool
    acc2: bool
    exact: bool
    mirex: float


async def run(_world: World) -> Result:
    return await asyncio.to_thread(_run)


def _run() -> Result:
    rows: list[tuple[str, ...]] = []
    missed: list[str] = []
    notes: list[str] = []
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        for seed in SEEDS:
            judged = list(pool.map(_judge, music.pieces(PIECES, seed), chunksize=8))
            scores = _scores(judged)
            rows.append(_row(f"set {seed}", judged))
            missed += [
                f"set {seed}: {name} {scores[name]:.3f} < {bar}"
                for name, bar in BARS.items()
                if scores[name] < bar
            ]
            given, count = pool.submit(_no_music, seed).result()
            missed += [f"set {seed}: a tempo for {name}" for name, has, _ in given if has]
            notes.append(
                f"set {seed}: {count} clips of no music, {sum(has for _, has, _ in given)} given a "
                f"tempo, {sum(has for _, _, has in given)} a key"
            )
            for part in ("timbre", "drums", "spoiler"):
                for name in sorted({getattr(one.piece, part) for one in judged}):
                    group = [one for one in judged if getattr(one.piece, part) == name]
                    rows.append(_row(f"  {part} {name}", group))
    bars = ", ".join(f"{name} >= {bar}" for name, bar in BARS.items())
    return Result(
        "(e) Tempo and key of synthetic music; what is not given counts as wrong",
        ("", "clips", "Acc1", "Acc2", "key", "MIREX"),
        rows,
        [*notes, f"bars: {bars}; no tempo for what is no music"],
        missed,
    )


def _scores(judged: list[Judged]) -> dict[str, float]:
    return {
        "Acc1": mean(one.acc1 for one in judged),
        "Acc2": mean(one.acc2 for one in judged),
        "key": mean(one.exact for one in judged),
        "MIREX": mean(one.mirex for one in judged),
    }


def _row(name: str, judged: list[Judged]) -> tuple[str, ...]:
    return name, str(len(judged)), *(f"{score:.3f}" for score in _scores(judged).values())


def _judge(piece: Piece) -> Judged:
    clip = music.play(piece)
    beat, tonality = tempo.estimate(clip), key.estimate(clip)
    bpm = beat.bpm if isinstance(beat, Tempo) else 0.0
    name = tonality.name if isinstance(tonality, Key) else ""
    return Judged(
        piece,
        music.accuracy1(bpm, piece.bpm),
        music.accuracy2(bpm, piece.bpm),
        name == piece.key,
        music.mirex(name, piece.key) if name else 0.0,
    )


def _no_music(seed: int) -> tuple[list[tuple[str, bool, bool]], int]:
    """([(name, tempo given, key given)] of the clips that were given anything, all clips)."""
    found = [
        (name, isinstance(tempo.estimate(clip), Tempo), isinstance(key.estimate(clip), Key))
        for name, clip in music.no_music(DRAWS, seed)
    ]
    return [one for one in found if one[1] or one[2]], len(found)
