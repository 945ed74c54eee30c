"""The lists of /stories: queue, posted, failed, skipped. Pure; used by bot/stories/screen.py."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.cards import Button, Card, button, clock_time, count, esc
from bot.stories import words
from services.stories.machine import State
from services.stories.views import Listing, Which
from storage.stories import Story

MENU = button("Menu", "menu", "home")
SOON = timedelta(minutes=1)
WHY = 180  # characters of what kept a story from going out
HEADS = {
    Which.QUEUE: "Queue",
    Which.POSTED: "Posted",
    Which.FAILED: "Failed",
    Which.SKIPPED: "Skipped",
}


def listing(shown: Listing, now: datetime) -> Card:
    """One page of the queue, or of what was."""
    lines, numbers = [], []
    for number, story in enumerate(shown.stories, 1):
        line = _line(story, shown.names, now)
        why = f"\n⚠️ {esc(story.detail, WHY)}" if shown.which is Which.FAILED else ""
        lines.append(f"<b>{number}</b> {line}{why}")
        numbers.append(button(str(number), "story", "open", story.id))
    account = shown.account
    whose = f" · {esc(account.name, 40)}" if len(shown.accounts) > 1 else ""
    head = f"<b>{HEADS[shown.which]}</b> · {count(shown.total, 'story', 'stories')}{whose}"
    text = "\n".join([head, *(lines or [_nothing(shown.which)]), "", _rate(shown)])
    tabs = tuple(
        button(f"{'• ' if which is shown.which else ''}{name}", "story", which.value, account.id)
        for which, name in HEADS.items()
    )
    return Card(
        text,
        (
            tuple(numbers),
            _turn(shown),
            tabs,
            (
                button("➕ New", "item", "new", account.id),
                button("🗃 Library", "item", "browse", account.id),
                button("📅 Schedule", "plan", "show", account.id),
            ),
            *words.choice(shown.accounts, account, "story", "queue"),
            (button("📤 CSV", "story", "csv", account.id), MENU),
        ),
    )


def _line(story: Story, names: dict[int, str], now: datetime) -> str:
    name = esc(story.name, 30)
    by = esc(names.get(story.decided_by, ""), 30) if story.decided_by else ""
    ended = clock_time(story.ended_at, story.zone, now) if story.ended_at else ""
    match story.state:
        case State.PUBLISHED | State.POSTED:
            link = f'<a href="{esc(story.permalink, 200)}">open</a>' if story.permalink else ""
            how = "API" if story.posting_method == "api" else "by hand"
            told = [f"{ended} · {how}", by, link]
        case State.SKIPPED:
            told = [f"{ended} · skipped", by]
        case _:
            told = [f"{words.when(story, now)} · {_state(story, now)}"]
    return f"{words.SIGNS[story.kind]} {name} · {' · '.join(part for part in told if part)}"


def _state(story: Story, now: datetime) -> str:
    trouble = " ⚠️" if story.detail else ""
    names = {
        State.SCHEDULED: f"planned, {words.MODES[story.mode]}",
        State.ASKING: "waits for you",
        State.HELD: "approved",
        State.BY_HAND: "waits for you, by hand",
        State.UNKNOWN: "Meta can't tell",
    }
    later = bool(story.detail) and story.next_at - now > SOON
    at_work = f"waits until {clock_time(story.next_at, story.zone, now)}" if later else "publishing"
    return names.get(State(story.state), at_work) + trouble


def _nothing(which: Which) -> str:
    if which is Which.QUEUE:
        return "Nothing is planned. Send me a photo or a video, and it becomes a story."
    if which is Which.FAILED:
        return "Nothing has failed that nobody has posted since."
    return "Nothing yet."


def _rate(shown: Listing) -> str:
    tally = shown.tally
    live = tally.by_api + tally.by_hand
    if not live and not tally.skipped and not tally.failed:
        return "In the last 30 days nothing was posted."
    parts = [f"{live} posted{_share(tally.by_api, live, ' by the API')}"]
    if tally.fell_back:
        parts.append(f"{tally.fell_back} had to be by hand{_share(tally.fell_back, live)}")
    if tally.failed:
        parts.append(f"{tally.failed} failed{_share(tally.failed, live + tally.failed)}")
    if tally.skipped:
        parts.append(f"{tally.skipped} skipped")
    if tally.troubles:
        parts.append(count(tally.troubles, "trouble on the way", "troubles on the way"))
    return f"Last 30 days: {' · '.join(parts)}."


def _share(part: int, whole: int, what: str = "") -> str:
    return f" ({100 * part // whole} %{what})" if whole else ""


def _turn(shown: Listing) -> tuple[Button, ...]:
    if shown.pages == 1:
        return ()
    at = f"{shown.account.id}-{shown.which.value}"
    keys = [button(f"{shown.page + 1}/{shown.pages}", "story", "page", f"{at}-{shown.page}")]
    if shown.page:
        keys.insert(0, button("‹", "story", "page", f"{at}-{shown.page - 1}"))
    if shown.page + 1 < shown.pages:
        keys.append(button("›", "story", "page", f"{at}-{shown.page + 1}"))
    return tuple(keys)
