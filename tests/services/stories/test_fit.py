"""Files are fitted, or refused with a reason, whatever happens to the process."""

from __future__ import annotations

import pytest

from services.media.runner import MediaFailed
from services.stories.fit import fit_job, problem_of
from tests.services.stories.desk import Desk


async def test_a_file_is_stored_fitted_and_told(desk: Desk) -> None:
    item = await desk.fitted(b"one")
    assert (item.state, item.kind, item.done) == ("ready", "photo", ["redrawn", "padded"])
    assert item.fitted_key is not None
    assert desk.objects.path(item.fitted_key).read_bytes() == b"fitted"
    assert desk.objects.path(item.original_key).read_bytes() == b"one"
    assert await desk.told() == ["story_item"]


async def test_what_cannot_be_fitted_says_why(desk: Desk) -> None:
    desk.fitter.refuses = {"reason": "too_short", "found": 1.5, "limit": 3.0}
    item = await desk.fitted(b"one")
    assert item.state == "unfit"
    refused = problem_of(item.problem or "")
    assert (refused.reason, refused.found, refused.limit) == ("too_short", 1.5, 3.0)


async def test_a_file_that_crashes_its_reader_is_refused(desk: Desk) -> None:
    desk.fitter.fails = MediaFailed("crashed")
    assert (await desk.fitted(b"one")).problem == "crashed"


async def test_a_file_that_took_the_process_down_three_times_is_left_alone(desk: Desk) -> None:
    added = await desk.bring()
    await desk.set(added.item.id, tries=3)
    await desk.job.work(fit_job(added.item))
    assert (await desk.item(added.item.id)).problem == "crashed"


async def test_a_stop_is_no_try_and_a_new_run_goes_on(desk: Desk) -> None:
    added = await desk.bring()
    desk.fitter.fails = OSError("disk full")
    with pytest.raises(OSError, match="disk full"):
        await desk.job.work(fit_job(added.item))
    assert (await desk.item(added.item.id)).tries == 0
    desk.fitter.fails = None
    desk.now.advance(minutes=1)
    (stranded,) = await desk.job.stranded(desk.now())
    again = await desk.job.restart(stranded)
    assert again is not None
    assert await desk.job.restart(stranded) is None, "only one of two processes"
    await desk.job.work(stranded)
    assert (await desk.item(added.item.id)).state == "fitting", "the old run does nothing any more"
    await desk.job.work(again)
    item = await desk.item(added.item.id)
    assert (item.state, item.run) == ("ready", 2)
