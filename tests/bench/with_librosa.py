"""What most people would write with librosa, run by media.py with an interpreter that has it.

`PYTHON with_librosa.py SOUND.wav RUNS`; prints one JSON object. Imports nothing of Reelay.
"""

import json
import resource
import sys
import time

began = time.perf_counter()
import librosa  # noqa: E402 - its import is part of what is measured
import numpy as np  # noqa: E402

# Krumhansl and Kessler 1982, as in Krumhansl 1990
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def analyse(path: str) -> tuple[float, str]:
    samples, rate = librosa.load(path, sr=22_050, mono=True)
    bpm, _ = librosa.beat.beat_track(y=samples, sr=rate)
    chroma = librosa.feature.chroma_cqt(y=samples, sr=rate).mean(axis=1)
    ranked = [
        (float(np.corrcoef(np.roll(profile, tonic), chroma)[0, 1]), f"{NOTES[tonic]} {mode}")
        for mode, profile in (("major", MAJOR), ("minor", MINOR))
        for tonic in range(12)
    ]
    return float(np.atleast_1d(bpm)[0]), max(ranked)[1]


def main() -> None:
    path, runs = sys.argv[1], int(sys.argv[2])
    found, times = analyse(path), []
    first = time.perf_counter() - began
    for _ in range(runs):
        start = time.perf_counter()
        analyse(path)
        times.append(time.perf_counter() - start)
    answer = {
        "version": librosa.__version__,
        "first": first,
        "seconds": times,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "found": found,
    }
    print(json.dumps(answer))  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
