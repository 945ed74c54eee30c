"""Any file fitted to Meta's specification of a story, or the reason why not. Called by stories.

Every end is an outcome that the chat can word: a decoder that crashes or hangs is one as well.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.media.runner import MediaFailed, MediaRunner
from services.media.story import Film, Fitted, Note, Picture, Reason, Refused, Track, Way

FIT_SECONDS = 900.0  # a minute of film takes one on two cores; small machines take several
READ_SECONDS = 60.0


async def fit(runner: MediaRunner, source: Path, target: Path, preview: Path) -> Fitted | Refused:
    """Writes `target` (JPEG or MP4: see `Fitted.ending`) and `preview`, a small JPEG of before and
    after. Where it is refused, neither is left behind. `source` is only read. The folder of
    `target` is this run's own: a process that is killed may leave a table of colours in it."""
    arguments = {"source": str(source), "target": str(target), "preview": str(preview)}
    answer = await _ask(runner, "fit_story", arguments, FIT_SECONDS)
    if not isinstance(answer, Refused):
        return _fitted(answer["fitted"])
    for left in (target, preview):
        with contextlib.suppress(FileNotFoundError):
            left.unlink()
    return answer


async def read(runner: MediaRunner, source: Path) -> Picture | Film | Refused:
    """What the file holds, for `story.check`: the pre-flight's lines."""
    answer = await _ask(runner, "read_story", {"source": str(source)}, READ_SECONDS)
    if isinstance(answer, Refused):
        return answer
    if "photo" in answer:
        return Picture(**answer["photo"])
    film = dict(answer["video"])
    sound = film.pop("sound")
    return Film(**film, sound=Track(**sound) if sound else None)


async def _ask(
    runner: MediaRunner, task: str, arguments: Mapping[str, str], limit_seconds: float
) -> dict[str, Any] | Refused:
    try:
        answer = await runner.run(task, arguments, limit_seconds=limit_seconds)
    except MediaFailed as failed:
        known = set(Reason)
        return Refused(Reason(failed.reason) if failed.reason in known else Reason.CRASHED)
    if refused := answer.get("refused"):
        return Refused(Reason(refused["reason"]), refused["found"], refused["limit"])
    return answer


def _fitted(answer: Mapping[str, Any]) -> Fitted:
    return Fitted(
        **{
            **answer,
            "way": Way(answer["way"]),
            "notes": tuple(Note(note) for note in answer["notes"]),
            "looks": tuple(answer["looks"]),
        }
    )
