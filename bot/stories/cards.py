"""A story in the chat: the question whether it goes out, the steps by hand, what became of it.

Pure; used by the screens and by bot/stories/notices.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.cards import Button, Card, button, clock_time, esc
from bot.stories import words
from services.stories.deciding import last_decision
from services.stories.library import NOTE
from services.stories.machine import AT_WORK, State, may_be_taken_by_hand
from services.stories.preflight import Line
from services.stories.rows import publication_of
from services.stories.views import StoryView
from storage.stories import Event, Figure, Story

MENU = button("Menu", "menu", "home")
QUEUE = button("‹ Stories", "story", "show")
EVENTS_SHOWN = 8
SOON = timedelta(minutes=1)
SHORT_NOTE = 300  # characters of a caption below a picture
CLOCK = 5  # characters of "18:00": with a day it is too long for a button
OPEN_QUESTIONS = (State.SCHEDULED, State.ASKING, State.HELD)

# what the history calls it -> words; "{by}" is a person's name
EVENTS = {
    "planned": "planned",
    "asked_people": "preview sent",
    "approved": "approved by {by}",
    "undone": "undone by {by}",
    "skipped": "skipped by {by}",
    "postponed": "moved by {by}",
    "taken": "taken by hand by {by}",
    "by_hand": "handed over",
    "posted": "posted by hand by {by}",
    "said_live": "seen live by {by}",
    "said_not_live": "not live, said {by}",
    "container": "uploaded to Meta",
    "asked": "Meta was asked to publish",
    "published": "live",
    "late": "too late to post without asking",
    "trouble": "trouble",
    "broke_off": "broke off",
    "asked_if_live": "asked whether it is live",
}
FIGURES = {
    "reach": "reach",
    "views": "views",
    "replies": "replies",
    "shares": "shares",
    "follows": "follows",
    "profile_visits": "profile visits",
    "navigation": "taps",
    "total_interactions": "interactions",
}


# ---------------------------------------------------------------- one story


def story_card(
    view: StoryView,
    now: datetime,
    lines: Sequence[Line] = (),
    link: str | None = None,
    *,
    whole: bool = False,
) -> Card:
    """As it stands now. `lines`: the pre-flight. `link`: to its file, where that is too large.
    `whole`: with all of a long caption, for a card that has no picture."""
    text = "\n".join(part for part in _text(view, now, lines, whole) if part)
    return Card(text, _keys(view, now, link))


def _text(view: StoryView, now: datetime, lines: Sequence[Line], whole: bool) -> list[str]:
    story = view.story
    category = esc(view.category.name, 24) if view.category else ""
    whose = [esc(story.name, 24), category, esc(view.account.name, 32)]
    head = f"{words.SIGNS[story.kind]} <b>{_head(view, now)}</b>"
    told = [head, " · ".join(part for part in whose if part), _said(view, now)]
    if story.state == State.BY_HAND:
        return [*told, *_steps(view, NOTE if whole else SHORT_NOTE)]
    if lines and story.state in OPEN_QUESTIONS:
        told += ["", *(words.line(one, story.zone) for one in lines)]
    if story.note:
        told.append(f"<blockquote>{esc(story.note, 150)}</blockquote>")
    if view.figures:
        told += ["", *_figures(view.figures)]
    return told


def _head(view: StoryView, now: datetime) -> str:
    story, at = view.story, words.when(view.story, now)
    ended = clock_time(story.ended_at, story.zone, now) if story.ended_at else at
    match story.state:
        case State.SCHEDULED:
            return f"Due {at}"
        case State.ASKING:
            return f"Due {at}: shall it go out?"
        case State.HELD if story.next_at - now < SOON:
            return "Goes out in half a minute"
        case State.HELD:
            return f"Goes out {clock_time(story.next_at, story.zone, now)}"
        case State.BY_HAND:
            return f"By hand · due {at}"
        case State.PUBLISHED:
            return f"Live {ended}"
        case State.POSTED:
            return f"Posted by hand {ended}"
        case State.SKIPPED:
            return f"Skipped · was due {at}"
        case State.UNKNOWN:
            return "Is it live? Meta can't tell"
    if _rests(story, now):
        return f"Waits until {clock_time(story.next_at, story.zone, now)}"
    return "Publishing…"


def _said(view: StoryView, now: datetime) -> str:
    """Who decided and when, or what holds it up."""
    story = view.story
    by = esc(view.decided_by, 40)
    at = clock_time(story.decided_at, story.zone, now) if story.decided_at else ""
    decided = f"{by}, {at}" if by and at else ""
    match story.state:
        case State.SCHEDULED | State.ASKING:
            told = (f"{_latest(view)}, {at}" if decided else "", _then(view))
            return "\n".join(one for one in told if one)
        case State.HELD:
            return f"✅ {decided or 'Approved'}. You can undo it until then."
        case State.PREPARING | State.PROCESSING | State.PUBLISHING:
            progress = "" if _rests(story, now) else _progress(story)
            return f"{progress}\n{_trouble(story)}".strip()
        case State.UNKNOWN:
            return _doubt(view)
        case State.PUBLISHED:
            return f"by the API{f' · approved by {by}' if by else ''}"
        case State.SKIPPED:
            told = (f"by {decided}" if decided else "", _trouble(story))
            return "\n".join(one for one in told if one)
        case State.BY_HAND:
            return _trouble(story) or _why(view) or (f"taken by {decided}" if decided else "")
    return f"by {decided}" if decided else ""


def _latest(view: StoryView) -> str:
    """What the person did who decided last: "moved by Ann"."""
    by = esc(view.decided_by, 40)
    what = next((event.what for event in reversed(view.history) if event.by is not None), "planned")
    said = EVENTS.get(what, "planned")
    return said.format(by=by) if "{by}" in said else f"{said} by {by}"


def _then(view: StoryView) -> str:
    """What happens at its time, where nobody is asked just now."""
    if view.story.state != State.SCHEDULED:
        return ""
    if view.story.mode == "ask":
        return "Before that I ask you, unless you approve it now."
    return _why(view) or "It goes out by itself then."


def _why(view: StoryView) -> str:
    """Why a person posts it, where nothing has failed."""
    return words.line(view.by_hand, view.story.zone) if view.by_hand else ""


def _progress(story: Story) -> str:
    """ "upload ✓ processing ✓ live …"."""
    made = bool(story.container_id)
    asked = story.publish_requested_at is not None
    steps = (("upload", made), ("processing", asked), ("live", story.media_id is not None))
    return " ".join(f"{name} {'✓' if done else '…'}" for name, done in steps)


def _trouble(story: Story) -> str:
    return f"⚠️ {esc(story.detail, 200)}" if story.detail else ""


def _rests(story: Story, now: datetime) -> bool:
    """Until a trouble passes."""
    return story.state in AT_WORK and bool(story.detail) and story.next_at - now > SOON


def _doubt(view: StoryView) -> str:
    if view.doubtful:
        return (
            "For a day Meta has not said whether this story went out. Look at Instagram: is it, or "
            "was it, there? Until you say so nothing is posted."
        )
    return "Meta was asked to publish it, and did not say whether it did. I keep looking, and " + (
        "never post it twice."
    )


def _steps(view: StoryView, room: int) -> list[str]:
    """The way by hand. The caption is in a block that a tap copies."""
    wants = (
        "2. Add the links, tags or stickers" if view.item.interactive else "2. Add what you like"
    )
    told = [
        "",
        "1. Save the file below, and open Instagram",
        f"{wants}, and post it as a story",
        "3. Tap <b>I posted it</b>",
    ]
    if view.story.note:
        told += ["", f"<pre>{esc(view.story.note, room)}</pre>"]
    return told


def _figures(figures: Sequence[Figure]) -> list[str]:
    """A line for each hour at which they were taken."""
    hours: dict[int, list[str]] = {}
    for one in figures:
        name = FIGURES.get(one.metric, esc(one.metric.replace("_", " "), 30))
        value = f"{one.value:,}" if one.value is not None else f"no {name}"
        shown = f"{name} {value}" if one.value is not None else value
        hours.setdefault(one.hour, []).append(shown)
    return [f"📊 +{hour} h: {' · '.join(shown)}" for hour, shown in sorted(hours.items())]


def _choice(label: str, verb: str, story: Story) -> Button:
    """For a card that may be old when it is tapped: it names the decision that it knows of."""
    return button(label, "story", verb, f"{story.id}-{last_decision(story)}")


def _keys(view: StoryView, now: datetime, link: str | None) -> tuple[tuple[Button, ...], ...]:
    story = view.story
    back = (button("📜 History", "story", "history", story.id), QUEUE)
    match story.state:
        case State.SCHEDULED | State.ASKING:
            return (*_decide(story, now), back)
        case State.HELD:
            return (
                (
                    button("↩️ Undo", "story", "undo", story.id),
                    _choice("⏭ Skip", "skip", story),
                ),
                back,
            )
        case State.BY_HAND:
            posted = (
                button("✅ I posted it", "story", "done", story.id),
                button("Not now", "story", "not_now", story.id),
            )
            return (posted, *_get(story, link), back)
        case State.PUBLISHED if story.permalink.startswith("https://"):
            return ((Button("Open", url=story.permalink),), back)
        case State.SKIPPED:
            return ((button("🗂 The file", "item", "open", story.item_id),), back)
        case State.UNKNOWN | State.PUBLISHING if view.doubtful:
            answers = (
                button("It is there", "story", "live", story.id),
                button("It is not", "story", "not_live", story.id),
            )
            return (answers, back)
    if story.state in AT_WORK:
        look = [button("🔄 Look again", "story", "open", story.id)]
        if may_be_taken_by_hand(publication_of(story)):
            look.append(_choice("✋ By hand", "take", story))
        return (tuple(look), back)
    return (back,)


def _decide(story: Story, now: datetime) -> tuple[tuple[Button, ...], ...]:
    at = words.when(story, now)
    label = f"✅ Post at {at}" if len(at) <= CLOCK else "✅ Post at its time"
    by_itself = story.state == State.SCHEDULED and story.mode != "ask"
    offered = story.due_at - now > SOON and not by_itself
    at_its_time = (_choice(label, "approve", story),) if offered else ()
    return (
        (*at_its_time, _choice("🚀 Post now", "now", story)),
        (
            _choice("⏭ Skip", "skip", story),
            _choice("+1 h", "hour", story),
            _choice("Tomorrow", "tomorrow", story),
        ),
        (
            _choice("🕐 Pick time", "when", story),
            _choice("✋ By hand", "take", story),
            _choice("🗑 Remove", "remove", story),
        ),
    )


def _get(story: Story, link: str | None) -> tuple[tuple[Button, ...], ...]:
    if link:
        return ((Button("📋 Copy the file's link", copy=link),),)
    return ((button("📎 Send the file again", "story", "file", story.id),),)


def taken(view: StoryView, now: datetime) -> Card:
    """In place of the question: the file comes with a card of its own."""
    story = view.story
    at = clock_time(story.decided_at, story.zone, now) if story.decided_at else ""
    return Card(
        f"✋ <b>By hand</b>: taken by {esc(view.decided_by, 40)}, {at}. The file and the steps "
        "come below.",
        ((button("📜 History", "story", "history", story.id), QUEUE),),
    )


def not_now(view: StoryView) -> Card:
    story = view.story
    return Card(
        "Not now. When shall I hand it to you again?",
        (
            (
                _choice("+1 h", "hour", story),
                _choice("Tomorrow", "tomorrow", story),
                _choice("🕐 Pick time", "when", story),
            ),
            (_choice("⏭ Skip", "skip", story), QUEUE),
        ),
    )


def ask_when(zone: str, back: Button) -> Card:
    return Card(
        "🕐 <b>When?</b> Send a time, such as <code>18:30</code>, <code>tomorrow 9:00</code>, "
        f"<code>Fri 18:00</code> or <code>24 Dec 18:00</code>.\nYour clock: {esc(zone, 40)}.",
        ((back,),),
    )


def history(view: StoryView, now: datetime) -> Card:
    zone = view.story.zone
    lines = [_event(event, view, zone, now) for event in view.history[-EVENTS_SHOWN:]]
    more = len(view.history) - len(lines)
    head = f"<b>History</b>{f' · {more} earlier' if more else ''}"
    return Card(
        "\n".join([head, *lines]),
        ((button("‹ Story", "story", "open", view.story.id), QUEUE),),
    )


def _event(event: Event, view: StoryView, zone: str, now: datetime) -> str:
    by = esc(view.names.get(event.by, "somebody"), 40) if event.by is not None else "Reelay"
    known = EVENTS.get(event.what)
    what = known.format(by=by) if known else esc(event.what.replace("_", " "), 30)
    detail = f": <i>{esc(event.detail, 200)}</i>" if event.detail else ""
    return f"{clock_time(event.at, zone, now)} · {what}{detail}"


def too_late(view: StoryView, now: datetime) -> Card:
    """The same, where a time was sent and somebody was first."""
    story = view.story
    said = esc(first_was(story, view.decided_by, now))
    return Card(
        f"{said} Your time was not taken.",
        ((button("See how it stands", "story", "open", story.id), QUEUE),),
    )


def first_was(story: Story, name: str, now: datetime) -> str:
    """The short answer to a tap that came too late."""
    at = clock_time(story.decided_at, story.zone, now) if story.decided_at else ""
    did = {
        State.HELD: "approved it",
        State.SKIPPED: "skipped it",
        State.POSTED: "posted it",
        State.PUBLISHED: "had it posted",
        State.BY_HAND: "took it by hand",
        State.SCHEDULED: "moved it",
        State.ASKING: "changed it",
    }.get(State(story.state), "had it posted")
    if not name:
        return "That is decided already: see how it stands now."
    return f"{name} already {did}{f', {at}' if at else ''}."[:190]
