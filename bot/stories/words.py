"""The words and buttons that several cards of stories share. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.cards import Button, button, clock_time, day, esc
from bot.numbers import file_size
from services.media.story import Refused
from services.stories.fit import problem_of
from services.stories.library import Twin
from services.stories.preflight import About, Line, Mark
from storage.stories import Story
from storage.story_accounts import StoryAccount
from storage.story_items import StoryItem

SIGNS = {"photo": "🖼", "video": "🎬"}
MARKS = {Mark.GOOD: "✅", Mark.THINK: "⚠️", Mark.BAD: "❌"}
MODES = {"ask": "asks first", "automatic": "automatic", "manual": "by hand"}

# services.media.story.Reason -> what is wrong, and the fix
REFUSED = {
    "not_media": ("it is neither a photo nor a video that I can read", "Send another file."),
    "damaged": ("the file is damaged", "Export it again, and send it as a file."),
    "no_picture": ("it has sound but no picture", "Send a video or a photo."),
    "too_many_pixels": ("it has too many pixels", "Send it smaller."),
    "too_small": ("it is too small to look good", "Send it larger, as a file."),
    "too_large": ("the file is too large", "Send it shorter or smaller."),
    "too_short": ("it is too short, for Meta takes 3 to 60 seconds", "Send a longer video."),
    "too_long": ("it is too long, for Meta takes 3 to 60 seconds", "Cut it, and send the parts."),
    "timeout": ("fitting it took too long", "Send it shorter or smaller."),
    "memory": ("fitting it needs too much memory", "Send it smaller."),
    "crashed": ("reading it crashed", "Export it again, and send that."),
}

# services.media.story.Way and Note -> what fitting did
DONE = {
    "untouched": "taken as it is",
    "cleaned": "metadata removed",
    "remuxed": "repacked without loss",
    "sound_encoded": "sound encoded anew",
    "redrawn": "redrawn as JPEG",
    "transcoded": "encoded anew as H.264",
    "padded": "padded to 9:16 with a blur",
    "enlarged": "enlarged: it may look soft",
    "reduced": "reduced",
    "turned": "turned upright",
    "flattened": "transparency is white now",
    "recoloured": "colours in sRGB",
    "first_frame": "its first picture only",
    "metadata_removed": "metadata removed",
    "trimmed": "trimmed to 60 s",
    "silent": "no sound",
    "partly_damaged": "a part of it was damaged",
}

# (About, word) -> the line of the pre-flight
LINES = {
    (About.WAY, "by_api"): "Reelay can post it by itself",
    (About.WAY, "interactive"): "by hand: links, tags or stickers are wanted",
    (About.WAY, "manual"): "by hand: its category is posted by hand",
    (About.WAY, "not_connected"): "by hand: no account is connected at Meta. Fix: /connect",
    (About.WAY, "switched_off"): "by hand: the API is switched off under /schedule",
    (About.WAY, "creator"): "by hand: Meta lets only Business accounts publish stories",
    (About.FILE, "to_specification"): "file to Meta's specification",
    (About.FILE, "not_fitted"): "the file is not fitted. Fix: send it again",
    (About.FILE, "file_missing"): "the file is missing here. Fix: send it again",
    (About.FILE, "not_readable"): "the file can't be read. Fix: send it again",
    (About.FILE, "off_specification"): "Meta would refuse the file. Fix: send it again",
    (About.ADDRESS, "fetched"): "public address fetched back",
    (About.ADDRESS, "uploads"): "uploaded to Meta directly",
    (About.ADDRESS, "no_public"): "no public address is set up, so it will be by hand",
    (About.ADDRESS, "not_fitted"): "no file for the public address",
    (About.ADDRESS, "file_missing"): "no file for the public address",
    (About.ADDRESS, "refused"): "public address",
    (About.QUOTA, "left"): "{number} of {total} posts left today",
    (About.QUOTA, "used_up"): "none of {total} posts left today: it waits, or post it by hand",
    (About.QUOTA, "not_asked"): "Meta was not asked",
    (About.QUOTA, "slow"): "Meta is slow to answer; it may work all the same",
    (About.LOGIN, "days"): "log-in good for {number} more days",
    (About.LOGIN, "no_end"): "log-in without an end",
    (About.LOGIN, "renewed"): "log-in works, and is renewed by itself",
    (About.LOGIN, "over"): "the log-in has run out. Fix: /connect",
    (About.LOGIN, "refused"): "log-in refused. Fix: /connect",
    (About.DUPLICATE, "new"): "not posted before",
    (About.DUPLICATE, "itself"): "this file was posted on {at}",
    (About.DUPLICATE, "same"): "the same file was posted on {at}",
    (About.DUPLICATE, "alike"): "looks like one posted on {at}",
}


def line(one: Line, zone: str) -> str:
    """A line of the pre-flight, with its mark, as HTML."""
    text = LINES.get((one.about, one.word), one.word).format(
        number=one.number, total=one.total, at=day(one.at, zone) if one.at else "?"
    )
    detail = (
        f": {esc(one.detail, 80)}" if one.detail and one.word in ("refused", "not_asked") else ""
    )
    return f"{MARKS[one.mark]} {text}{detail}"


def refused(item: StoryItem) -> tuple[str, str]:
    """(what is wrong with an unfit file, the fix), as HTML."""
    found: Refused = problem_of(item.problem or "crashed")
    what, fix = REFUSED[found.reason]
    if found.found is not None and found.reason in ("too_short", "too_long"):
        what = f"it lasts {found.found:.1f} s, and Meta takes 3 to 60"
    return what, fix


def done(item: StoryItem) -> str:
    """ "redrawn as JPEG, padded to 9:16 with a blur · 0.4 MB"."""
    words = list(dict.fromkeys(DONE.get(one, "") for one in item.done))
    made = ", ".join(word for word in words if word)
    size = file_size(item.bytes) if item.bytes else ""
    length = f"{item.seconds:.0f} s" if item.seconds else ""
    return " · ".join(part for part in (made, length, size) if part)


def twin(one: Twin, zone: str) -> str:
    """ "⚠️ Looks like “beach.jpg”, last used 3 Nov 2026"."""
    what = "The same file as" if one.exact else "Looks like"
    used = (
        f"last used {day(one.item.last_used_at, zone)}" if one.item.last_used_at else "never used"
    )
    gone = ", removed since" if one.item.removed_at else ""
    return f"⚠️ {what} “{esc(one.item.name, 30)}”, {used}{gone}"


def lock(item: StoryItem, zone: str, now: datetime) -> str:
    if item.locked:
        return "🔒 locked for ever"
    if item.locked_until is not None and item.locked_until > now:
        return f"🔒 rests until {day(item.locked_until, zone)}"
    return ""


def choice(
    accounts: Sequence[StoryAccount], chosen: StoryAccount, area: str, verb: str
) -> tuple[tuple[Button, ...], ...]:
    """A row for each account, where there are several."""
    if len(accounts) < 2:
        return ()
    return tuple(
        (button(f"👤 {'• ' if one.id == chosen.id else ''}{one.name[:30]}", area, verb, one.id),)
        for one in accounts
    )


def when(story: Story, now: datetime) -> str:
    return clock_time(story.due_at, story.zone, now)
