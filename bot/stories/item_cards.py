"""Files of the stories' library in the chat: a new one with its before and after, the browser, the
flags. Pure; used by bot/stories/items.py and bot/stories/notices.py.
"""

from __future__ import annotations

from datetime import datetime

from bot.cards import Button, Card, button, clock_time, count, day, esc
from bot.stories import words
from services.stories.library import Browse, ItemView
from storage.story_accounts import Category, StoryAccount
from storage.story_items import StoryItem

MENU = button("Menu", "menu", "home")
TWINS_SHOWN = 2
SMALLER = "💡 Telegram makes photos smaller. Sent as a <b>file</b> they keep their full quality."
ALBUM_SHOWN = 10  # Telegram's albums have no more


def ask(accounts: list[StoryAccount], chosen: StoryAccount) -> Card:
    """`accounts`: those among which there is a choice."""
    several = len(accounts) > 1
    where = f"\nIt goes to <b>{esc(chosen.name, 40)}</b>." if several else ""
    return Card(
        "📸 <b>New story</b>\nSend a photo or a video, or several at once. As a <b>file</b> it "
        "keeps its full quality. What you write below it becomes the note for whoever posts it by "
        f"hand.{where}",
        (
            *words.choice(accounts, chosen, "item", "new"),
            (
                button("🎧 Imported posts", "lib", "show"),
                button("🗃 Library", "item", "browse", chosen.id),
            ),
            (MENU,),
        ),
    )


def fetching(name: str, account: StoryAccount | None = None) -> Card:
    """`account`: where there are several."""
    where = f" for <b>{esc(account.name, 40)}</b>" if account else ""
    text = f"📥 {esc(name, 60)}: fitting it to a story{where}. The preview comes here."
    return Card(text, ((MENU,),))


def fetching_album(account: StoryAccount | None = None) -> Card:
    where = f" for <b>{esc(account.name, 40)}</b>" if account else ""
    return Card(f"📥 Fitting your album to stories{where}. The result comes here.", ((MENU,),))


def album(views: list[ItemView], known: frozenset[int] = frozenset()) -> Card:
    """Of all that was sent at once. `known`: ids of those that were there before."""
    views = views[:ALBUM_SHOWN]
    ready = sum(view.item.state == "ready" for view in views)
    lines = [f"📥 <b>{ready} of {count(len(views), 'file')} can become stories</b>"]
    numbers = []
    for number, view in enumerate(views, 1):
        item = view.item
        told = "; ".join(line for line in _state(view) if line)
        before = " (known)" if item.id in known else ""
        name = f"{words.SIGNS[item.kind]} {esc(item.name, 24)}{before}"
        lines.append(f"<b>{number}</b> {name}: {told}")
        numbers.append(button(str(number), "item", "open", item.id))
    if any(view.item.id in known for view in views):
        lines.append("Known: the very same file is in the library already, and is not taken twice.")
    if any(view.item.source == "compressed" for view in views):
        lines.append(SMALLER)
    half = -(-len(numbers) // 2) if len(numbers) > 5 else len(numbers)
    return Card(
        "\n".join(lines),
        (
            tuple(numbers[:half]),
            tuple(numbers[half:]),
            (button("🗃 Library", "item", "browse", views[0].account.id if views else 0), MENU),
        ),
    )


def too_large(size: int, *, leads: bool) -> Card:
    """For a file of `size` bytes. `leads`: this person may reach the server's folder."""
    way = (
        "Put it into <code>library/&lt;category&gt;/</code> in Reelay's data folder on the server: "
        "it is taken from there, up to 500 MB."
        if leads
        else "Send it as a video, which Telegram makes smaller, or ask whoever runs this bot to "
        "put it into the library folder on the server."
    )
    return Card(
        f"<b>{size / 1e6:,.0f} MB are more than the 20 MB that Telegram lets a bot fetch.</b> "
        f"Nothing was stored.\n{way}",
        ((button("📸 Another file", "item", "new"), MENU),),
    )


def lost(name: str) -> Card:
    return Card(
        f"📭 <b>{esc(name, 60)} did not get here</b>: I was restarted while it was on its way. "
        "Everything else is as it was. Send it again.",
        ((button("📸 New story", "item", "new"), MENU),),
    )


def folder(name: str, why: str, *, stored: bool = False) -> Card:
    """Of a file that stays there. `stored`: it is in the library all the same."""
    told = (
        f"is in the library</b>, and stays in the folder: {esc(why, 200)}."
        if stored
        else f"was not taken</b>: {esc(why, 200)}. It lies there untouched, and I don't name it "
        "again."
    )
    return Card(
        f"📁 <b>{esc(name, 80)} in the library folder {told}",
        ((button("🗃 Library", "item", "browse"), MENU),),
    )


# ---------------------------------------------------------------- one file


def item_card(view: ItemView, now: datetime, *, known: bool = False) -> Card:
    """`known`: it was just sent, and was there already."""
    item, zone = view.item, view.account.zone
    told = [f"{words.SIGNS[item.kind]} <b>{esc(item.name, 50)}</b>"]
    if known:
        used = f"last used {day(item.last_used_at, zone)}" if item.last_used_at else "never used"
        told.append(f"⚠️ This very file is in the library already, {used}.")
    told += _state(view)
    told += [_flags(view, now), _use(item, zone)]
    told += [words.twin(one, zone) for one in view.twins[:TWINS_SHOWN]]
    if item.source == "compressed":
        told.append(SMALLER)
    if item.note:
        told.append(f"<blockquote>{esc(item.note, 150)}</blockquote>")
    return Card("\n".join(part for part in told if part), _keys(view, now))


def _state(view: ItemView) -> list[str]:
    item = view.item
    if item.state == "fitting":
        return ["⏳ Being fitted to a story."]
    if item.state == "unfit":
        what, fix = words.refused(item)
        return [f"❌ <b>It can't become a story</b>: {what}. {fix}"]
    return [f"✅ {words.done(item) or 'fits'}"]


def _flags(view: ItemView, now: datetime) -> str:
    item = view.item
    category = (
        esc(view.category.name, 40) if view.category else "no category: goes out only when you tap"
    )
    account = f"👤 {esc(view.account.name, 40)}" if view.several else ""
    if item.state == "unfit":
        return account
    parts = [account, f"🏷 {category}", words.lock(item, view.account.zone, now)]
    parts.append("🔗 needs links, tags or stickers: by hand" if item.interactive else "")
    return "\n".join(part for part in parts if part)


def _use(item: StoryItem, zone: str) -> str:
    if item.last_used_at is None:
        return ""
    return f"Used {count(item.uses, 'time')}, last {day(item.last_used_at, zone)}"


def _keys(view: ItemView, now: datetime) -> tuple[tuple[Button, ...], ...]:
    item = view.item
    back = (
        button("🗑 Delete", "item", "delete", item.id),
        button("🗃 Library", "item", "browse", item.account_id),
    )
    if item.state == "fitting":
        return ((button("🔄 Look again", "item", "open", item.id),), back)
    if item.state == "unfit":
        return ((button("📸 Another file", "item", "new", item.account_id),), back)
    post: tuple[Button, ...] = (
        button("🚀 Post now", "item", "now", item.id),
        button("🕐 Pick time", "item", "when", item.id),
    )
    if words.lock(item, view.account.zone, now):
        post = (button("🔓 Unlock, to post it again", "item", "rest", f"{item.id}-0"),)
    if view.story_id is not None:
        post = (button("📅 In the queue", "story", "open", view.story_id),)
    return (
        post,
        (
            button("🏷 Category", "item", "category", item.id),
            button("✏️ Note", "item", "note", item.id),
        ),
        (
            button(f"{'✓ ' if item.interactive else ''}🔗 Needs hand", "item", "hand", item.id),
            button("🔒 Lock", "item", "lock", item.id),
        ),
        back,
    )


def categories(item: StoryItem, known: list[Category]) -> Card:
    """What it is for: the plan takes it from there."""
    options = [
        button(
            f"🏷 {'• ' if one.id == item.category_id else ''}{one.name[:30]}",
            "item",
            "in",
            f"{item.id}-{one.id}",
        )
        for one in known
    ]
    rows = [(one,) for one in options]
    return Card(
        "🏷 <b>Category</b>\nFiles of a category go out in its slots. Choose one, or send a new "
        "name.",
        (
            *rows,
            (
                button("None", "item", "in", f"{item.id}-0"),
                button("‹ Back", "item", "open", item.id),
            ),
        ),
    )


def locks(item: StoryItem) -> Card:
    return Card(
        "🔒 <b>Lock</b>\nA locked file is not posted again. After a story was live its file rests "
        "by itself.",
        (
            (
                button("7 days", "item", "rest", f"{item.id}-7"),
                button("30 days", "item", "rest", f"{item.id}-30"),
                button("For ever", "item", "rest", f"{item.id}-ever"),
            ),
            (
                button("🔓 Unlock", "item", "rest", f"{item.id}-0"),
                button("‹ Back", "item", "open", item.id),
            ),
        ),
    )


def ask_note(item: StoryItem) -> Card:
    now = f"\nNow: <pre>{esc(item.note, 600)}</pre>" if item.note else ""
    return Card(
        f"✏️ Send the caption or note for whoever posts it by hand, or a dash to clear it.{now}",
        ((button("‹ Back", "item", "open", item.id),),),
    )


def removed(item: StoryItem) -> Card:
    return Card(
        f"{esc(item.name, 60)} is out of the library. You can undo it for 10 minutes.",
        (
            (
                button("↩️ Undo", "item", "undo", item.id),
                button("🗃 Library", "item", "browse", item.account_id),
            ),
        ),
    )


# ---------------------------------------------------------------- the browser


def browse(view: Browse, now: datetime) -> Card:
    account, category = view.account, view.category
    what = f" · {esc(category.name, 40)}" if category else ""
    head = f"🗃 <b>Story library</b> · {esc(account.name, 40)} · {count(view.total, 'file')}{what}"
    lines, numbers = [], []
    for number, item in enumerate(view.items, 1):
        lines.append(f"<b>{number}</b> {_line(item, view, now)}")
        numbers.append(button(str(number), "item", "open", item.id))
    empty = "Nothing here yet. Send me a photo or a video, as a file for full quality."
    tabs = [
        button(
            f"🏷 {'• ' if category == one else ''}{one.name[:18]}",
            "item",
            "page",
            f"{account.id}-{one.id}-0",
        )
        for one in view.categories
    ]
    if tabs:
        tabs.insert(
            0, button(f"{'' if category else '• '}All", "item", "page", f"{account.id}-0-0")
        )
    return Card(
        "\n".join([head, *(lines or [empty])]),
        (
            tuple(numbers),
            _turn(view),
            *(tuple(tabs[at : at + 3]) for at in range(0, len(tabs), 3)),
            (
                button("➕ New", "item", "new", account.id),
                button("‹ Stories", "story", "queue", account.id),
                MENU,
            ),
        ),
    )


def _line(item: StoryItem, view: Browse, now: datetime) -> str:
    names = {one.id: one.name for one in view.categories}
    category = esc(names.get(item.category_id or 0, ""), 24)
    state = {"fitting": "⏳ being fitted", "unfit": "❌ can't be fitted"}.get(item.state, "")
    locked = words.lock(item, view.account.zone, now)
    used = (
        f"used {clock_time(item.last_used_at, view.account.zone, now)}" if item.last_used_at else ""
    )
    told = [category, state, locked, used]
    return f"{words.SIGNS[item.kind]} {esc(item.name, 30)}" + "".join(
        f" · {part}" for part in told if part
    )


def _turn(view: Browse) -> tuple[Button, ...]:
    if view.pages == 1:
        return ()
    at = f"{view.account.id}-{view.category.id if view.category else 0}"
    keys = [button(f"{view.page + 1}/{view.pages}", "item", "page", f"{at}-{view.page}")]
    if view.page:
        keys.insert(0, button("‹", "item", "page", f"{at}-{view.page - 1}"))
    if view.page + 1 < view.pages:
        keys.append(button("›", "item", "page", f"{at}-{view.page + 1}"))
    return tuple(keys)
