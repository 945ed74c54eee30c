"""From a capability's side: real files through a real process, and every failure as an outcome."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from services.media import fitting
from services.media.runner import MediaFailed, MediaRunner
from services.media.story import Film, Fitted, Note, Picture, Reason, Refused, Verdict, Way, check
from tests.support import clips
from tests.support.clips import Clip


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_photo_comes_back_as_a_story(tmp_path: Path) -> None:
    Image.new("RGBA", (200, 200), (200, 30, 40, 128)).save(tmp_path / "given", "PNG")
    made, preview = tmp_path / "made", tmp_path / "preview"
    found = await fitting.fit(MediaRunner(), tmp_path / "given", made, preview)
    assert isinstance(found, Fitted)
    assert (found.way, found.ending, found.bytes) == (Way.REDRAWN, "jpg", made.stat().st_size)
    assert Note.FLATTENED in found.notes
    assert preview.exists()
    read = await fitting.read(MediaRunner(), made)
    assert isinstance(read, Picture)
    assert all(line.verdict is Verdict.OK for line in check(read))


async def test_a_video_too(tmp_path: Path) -> None:
    given = clips.write(tmp_path / "given", Clip(576, 1024))
    found = await fitting.fit(MediaRunner(), given, tmp_path / "made", tmp_path / "preview")
    assert isinstance(found, Fitted)
    assert (found.way, found.ending, found.seconds) == (Way.REMUXED, "mp4", 3.2)
    read = await fitting.read(MediaRunner(), tmp_path / "made")
    assert isinstance(read, Film)
    assert read.sound
    assert read.sound.codec == "aac"


async def test_what_is_refused_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    given = clips.write(tmp_path / "given", Clip(seconds=2.0))
    made, preview = tmp_path / "made", tmp_path / "preview"
    made.write_bytes(b"from a run that was killed")
    found = await fitting.fit(MediaRunner(), given, made, preview)
    assert found == Refused(Reason.TOO_SHORT, 2.0, 3.0)
    assert names(tmp_path) == [given.name]
    given.write_text("no media")
    assert await fitting.read(MediaRunner(), given) == Refused(Reason.NOT_MEDIA)


class Failing(MediaRunner):
    """A process that ends like this."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    async def run(
        self, task: str, arguments: Mapping[str, Any], *, limit_seconds: float = 60
    ) -> dict[str, Any]:
        raise MediaFailed(self.reason)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("timeout", Reason.TIMEOUT),
        ("memory", Reason.MEMORY),
        ("crashed", Reason.CRASHED),
        ("unheard of", Reason.CRASHED),
    ],
)
async def test_a_process_that_dies_is_an_outcome_too(
    tmp_path: Path, reason: str, said: Reason
) -> None:
    runner = Failing(reason)
    (tmp_path / "made").write_bytes(b"half")
    paths = tmp_path / "given", tmp_path / "made", tmp_path / "preview"
    assert await fitting.fit(runner, *paths) == Refused(said)
    assert names(tmp_path) == []
    assert await fitting.read(runner, tmp_path / "given") == Refused(said)
