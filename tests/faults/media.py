"""Spoilt films and pictures through the real runner, as the job "sample" does: does each end as an
outcome that the chat has words for, and does this process stay up?
"""

from __future__ import annotations

import asyncio
import random
import re
import resource
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.importing.library_cards import FAILURES, NOT_GIVEN
from services.importing import samples
from services.media.runner import MediaFailed, MediaRunner
from tests.faults.mutations import MUTATIONS, originals
from tests.faults.table import Figure, equal, most

AT_ONCE = 2  # as in production
MEMORY_MB = 1024
PROGRESS = 200  # files between two lines of it


@dataclass(slots=True)
class Tally:
    """{way to spoil: {outcome: files}}; what was not expected, in words; seconds of each file."""

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)
    seconds: list[tuple[float, str]] = field(default_factory=list)


async def run(runs: int, seed: int) -> list[Figure]:
    rng = random.Random(seed)
    sources = await asyncio.to_thread(originals)
    tally, runner = Tally(), MediaRunner(AT_ONCE)
    cases = iter(
        [
            (name, rng.choice(sorted(sources)), rng.randrange(1 << 30))
            for _ in range(-(-runs // len(MUTATIONS)))
            for name in MUTATIONS
        ][:runs]
    )
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="reelay-media-") as folder:

        async def work(number: int) -> None:
            for mutation, source, own_seed in cases:
                content = MUTATIONS[mutation](random.Random(own_seed), sources[source])
                home = Path(folder) / str(number)
                await _one(tally, runner, f"{mutation} of {source}", mutation, content, home)
                done = len(tally.seconds)
                if done % PROGRESS == 0:
                    say(f"{done} files, {(time.monotonic() - began) / 60:.1f} min")

        await asyncio.gather(*(work(number) for number in range(AT_ONCE)))
    return _figures(tally, runs)


async def _one(
    tally: Tally, runner: MediaRunner, name: str, mutation: str, content: bytes, home: Path
) -> None:
    source = home / "source"
    _prepare(home, source, content)
    began = time.monotonic()
    try:
        if name.endswith(".jpg"):
            made = home / "thumbnail"
            answer = await runner.run(
                "photo", {"source": str(source), "thumbnail": str(made)}, limit_seconds=30
            )
            outcome = "ready" if _good_photo(answer, made) else f"unknown: {answer}"
        else:
            paths = {"source": source, "audio": home / "audio", "waveform": home / "waveform"}
            answer = await runner.run(
                "sample",
                {part: str(path) for part, path in paths.items()},
                limit_seconds=samples.LIMIT_SECONDS,
            )
            outcome = _film_outcome(answer, home)
    except MediaFailed as failure:
        known = failure.reason in FAILURES
        outcome = failure.reason if known else f"unknown: {failure.reason}"
    except Exception as error:  # noqa: BLE001 - the edge of one file: this is what is counted
        outcome = f"unknown: {error!r}"
        tally.raised.append(f"{name}: {error!r}")
    tally.seconds.append((time.monotonic() - began, name))
    if outcome.startswith("unknown"):
        tally.unknown.append(f"{name}: {outcome}")
        say(f"UNKNOWN {name}: {outcome[:300]}")
    if outcome == "crashed":
        say(f"crashed: {name}, {len(content)} bytes")
    tally.outcomes.setdefault(mutation, Counter())[outcome.partition(":")[0]] += 1


def _prepare(home: Path, source: Path, content: bytes) -> None:
    """Nothing there but the file."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    source.write_bytes(content)


def _good_photo(answer: dict[str, Any], made: Path) -> bool:
    return bool(re.fullmatch("#[0-9a-f]{6}", answer["colour"])) and made.stat().st_size > 0


def _film_outcome(answer: dict[str, Any], home: Path) -> str:
    """A ready sample says of tempo and key what they are, or why not, in a word of the chat's."""
    columns = samples.sample_columns(answer)
    tempo_told = (columns["bpm"] is None) == (columns["no_bpm"] in NOT_GIVEN)
    key_told = (columns["key"] is None) == (columns["no_key"] in NOT_GIVEN)
    written = answer["audio"] is None or (home / "audio").stat().st_size > 0
    within = all(0 <= peak <= 1 for peak in columns["peaks"])
    if not (tempo_told and key_told and written and within):
        return f"unknown: {columns}"
    if columns["no_bpm"] == "no_audio":
        return "ready, no sound"
    return "ready, with a tempo" if columns["bpm"] else "ready, no tempo"


def _figures(tally: Tally, runs: int) -> list[Figure]:
    for mutation, outcomes in tally.outcomes.items():
        told = ", ".join(f"{outcome} {count}" for outcome, count in outcomes.most_common())
        say(f"{mutation:26}{told}")
    total = sum(tally.outcomes.values(), Counter())
    longest, which = max(tally.seconds)
    say(f"longest: {longest:.1f} s, {which}")
    # of all children that have ended; a child is never counted for less than this process itself
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return [
        equal("media", "files", total.total(), runs),
        *(
            Figure("media", f"ended as: {outcome}", str(count), "", True)
            for outcome, count in total.most_common()
        ),
        equal("media", "outcomes that nobody has words for", len(tally.unknown), 0),
        equal("media", "errors that reached the service", len(tally.raised), 0),
        most("media", "memory of the largest child", memory, MEMORY_MB, " MB"),
        most("media", "longest", longest, samples.LIMIT_SECONDS + 5, " s"),
    ]


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the command's progress
