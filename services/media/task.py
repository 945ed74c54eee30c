"""The program of one media process: limits first, heavy imports after, one JSON answer on stdout.

Started by services.media.runner as `python -m services.media.task NAME` with its arguments as JSON
on stdin. POSIX only (resource).
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

MEMORY = 1 << 30  # address space; a reel takes 0.26 GB of it, a photo of 50 megapixels 0.5 GB
CPU_SECONDS = 120
WALL_SECONDS = 300  # beyond any limit of the runner's: for a child whose runner was killed


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of address space, seconds of processor, seconds until its end whatever happens."""

    memory: int = MEMORY
    cpu_seconds: int = CPU_SECONDS
    wall_seconds: int = WALL_SECONDS


# 4K in ten bits, decoded and encoded, takes 0.5 GB of real memory; a minute of it, minutes
LIMITS = {"fit_story": Limits(2 << 30, 1800, 1200)}
FILE_BYTES = 512 << 20
OPEN_FILES = 64


def limit_self(limits: Limits) -> None:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"  # before numpy is imported
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.alarm(limits.wall_seconds)
    os.nice(10)


def sample(source: str, audio: str, waveform: str) -> dict[str, Any]:
    """A film: what it holds, its sound as M4A where it has one, waveform, tempo and key.

    Each part is given, or its reason why not; a damaged file gives what could be read.
    """
    from services.media import sample as made

    return asdict(made.make(Path(source), Path(audio), Path(waveform)))


def photo(source: str, thumbnail: str) -> dict[str, Any]:
    """A picture: size, thumbnail (JPEG) and dominant colour."""
    from services.media import photo as made

    return asdict(made.make(Path(source), Path(thumbnail)))


def convert(source: str, target: str, kind: str) -> dict[str, Any]:
    """The sound as WAV or MP3."""
    from services.media import sound

    sound.extract(Path(source), Path(target), kind)
    return {"bytes": Path(target).stat().st_size}


def fit_story(source: str, target: str, preview: str) -> dict[str, Any]:
    """A photo or video as a story's file, with a before-and-after: {"fitted": …} or {"refused": …}.

    What it is, is told from its content.
    """
    from services.media import story_photo, story_video
    from services.media.story import Unfit

    path = Path(source)
    try:
        made = story_photo if story_photo.is_photo(path) else story_video
        return {"fitted": asdict(made.fit(path, Path(target), Path(preview)))}
    except Unfit as error:
        return {"refused": asdict(error.refused)}


def read_story(source: str) -> dict[str, Any]:
    """What the pre-flight checks: {"photo": …}, {"video": …} or {"refused": …}."""
    from services.media import story_photo, story_probe
    from services.media.story import Unfit

    path = Path(source)
    try:
        if story_photo.is_photo(path):
            return {"photo": asdict(story_photo.read(path))}
        return {"video": asdict(story_probe.read(path))}
    except Unfit as error:
        return {"refused": asdict(error.refused)}


def chart(kind: str, chart: dict[str, Any], theme: str, target: str) -> dict[str, Any]:
    """A chart as services.media.charts describes it, as PNG."""
    from services.media import chart_drawing, charts

    chart_drawing.draw(charts.read(kind, chart), charts.Theme(theme), Path(target))
    return {"bytes": Path(target).stat().st_size}


TASKS: dict[str, Callable[..., dict[str, Any]]] = {
    "sample": sample,
    "photo": photo,
    "convert": convert,
    "fit_story": fit_story,
    "read_story": read_story,
    "chart": chart,
}


def main() -> None:
    limit_self(LIMITS.get(sys.argv[1], Limits()))
    arguments = json.load(sys.stdin)
    try:
        answer: dict[str, Any] = {"result": TASKS[sys.argv[1]](**arguments)}
    except MemoryError:
        answer = {"failed": "memory"}
    except Exception as error:  # noqa: BLE001 - the edge of the process: every failure is an answer
        answer = {"failed": getattr(error, "reason", "crashed")}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
