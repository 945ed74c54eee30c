"""The question before an import: what there is and what it costs. Used by bot/importing/cards.py.

Pure.
"""

from __future__ import annotations

from bot.cards import Button, Card, button, count, verb
from bot.importing.words import by, title
from services.importing.decisions import BATCH, minutes
from services.importing.service import View


def preview(view: View, gap: float) -> Card:
    item, tally = view.item, view.tally
    if not item.pages:
        return _unseen(view)
    if not tally.listed:
        return Card(
            f"<b>{title(view)}</b> is empty: there is nothing to import yet.\n"
            "Save some posts to it on Instagram, then paste its link again.",
            ((button("Close", "imp", "cancel_yes", item.id),),),
        )
    new = tally.wanted - tally.failed
    more = " so far, and there are more" if item.more else ""
    lines = [f"<b>{title(view)}</b> · {count(tally.listed, 'post')}{more}"]
    close = button("Close", "imp", "cancel_yes", item.id)
    if tally.filtered:
        lines.append(f"{tally.filtered} filtered out{by(view)}: free.")
    if not new and not item.more:
        lines.append(_nothing_new(view))
        return Card("\n".join(lines), ((_filters(view), close) if tally.filtered else (close,),))
    if tally.skipped:
        lines.append(
            f"{tally.skipped} of them {verb(tally.skipped, 'is', 'are')} here already: free."
        )
    most = min(item.post_limit, new) if not item.more else item.post_limit
    price = f"up to {count(most, 'credit')}" if item.more else count(most, "credit")
    lines.append(
        f"Costs 1 credit a post: {price}; you have {view.balance:,}. "
        f"About {minutes(most, gap)} min{' at most' if item.more else ''}."
    )
    if view.balance < most:
        lines.append("If your credits run out, the import pauses and nothing is lost.")
    choice: list[Button] = [button("📥 Import all", "imp", "all", item.id)]
    if item.more or new > BATCH:
        choice.append(button(f"Newest {BATCH}", "imp", "newest", item.id))
    last = (_filters(view), button("Cancel", "imp", "cancel_yes", item.id))
    return Card("\n".join(lines), (tuple(choice), last))


def _nothing_new(view: View) -> str:
    if view.tally.failed:
        failed = count(view.tally.failed, "post")
        return f"{failed} can't be read by this version, and nothing else is new."
    if view.tally.filtered:
        return "Nothing new is left: there is nothing to import."
    return "All of it is here already: there is nothing to import."


def _unseen(view: View) -> Card:
    """The filters have changed since it was looked at."""
    item = view.item
    return Card(
        f"<b>{title(view)}</b>\nThe filters have changed{by(view)}. Each new post that passes "
        f"them costs 1 credit, {count(item.post_limit, 'credit')} at most; you have "
        f"{view.balance:,}.",
        (
            (button("🔎 Look again", "imp", "look", item.id),),
            (button("📥 Import all", "imp", "all", item.id), _filters(view)),
            (button("Cancel", "imp", "cancel_yes", item.id),),
        ),
    )


def _filters(view: View) -> Button:
    return button("🧹 Filters", "col", "filters", view.item.collection_id)
