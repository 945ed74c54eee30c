"""(f) A story's media fitted to Meta's specification, in a process of its own: a photo of 12
megapixels, and a video of 30 s that is copied or encoded anew.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from sandbox.world import World
from services.media import fitting
from services.media.runner import MediaRunner
from services.media.story import Fitted, Refused, Verdict, Way, check
from tests.bench.table import Result
from tests.support import clips
from tests.support.clips import Clip

SECONDS = 30.0
COPIED = Clip(720, 1280, rate=30, seconds=SECONDS, layout="stereo")
ENCODED = Clip(1280, 720, rate=30, seconds=SECONDS, layout="stereo")
CASES = (  # name, file, how it is to be done, times
    ("photo, 4000x3000, JPEG", "photo", Way.REDRAWN, 5),
    ("video, 30 s, 720x1280: remux", "copied", Way.REMUXED, 5),
    ("video, 30 s, 1280x720: transcode to 1080x1920", "encoded", Way.TRANSCODED, 1),
)


async def run(_world: World) -> Result:
    rows, missed = [], []
    with tempfile.TemporaryDirectory(prefix="reelay-bench-") as made:
        folder = Path(made)
        await asyncio.to_thread(_write, folder)
        for name, file, way, times in CASES:
            seconds, found = await _fitted(folder, file, times)
            sizes = f"{found.source_bytes / 1e6:.2f}", f"{found.bytes / 1e6:.2f}"
            rows.append((name, f"{seconds:.2f}", *sizes))
            if found.way is not way:
                missed.append(f"{name} was {found.way}, not {way}")
            if not await _is_fine(folder):
                missed.append(f"{name} is not to Meta's specification")
    notes = [
        "fresh process each; before-and-after picture, both hashes and the last check included"
    ]
    return Result("(f) Fitting to a story", ("", "s", "MB given", "MB made"), rows, notes, missed)


async def _fitted(folder: Path, file: str, times: int) -> tuple[float, Fitted]:
    """(median seconds, what was done)."""
    spent, found = [], None
    for _ in range(times):
        began = time.perf_counter()
        found = await fitting.fit(MediaRunner(), folder / file, folder / "made", folder / "preview")
        spent.append(time.perf_counter() - began)
        if not isinstance(found, Fitted):
            raise RuntimeError(f"{file}: {found}")
    assert isinstance(found, Fitted)
    return median(spent), found


async def _is_fine(folder: Path) -> bool:
    read = await fitting.read(MediaRunner(), folder / "made")
    if isinstance(read, Refused):
        return False
    return all(line.verdict is Verdict.OK for line in check(read))


def _write(folder: Path) -> None:
    rough = np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8)
    photo = Image.fromarray(rough).resize((4000, 3000), Image.Resampling.BICUBIC)
    photo.save(folder / "photo", "JPEG", quality=90)
    clips.write(folder / "copied", COPIED)
    clips.write(folder / "encoded", ENCODED)
