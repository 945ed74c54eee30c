"""The library's cards, as pure functions of what services.importing.library shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256

from bot.cards import Button, Card, address_keys, button, count, day, esc
from bot.importing import colours
from services.importing.harmony import KEYS
from services.importing.library import Choices, Shelf
from storage.library import Filters, LibraryPost
from storage.samples import Sample, film_of

SITE = "https://www.instagram.com"
MENU = button("Menu", "menu", "home")
LIBRARY = button("‹ Library", "lib", "show")
CLEAR = button("✖️ Clear filters", "lib", "clear")
COLLECTIONS = button("🗂 Collections", "col", "list")
EXPORT = button("📤 Export", "exp", "ask")
SHORT, LONG = 2, 6  # sounds of one post on the shelf, and on its card
SIGNS = {"photo": "🖼", "video": "🎬", "carousel": "🎞"}
TEMPOS = ((60, 90), (90, 110), (110, 130), (130, 150), (150, 190))
SINCE = {"week": 7, "month": 30, "quarter": 91, "year": 365}  # days
NOT_GIVEN = {
    "no_audio": "no sound",
    "too_short": "too short to tell",
    "silent": "silent",
    "steady": "a steady sound",
    "no_beat": "no clear beat",
    "few_notes": "too few notes",
    "no_key": "no clear key",
}
FAILURES = {
    "not_media": "the file can't be read",
    "timeout": "reading it took too long",
    "crashed": "reading it crashed",
    "memory": "it needs too much memory",
    "bomb": "it has more pixels than a photo",
    "not_stored": "the file is missing from the store",
}


# ---------------------------------------------------------------- one sample


def pending(files: Sequence[Sample]) -> bool:
    return any(file.state == "pending" for file in files)


def heard(files: Sequence[Sample]) -> list[Sample]:
    """A carousel can have several, and a filter finds it by any of them."""
    return [file for file in files if file.audio_key]


def length(seconds: float | None) -> str:
    """ "1:05"."""
    return f"{round(seconds) // 60}:{round(seconds) % 60:02}" if seconds else ""


def figures(files: Sequence[Sample]) -> str:
    """The short form of a list: "122 BPM · A minor · 0:10", or of photos "dark blue".

    Of a carousel's films that differ: "84 BPM · C major · 0:12 | 73 BPM · A minor · 0:12".
    """
    if pending(files):
        return "being analysed"
    film = film_of(files)
    if film is None:
        colour = next((file.colour for file in files if file.colour), "")
        return colours.name(colour)
    if film.state == "failed":
        return "not analysed"
    told = list(dict.fromkeys(_short(one) for one in heard(files) or [film]))
    return " | ".join(told[:SHORT]) + (" | …" if len(told) > SHORT else "")


def _short(film: Sample) -> str:
    nothing = "" if film.bpm or film.key else "no tempo"
    parts = [
        f"{film.bpm:.0f} BPM" if film.bpm else "",
        film.key or "",
        "no sound" if film.no_bpm == "no_audio" else nothing,
        length(film.seconds),
    ]
    return " · ".join(part for part in parts if part)


def profile(post: LibraryPost) -> str:
    """The author as a link to Instagram: a bare "@name" would lead to somebody of Telegram."""
    return f'<a href="{SITE}/{esc(post.author, 40)}/">@{esc(post.author, 40)}</a>'


def caption(post: LibraryPost, files: Sequence[Sample], zone: str) -> str:
    """The text below a sample's picture; at most 1024 units."""
    film = film_of(files)
    lines = [f"{SIGNS[post.kind]} <b>{profile(post)}</b>"]
    lines += _films(film, files) if film else _photos(files)
    link = f"{SITE}/p/{esc(post.shortcode, 64)}/"
    taken = f'📅 {day(post.taken_at, zone)} · <a href="{link}">post on Instagram</a>'
    lines.append(f"{taken} · {count(len(files), 'file')}" if len(files) > 1 else taken)
    if post.caption.strip():
        lines.append(f"<blockquote>{esc(post.caption.strip(), 300)}</blockquote>")
    return "\n".join(lines)


def _films(film: Sample, files: Sequence[Sample]) -> Iterator[str]:
    sounds = heard(files)
    if len(sounds) < 2:
        yield from _film(film)
        return
    yield f"🎧 {len(sounds)} sounds"
    yield from (f"{number} · {_short(one)}" for number, one in enumerate(sounds[:LONG], 1))
    if len(sounds) > LONG or pending(files):
        yield "…"


def _film(film: Sample) -> Iterator[str]:
    if film.state == "pending":
        yield "⏳ Being analysed: tempo, key and waveform come in a moment."
    elif film.state == "failed":
        why = FAILURES.get(film.failure or "", "it could not be read")
        yield f"⚠️ Not analysed: {why}. The file itself is kept."
    elif film.bpm is None and film.key is None and film.no_bpm == film.no_key:
        yield f"🔇 No tempo, no key: {_reason(film.no_bpm)}"
    else:
        yield f"🥁 {_tempo(film)}"
        yield f"🎹 {_key(film)}"
    if film.seconds:
        yield f"⏱ {length(film.seconds)}"


def _tempo(film: Sample) -> str:
    """ "122 BPM, or 61", or why none is given."""
    if film.bpm is None:
        return f"no tempo: {_reason(film.no_bpm)}"
    other = f", or {film.bpm_alternative:.0f}" if film.bpm_alternative else ""
    return f"<b>{film.bpm:.0f} BPM</b>{other}"


def _key(film: Sample) -> str:
    """ "probably A minor, or C major", or why none is given."""
    if film.key is None:
        return f"no key: {_reason(film.no_key)}"
    other = f", or {film.key_second}" if film.key_second else ""
    return f"{'' if film.key_sure else 'probably '}<b>{film.key}</b>{other}"


def _reason(word: str | None) -> str:
    return NOT_GIVEN.get(word or "", "not known")


def _photos(files: Sequence[Sample]) -> Iterator[str]:
    if pending(files):
        yield "⏳ Being looked at: thumbnail and colour come in a moment."
    elif all(file.state == "failed" for file in files):
        why = FAILURES.get(files[0].failure or "" if files else "", "it could not be read")
        yield f"⚠️ No thumbnail: {why}. The file itself is kept."
    found = [file.colour for file in files if file.colour]
    if found:
        named = ", ".join(f"{colours.name(one)} <code>{esc(one, 7)}</code>" for one in found[:3])
        yield f"🎨 {named}"
    size = next((f"{one.width}×{one.height}" for one in files if one.width and one.height), "")
    if size:
        yield f"📐 {size}"


def sample_keys(post: LibraryPost, files: Sequence[Sample]) -> tuple[tuple[Button, ...], ...]:
    film = film_of(files)
    rows: list[tuple[Button, ...]] = []
    if pending(files):
        rows.append((button("🔄 Look again", "lib", "open", post.id),))
    if film and film.audio_key:
        rows.append(
            (
                button("▶️ Play", "lib", "play", post.id),
                button("WAV", "lib", "wav", post.id),
                button("MP3", "lib", "mpeg", post.id),
            )
        )
    get = []
    if files:
        what = "All files" if len(files) > 1 else "Video" if film else "Photo"
        get.append(button(f"⬇️ {what}", "lib", "files", post.id))
    if film and (film.bpm or film.key):
        get.append(button("🎯 Similar", "lib", "similar", post.id))
    if files:
        get.append(button("📸 Story", "item", "post", post.id))
    return (*rows, tuple(get), (LIBRARY, button("🗑 Delete", "lib", "delete", post.id)))


def removed(post: LibraryPost) -> Card:
    return Card(
        f"The {'film' if post.kind == 'video' else 'post'} of {esc(post.author, 40)} is out of "
        "your library. You can undo it for 10 minutes.",
        ((button("↩️ Undo", "lib", "undo", post.id), LIBRARY),),
    )


def too_large(size: int, link: str | None, *, leads: bool) -> Card:
    """For a file of `size` bytes. `leads`: this person runs the bot, and can change a setting."""
    what = f"{size / 1e6:,.0f} MB are more than Telegram takes from a bot."
    if link:
        keys = address_keys(link, "⬇️ Download", "📋 Copy the link")
        text = (
            f"{what} Here is a link: it works for a day, and a download that breaks off goes on "
            "where it was."
        )
        return Card(text, (keys, (LIBRARY,)))
    fix = (
        "Set <code>PUBLIC_URL</code> to the side server's address from outside and restart: then "
        "I can give a link instead."
        if leads
        else "Whoever runs this bot has to set <code>PUBLIC_URL</code>: then I can give a link "
        "instead."
    )
    return Card(f"{what} {fix} The file stays in your library.", ((LIBRARY,),))


def sound_too_large(post_id: int, size: int) -> Card:
    return Card(
        f"This sound has {size / 1e6:,.0f} MB as WAV, more than Telegram takes from a bot. "
        "As MP3 it is a tenth of that.",
        ((button("MP3", "lib", "mpeg", post_id), LIBRARY),),
    )


# ---------------------------------------------------------------- the shelf


def shelf(view: Shelf) -> Card:
    if not view.total:
        return _empty(view)
    lines = [
        f"<b>Library</b> · {count(view.total, 'post')}{describe(view.filters, view.collection)}"
    ]
    numbers = []
    for number, post in enumerate(view.posts, 1):
        told = figures(view.samples.get(post.id, []))
        words = esc(" ".join(post.caption.split()), 48)
        lines.append(f"\n<b>{number}</b> {SIGNS[post.kind]} {esc(post.author, 24)}")
        lines += [told] if told else []
        lines += [f"<i>{words}</i>"] if words else []
        numbers.append(button(str(number), "lib", "open", post.id))
    waits = any(pending(files) for files in view.samples.values())
    again = ((button("🔄 Look again", "lib", "show"),),) if waits else ()
    return Card("\n".join(lines), (tuple(numbers), *_turn(view), *again, *_tools(view)))


def _turn(view: Shelf) -> tuple[tuple[Button, ...], ...]:
    if view.pages == 1:
        return ()
    keys = [button(f"{view.page + 1}/{view.pages}", "lib", "page", view.page)]
    if view.page:
        keys.insert(0, button("‹", "lib", "page", view.page - 1))
    if view.page + 1 < view.pages:
        keys.append(button("›", "lib", "page", view.page + 1))
    return (tuple(keys),)


def _tools(view: Shelf) -> tuple[tuple[Button, ...], ...]:
    """What is looked for, each to be taken off; then where else to go."""
    keys = [button("🔎 Filter", "lib", "filter"), *((CLEAR,) if view.filters.any else ())]
    keys += [COLLECTIONS, *((EXPORT,) if view.total else ()), MENU]
    return (*_chips(view.filters, view.collection), *_pairs(keys))


def _empty(view: Shelf) -> Card:
    if view.filters.any:
        looked_for = describe(view.filters, view.collection)
        return Card(f"<b>Nothing found</b>{looked_for}", _tools(view))
    return Card(
        "Your library is empty. Import a saved collection and it fills up: films with their sound, "
        "tempo and key, photos with their colours.",
        # collections may refresh themselves while nothing of them is here
        ((button("📥 Import", "imp", "ask"), COLLECTIONS), (MENU,)),
    )


# ---------------------------------------------------------------- what is looked for


def active(filters: Filters, collection: str = "") -> list[tuple[str, str]]:
    """(field of Filters, words) for each filter that is on; foreign words are not escaped yet."""
    words = {
        "kind": {"video": "films", "photo": "photos"}.get(filters.kind or "", ""),
        "author": f"by {filters.author}" if filters.author else "",
        "tag": f"#{filters.tag}" if filters.tag else "",
        "collection_id": (collection or "a collection") if filters.collection_id else "",
        "bpm": f"{filters.bpm[0]:.0f}-{filters.bpm[1]:.0f} BPM" if filters.bpm else "",
        "keys": f"near {filters.keys[0]}" if filters.keys else "",
        "since": "",
        "text": f"“{filters.text}”" if filters.text else "",
        "posts": "similar ones" if filters.posts else "",
    }
    if filters.since:
        words["since"] = f"since {day(datetime.fromisoformat(filters.since), 'UTC')}"
    return [(name, said) for name, said in words.items() if said]


def describe(filters: Filters, collection: str = "") -> str:
    """ " · 110-130 BPM · #beats", as HTML."""
    return "".join(f" · {esc(said, 40)}" for _, said in active(filters, collection))


def _pairs(keys: list[Button]) -> list[tuple[Button, ...]]:
    """Two in a row: of three, a phone cuts the longer words."""
    return [tuple(keys[at : at + 2]) for at in range(0, len(keys), 2)]


def _chips(filters: Filters, collection: str) -> list[tuple[Button, ...]]:
    keys = [
        button(f"✖️ {' '.join(said.split())[:20]}", "lib", "off", name)
        for name, said in active(filters, collection)
    ]
    return _pairs(keys)


def filters(view: Shelf) -> Card:
    current = describe(view.filters, view.collection)
    return Card(
        f"<b>Filter</b> · {count(view.total, 'post')}{current}\n"
        "Choose one; filters add up. Or send a word: I look for it in captions and names.",
        (
            (
                button("🎬 Films", "lib", "kind", "video"),
                button("🖼 Photos", "lib", "kind", "photo"),
            ),
            (button("👤 Author", "lib", "authors"), button("# Hashtag", "lib", "tags")),
            (button("🥁 Tempo", "lib", "tempos"), button("🎹 Key", "lib", "keys")),
            (button("🗂 Collection", "lib", "from"), button("📅 Date", "lib", "dates")),
            *_chips(view.filters, view.collection),
            (*((CLEAR,) if view.filters.any else ()), LIBRARY),
        ),
    )


def ref(name: str) -> str:
    """Stands for a name in a button, which holds 64 bytes and few kinds of letters."""
    return sha256(name.encode(errors="replace")).hexdigest()[:12]


def _apart(name: str) -> str:
    """Arabic and Hebrew would draw the number behind it to their other side."""
    return name if name.isascii() else f"\u2068{name}\u2069"


def choose(title: str, options: list[Button], columns: int = 2) -> Card:
    """A list to choose one from."""
    rows = [tuple(options[at : at + columns]) for at in range(0, len(options), columns)]
    text = title if options else f"{title}\nThere is nothing to choose from yet."
    return Card(text, (*rows, (button("‹ Filter", "lib", "filter"),)))


def authors(choices: Choices) -> Card:
    options = [
        button(f"@{_apart(name[:24])} · {number}", "lib", "author", ref(name))
        for name, number in choices.authors
    ]
    return choose(
        "<b>Author</b>\nThose with most posts; for another one send the name.", options, 1
    )


def tags(choices: Choices) -> Card:
    options = [
        button(f"#{_apart(tag[:14])} · {number}", "lib", "tag", ref(tag))
        for tag, number in choices.tags
    ]
    return choose("<b>Hashtag</b>\nThe most frequent ones; for another one send it.", options)


def tempos() -> Card:
    options = [
        button(f"{low}-{high} BPM", "lib", "bpm", at) for at, (low, high) in enumerate(TEMPOS)
    ]
    return choose("<b>Tempo</b>", options)


def keys() -> Card:
    options = [
        button(name.replace(" major", "").replace(" minor", "m"), "lib", "key", at)
        for at, name in enumerate(KEYS)
    ]
    return choose(
        "<b>Key</b>\nMajor first, then minor (m). Includes what mixes with it: its neighbours on "
        "the circle of fifths and its relative.",
        options,
        4,
    )


def dates() -> Card:
    options = [button(f"the last {name}", "lib", "since", name) for name in SINCE]
    return choose("<b>Taken within</b>", options)


def collections(choices: Choices) -> Card:
    options = [button(one.title[:40], "lib", "collection", one.id) for one in choices.collections]
    return choose("<b>Collection</b>", options, 1)
