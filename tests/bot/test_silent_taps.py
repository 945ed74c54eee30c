"""A tap that needs no words is answered without any."""

from __future__ import annotations

from tests.support.harness import Harness


async def test_a_tap_without_a_toast_shows_none(harness: Harness) -> None:
    mia = await harness.owner()
    await mia.tap("Credits")
    await mia.until(lambda: harness.telegram.toasts(mia.user_id) or None, "an answer to the tap")
    assert [toast["text"] for toast in harness.telegram.toasts(mia.user_id)] == [""]
