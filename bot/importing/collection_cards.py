"""The cards of collections, as pure functions of what services.importing.collections shows."""

from __future__ import annotations

from datetime import datetime

from bot.cards import Button, Card, button, clock_time, count, esc
from bot.importing.words import filter_words
from services.importing.collections import CollectionView
from services.importing.filters import DAYS, ImportFilters
from storage.importing import Collection

MENU = button("Menu", "menu", "home")
BACK = button("‹ Collections", "col", "list")
EVERY = {"never": "Off", "daily": "Daily", "weekly": "Weekly"}
KINDS = {"anykind": "All kinds", "video": "🎬 Films", "photo": "🖼 Photos"}
SHOWN = 40  # letters of a title in a button


def listed(known: list[Collection]) -> Card:
    """Parts stand below the one that they are shown with."""
    if not known:
        return Card(
            "<b>Collections</b>\nNone yet. Import one: then you choose here how it keeps itself "
            "fresh, what it leaves out, and what it is shown together with.",
            ((button("📥 Import", "imp", "ask"), MENU),),
        )
    here = {one.id for one in known}
    rows: list[tuple[Button, ...]] = []
    for head in (one for one in known if one.merged_into not in here):
        rows.append((_key(head),))
        rows += [(_key(part, "↳ "),) for part in known if part.merged_into == head.id]
    return Card(
        "<b>Collections</b>, the last imported first\n🔄 refreshes itself · 🧹 leaves posts out",
        (*rows, (button("‹ Library", "lib", "show"), MENU)),
    )


def _key(one: Collection, before: str = "") -> Button:
    signs = ("🔄 " if one.refresh != "never" else "") + ("🧹 " if one.filters else "")
    return button(f"{before}{signs or '🗂 '}{one.title[:SHOWN]}", "col", "one", one.id)


# ---------------------------------------------------------------- one of them


def card(view: CollectionView, zone: str, now: datetime) -> Card:
    one = view.collection
    lines = [f"🗂 <b>{esc(one.title, 60)}</b> · {count(view.posts, 'post')} in your library"]
    if view.parts:
        lines.append(f"With {', '.join(f'<b>{esc(part.title, 40)}</b>' for part in view.parts)}")
    if view.head:
        lines.append(f"Shown as part of <b>{esc(view.head.title, 60)}</b>")
    looked = clock_time(view.looked_at, zone, now) if view.looked_at else "never"
    lines.append(f"Last looked at: {looked}")
    lines.append(f"Refresh: {_refresh(view, zone, now)}")
    lines.append(f"Account: {esc(view.account.label, 40) if view.account else 'not connected'}")
    lines.append(f"Imports: {filter_words(view.filters) or 'everything'}")
    lines += [line for line in (_trouble(view), _open(view)) if line]
    return Card("\n".join(lines), tuple(_keys(view)))


def _refresh(view: CollectionView, zone: str, now: datetime) -> str:
    one = view.collection
    if one.refresh == "never" or one.refresh_at is None:
        return "off"
    if one.refresh_at <= now:
        return f"{one.refresh}, due now"
    return f"{one.refresh}, next {clock_time(one.refresh_at, zone, now)}; 1 credit a new post"


def _trouble(view: CollectionView) -> str:
    """Why it would not refresh itself."""
    if view.collection.refresh == "never":
        return ""
    if view.account is None:
        return "⚠️ It waits until its account is connected again, and goes on by itself then."
    name = esc(view.account.label, 40)
    match view.account.status:
        case "blocked":
            return (
                f"⚠️ It waits: Instagram wants to check that {name} is you. Open Instagram and "
                "confirm; it goes on by itself once the account works again."
            )
        case "expired":
            return (
                f"⚠️ It waits: Instagram asks {name} to log in again. Send new cookies, and it goes "
                "on by itself."
            )
    return ""


def _open(view: CollectionView) -> str:
    match view.unfinished.state if view.unfinished else "":
        case "":
            return ""
        case "offered":
            return "❓ An import of it waits for your answer; until then nothing else begins."
        case "paused":
            return "⏸ An import of it is paused; until it goes on nothing else begins."
    return "⏬ It is being imported now."


def _keys(view: CollectionView) -> list[tuple[Button, ...]]:
    one = view.collection
    rows: list[tuple[Button, ...]] = [
        tuple(
            button(f"{'✓ ' if one.refresh == every else ''}{label}", "col", every, one.id)
            for every, label in EVERY.items()
        )
    ]
    if view.unfinished:
        first = button("⏱ Show the import", "imp", "show", view.unfinished.id)
    elif view.looked_at:
        first = button("🔄 Refresh now", "col", "now", one.id)
    else:
        first = button("📥 Import", "imp", "again", one.id)
    rows.append((first, button("🧹 Filters", "col", "filters", one.id)))
    if view.failed and not view.unfinished:
        import_id, number = view.failed
        rows.append((button(f"🔁 Retry {number} failed", "imp", "retry", import_id),))
    if view.collection.refresh != "never" and (
        view.account is None or view.account.status == "expired"
    ):
        rows.append((button("🍪 Send new cookies", "con", "renew"),))
    rows.append(
        (
            button("🎧 Show its posts", "lib", "collection", one.id),
            button("📤 Export", "exp", "ask", one.id),
        )
    )
    if view.head:
        rows.append((button("✂️ Unmerge", "col", "unmerge", one.id),))
    else:
        rows.append((button("🔗 Merge…", "col", "merge", one.id),))
    rows += [
        (button(f"✂️ Unmerge {part.title[:SHOWN]}", "col", "unmerge", part.id),)
        for part in view.parts
    ]
    rows.append((BACK, MENU))
    return rows


# ---------------------------------------------------------------- what it is shown with


def merge(one: Collection, others: list[Collection]) -> Card:
    back = (button("‹ Back", "col", "one", one.id),)
    if not others:
        return Card(
            f"There is nothing that could be shown as part of <b>{esc(one.title, 60)}</b>: it "
            "needs another collection that is not merged yet.",
            (back,),
        )
    rows = [
        (button(f"🗂 {other.title[:SHOWN]}", "col", "join", f"{one.id}-{other.id}"),)
        for other in others
    ]
    return Card(
        f"Which one shall be shown as part of <b>{esc(one.title, 60)}</b>, in the library and in "
        "exports? Each goes on refreshing as before, and you can undo it at any time.",
        (*rows, back),
    )


# ---------------------------------------------------------------- what it leaves out


def filters(view: CollectionView) -> Card:
    one, current = view.collection, view.filters
    words = filter_words(current)
    lines = [
        f"🧹 <b>{esc(one.title, 60)}</b>: import {words or 'everything'}",
        "What is left out is neither fetched nor paid for. Loosen the filters later and import "
        "again, and it comes.",
    ]
    if view.unfinished and view.unfinished.state not in ("offered", "previewing"):
        lines.append("The import that is under way keeps what it has listed so far.")
    rows = [
        tuple(
            button(_tick(label, (current.kind or "anykind") == kind), "col", kind, one.id)
            for kind, label in KINDS.items()
        ),
        (
            button(_tick("Any date", not _dated(current)), "col", "anytime", one.id),
            *(
                button(_tick(f"1 {word}", current.within == word), "col", word, one.id)
                for word in DAYS
            ),
        ),
        (
            button(_tick("📅 From … to", bool(current.since)), "col", "range", one.id),
            button(_tick("# Hashtags", bool(current.tags)), "col", "tags", one.id),
        ),
    ]
    if current.any:
        rows.append((button("✖️ Everything", "col", "everything", one.id),))
    if view.unfinished and view.unfinished.state == "offered":
        rows.append((button("‹ The import", "imp", "look", view.unfinished.id),))
    else:
        rows.append((button("‹ Collection", "col", "one", one.id),))
    return Card("\n".join(lines), tuple(rows))


def _tick(label: str, on: bool) -> str:
    return f"✓ {label}" if on else label


def _dated(current: ImportFilters) -> bool:
    return bool(current.within or current.since or current.until)


def ask_range(collection_id: int) -> Card:
    return Card(
        "Send the first and the last day on which a post was taken, like this: "
        "<code>2026-01-01 … 2026-03-31</code>. One day alone means everything since then.",
        ((button("Cancel", "col", "filters", collection_id),),),
    )


def ask_tags(collection_id: int, *, on: bool) -> Card:
    off = (button("✖️ Any hashtag", "col", "anytag", collection_id),) if on else ()
    return Card(
        "Send the hashtags, like this: <code>#beats #lofi</code>. A post with any of them is "
        "imported.",
        ((*off, button("Cancel", "col", "filters", collection_id)),),
    )
