"""/credits in the chat: balance, pages of history, the audit."""

from __future__ import annotations

from storage.tables import import_items
from tests.bot.seeds import seed_import
from tests.support.harness import Harness


async def test_a_newcomer_sees_the_welcome_grant(harness: Harness) -> None:
    mia = await harness.owner()
    mia.say("/credits")
    card = await mia.sees("500 credits")
    assert "🎁 +500 · Welcome" in card["text"]
    assert mia.labels(card) == ["🧾 Audit", "‹ Menu"]


async def test_a_long_history_has_pages(harness: Harness) -> None:
    mia = await harness.owner()
    (owner,) = await harness.app.people.everyone()
    for amount in range(1, 10):
        await harness.app.people.grant(owner, owner.id, amount)
    mia.say("/credits")
    newest = await mia.sees("545 credits")
    assert "+9 ·" in newest["text"]
    assert "Welcome" not in newest["text"]
    await mia.tap("Older ›")
    older = await mia.sees("\\+1 · .*\n.*Welcome")
    assert "+9 ·" not in older["text"]
    assert mia.labels(older) == ["‹ Newer", "🧾 Audit", "‹ Menu"]
    await mia.tap("‹ Newer")
    await mia.sees("\\+9 ·")
    assert len(mia.messages()) == 2  # one screen, edited in place


async def test_a_page_that_nobody_wrote_is_empty(harness: Harness) -> None:
    mia = await harness.owner()
    mia.forge(f"v1:cre:show:{10**17}")
    await mia.sees("There is nothing older")


async def test_the_audit_proves_the_balance(harness: Harness) -> None:
    mia = await harness.owner()
    mia.say("/credits audit")
    card = await mia.sees("✅ The books are right")
    lines = {line[:31].strip(): line[31:].strip() for line in card["text"].splitlines()[1:]}
    assert lines["Balance"] == lines["Sum of all entries"] == "500"
    await mia.tap("‹ Credits")
    await mia.sees("Welcome")


async def test_the_audit_finds_a_saved_post_that_was_never_paid(harness: Harness) -> None:
    mia = await harness.connected()
    import_id = await seed_import(harness, mia, 1, state="running", items=1)
    await harness.app.importing.service.pause(mia.user_id, import_id)
    async with harness.app.database.write() as db:
        await db.execute(import_items.update().values(state="saved"))
    mia.say("/credits audit")
    await mia.sees("❌ The books are wrong")
