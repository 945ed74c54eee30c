"""An import as a person sees it, from the link to the report."""

from __future__ import annotations

from tests.support.harness import Harness


async def test_a_collection_is_imported_with_its_bad_posts_refunded(harness: Harness) -> None:
    mia = await harness.connected()
    mia.say(harness.sandbox.world.collection_url("mia", "beats"))
    await mia.tap("Import all")
    result = await mia.sees("✅ Done")
    assert "24 posts saved" in result["text"]
    assert "24 credits paid, 0 refunded, 476 left" in result["text"]
