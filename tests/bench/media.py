"""(d) A reel of 30 s: extracted, analysed and drawn in a process of its own; beside librosa's
defaults where an interpreter that has it is given. And what eight of these do to the event loop.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import av
import numpy as np

from sandbox.world import World
from services.media.runner import MediaRunner
from tests.bench.table import Result
from tests.support import music
from tests.support.music import Piece, Samples

REEL = Piece(124.0, "A minor", "piano", "four", "clean", 30.0, seed=7)
RATE, WIDTH, HEIGHT, FRAMES_PER_SECOND = 44_100, 720, 1280, 15
LIBROSA_RUNS = 3
LAG_MS = 10.0  # that p99 may be above idle
ABSENT = "librosa: SKIPPED; pass --librosa PYTHON, an interpreter that has it"


async def run(_world: World, librosa: str | None = None) -> Result:
    with tempfile.TemporaryDirectory(prefix="reelay-bench-") as made:
        folder = Path(made)
        reel = folder / "reel.mp4"
        await asyncio.to_thread(_film, music.play(REEL), reel)
        ours = await _json(sys.executable, "-m", "tests.bench.analyses", str(reel), str(folder))
        rows = [
            (
                "reelay: extract, analyse, draw; fresh process",
                f"{1000 * median(ours['seconds']):.0f}",
                f"{ours['megabytes']:.0f}",
            )
        ]
        notes = [f"reel: {REEL.seconds:.0f} s, {WIDTH}x{HEIGHT}, H.264 and AAC; medians"]
        if librosa is None:
            notes.append(ABSENT)
        else:
            theirs = await _librosa(librosa, reel, folder)
            peak = f"{theirs['megabytes']:.0f}"
            name = f"librosa {theirs['version']}: beat_track, chroma_cqt, Krumhansl"
            rows += [
                (f"{name}; fresh process", f"{1000 * theirs['first']:.0f}", peak),
                (f"{name}; warm", f"{1000 * median(theirs['seconds']):.0f}", peak),
            ]
            notes += [
                "librosa reads a WAV made beforehand, for it can't open the film; it draws nothing",
                f"librosa found {theirs['found'][0]:.1f} BPM, {theirs['found'][1]}; "
                f"played are {REEL.bpm:.0f} BPM, {REEL.key}",
            ]
    lag = {
        (state, name): median(one[name] for one in ours[state])
        for state in ("idle", "busy")
        for name in ("p50", "p99", "max")
    }
    above = lag["busy", "p99"] - lag["idle", "p99"]
    for state in ("idle", "busy"):
        p50, p99, most = (lag[state, name] for name in ("p50", "p99", "max"))
        notes.append(f"lag of the loop, {state}: p50 {p50:.2f}, p99 {p99:.2f}, max {most:.2f} ms")
    notes.append(f"p99 while 8 analyses run, above idle: {above:.2f} ms, bar {LAG_MS:g} ms")
    missed = [f"the loop's lag is {above:.1f} ms above idle"] if above > LAG_MS else []
    return Result(
        "(d) Sound, tempo, key and waveform of a reel", ("", "ms", "peak MB"), rows, notes, missed
    )


async def _librosa(python: str, reel: Path, folder: Path) -> dict[str, Any]:
    wav = folder / "reel.wav"
    arguments = {"source": str(reel), "target": str(wav), "kind": "wav"}
    await MediaRunner().run("convert", arguments)
    script = Path(__file__).with_name("with_librosa.py")
    await _json(python, str(script), str(wav), "1")  # compiles, which its cache keeps
    return await _json(python, str(script), str(wav), str(LIBROSA_RUNS))


async def _json(*command: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    answer: dict[str, Any] = json.loads(output)
    return answer


def _film(samples: Samples, path: Path) -> None:
    """As a phone would send it: moving noise, stereo."""
    rng = np.random.default_rng(1)
    with av.open(str(path), "w", format="mp4") as out:
        video = out.add_stream("libx264", rate=FRAMES_PER_SECOND)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"preset": "ultrafast", "crf": "30"}
        audio = out.add_stream("aac", rate=RATE, layout="stereo")
        picture = np.kron(
            rng.integers(16, 235, (HEIGHT * 3 // 2 // 16, WIDTH // 16), np.uint8),
            np.ones((16, 16), np.uint8),
        )
        for number in range(int(REEL.seconds * FRAMES_PER_SECOND)):
            moved = np.roll(picture, 2 * number, axis=1)
            out.mux(video.encode(av.VideoFrame.from_ndarray(moved, "yuv420p")))
        out.mux(video.encode(None))
        frame = av.AudioFrame.from_ndarray(np.stack([samples, samples]), "fltp", "stereo")
        frame.sample_rate, frame.pts = music.RATE, 0
        resampler = av.AudioResampler("fltp", "stereo", RATE)
        for ready in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(audio.encode(ready))
        out.mux(audio.encode(None))
