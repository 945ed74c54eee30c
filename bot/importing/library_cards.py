"""The library's cards, as pure functions of what services.importing.library shows."""

from __future__ import annotations

from datetime import datetime

from bot.cards import Button, Card, button, count, day, esc
from services.importing.harmony import KEYS
from services.importing.library import Choices, Shelf
from storage.importing import Collection
from storage.library import Filters, LibraryPost
from storage.samples import Sample

MENU = button("Menu", "menu", "home")
SIGNS = {"photo": "🖼", "video": "🎬", "carousel": "🎞"}
TEMPOS = ((60, 90), (90, 110), (110, 130), (130, 150), (150, 190))
SINCE = {"week": 7, "month": 30, "year": 365}  # days
NO_TEMPO = {
    "no_audio": "no sound",
    "too_short": "too short to tell",
    "silent": "silent",
    "steady": "a steady sound",
    "no_beat": "no clear beat",
}
NO_KEY = {
    "no_audio": "no sound",
    "too_short": "too short to tell",
    "silent": "silent",
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


def film_of(files: list[Sample]) -> Sample | None:
    """The file that a post is heard by: its first film with sound, else its first film."""
    films = [file for file in files if file.kind == "video"]
    return next((file for file in films if file.audio_key), films[0] if films else None)


def tempo(sample: Sample) -> str:
    """ "122 BPM (or 61)", or why none is given."""
    if sample.bpm is None:
        return f"tempo not given: {NO_TEMPO.get(sample.no_bpm or '', 'not known')}"
    other = f" (or {sample.bpm_alternative:.0f})" if sample.bpm_alternative else ""
    return f"{sample.bpm:.0f} BPM{other}"


def key(sample: Sample) -> str:
    """ "probably A minor (or C major)", or why none is given."""
    if sample.key is None:
        return f"key not given: {NO_KEY.get(sample.no_key or '', 'not known')}"
    sure = "" if sample.key_sure else "probably "
    return f"{sure}{sample.key} (or {sample.key_second})"


def length(seconds: float | None) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}" if seconds else ""


def figures(sample: Sample | None) -> str:
    """The short form of a list: "122 BPM · A minor · 0:10"."""
    if sample is None or sample.state != "ready":
        return "" if sample is None or sample.state == "failed" else "being analysed"
    parts = [
        f"{sample.bpm:.0f} BPM" if sample.bpm else "",
        sample.key or "",
        length(sample.seconds),
    ]
    return " · ".join(part for part in parts if part)


def caption(post: LibraryPost, files: list[Sample], zone: str) -> str:
    """The text below a sample's picture; at most 1024 units."""
    film = film_of(files)
    link = f"https://www.instagram.com/p/{esc(post.shortcode, 64)}/"
    lines = [f'{SIGNS[post.kind]} <b>@{esc(post.author, 40)}</b> · <a href="{link}">post</a>']
    if film is None:
        colours = [file.colour for file in files if file.colour]
        size = next((f"{one.width}×{one.height}" for one in files if one.width), "")
        lines.append(" · ".join(part for part in (size, *colours[:3]) if part))
    elif film.state == "pending":
        lines.append("Being analysed: open it again in a moment.")
    elif film.state == "failed":
        why = FAILURES.get(film.failure or "", "it could not be read")
        lines.append(f"Not analysed: {why}. The file itself is kept.")
    else:
        lines += [tempo(film), key(film)]
        if film.seconds:
            lines.append(f"length {length(film.seconds)}")
    if len(files) > 1:
        lines.append(f"{len(files)} files")
    lines.append(f"taken {day(post.taken_at, zone)}")
    if post.caption:
        lines.append(f"<blockquote>{esc(post.caption, 300)}</blockquote>")
    return "\n".join(line for line in lines if line)


def sample_keys(post: LibraryPost, files: list[Sample]) -> tuple[tuple[Button, ...], ...]:
    film = film_of(files)
    rows: list[tuple[Button, ...]] = []
    if film and film.audio_key:
        rows.append(
            (
                button("▶️ Play", "lib", "play", post.id),
                button("WAV", "lib", "wav", post.id),
                button("MP3", "lib", "mp3", post.id),
            )
        )
    what = "Video" if post.kind == "video" else "Photo" if post.kind == "photo" else "All files"
    second = [button(f"⬇️ {what}", "lib", "files", post.id)]
    if film and (film.bpm or film.key):
        second.append(button("🎯 Similar", "lib", "similar", post.id))
    second.append(button("🗑 Delete", "lib", "delete", post.id))
    return (*rows, tuple(second), (button("‹ Library", "lib", "show"), MENU))


def removed(post_id: int) -> Card:
    return Card(
        "Taken out of your library. You can undo it for 10 minutes.",
        ((button("↩️ Undo", "lib", "undo", post_id), button("‹ Library", "lib", "show")),),
    )


# ---------------------------------------------------------------- the shelf


def shelf(view: Shelf) -> Card:
    if not view.total:
        return _empty(view)
    lines = [f"<b>Library</b> · {count(view.total, 'post')}{describe(view.filters)}"]
    numbers = []
    for number, post in enumerate(view.posts, 1):
        told = figures(film_of(view.samples.get(post.id, [])))
        lines.append(
            f"{number}. {SIGNS[post.kind]} @{esc(post.author, 24)}{' · ' + told if told else ''}\n"
            f"    {esc(' '.join(post.caption.split()) or 'without words', 48)}"
        )
        numbers.append(button(str(number), "lib", "open", post.id))
    turn = []
    if view.page:
        turn.append(button("‹", "lib", "page", view.page - 1))
    turn.append(button(f"{view.page + 1}/{view.pages}", "lib", "page", view.page))
    if view.page + 1 < view.pages:
        turn.append(button("›", "lib", "page", view.page + 1))
    return Card("\n".join(lines), (tuple(numbers), tuple(turn), *_tools(view.filters)))


def _tools(filters: Filters) -> tuple[tuple[Button, ...], ...]:
    clear = (button("✖️ All posts", "lib", "clear"),) if filters.any else ()
    return (
        (button("🔎 Filter", "lib", "filter"), *clear),
        (button("📤 Export", "lib", "export"), button("🗂 Collections", "lib", "lists"), MENU),
    )


def _empty(view: Shelf) -> Card:
    if view.filters.any:
        return Card(f"Nothing in your library fits{describe(view.filters)}.", _tools(view.filters))
    return Card(
        "Your library is empty. Import a saved collection and it fills up: films with their sound, "
        "tempo and key, photos with their colours.",
        ((button("📥 Import", "imp", "ask"), MENU),),
    )


def describe(filters: Filters) -> str:
    """ " · 110-130 BPM · #beats": what is being looked for."""
    parts = []
    if filters.kind:
        parts.append("films" if filters.kind == "video" else "photos")
    if filters.author:
        parts.append(f"@{esc(filters.author, 40)}")
    if filters.tag:
        parts.append(f"#{esc(filters.tag, 40)}")
    if filters.collection_id:
        parts.append("one collection")
    if filters.bpm:
        parts.append(f"{filters.bpm[0]:.0f}-{filters.bpm[1]:.0f} BPM")
    if filters.keys:
        parts.append(esc(" or ".join(filters.keys[:2])) + (" …" if len(filters.keys) > 2 else ""))
    if filters.since:
        parts.append(f"since {esc(filters.since[:10])}")
    if filters.text:
        parts.append(f"“{esc(filters.text, 40)}”")
    if filters.posts:
        parts.append("similar ones")
    return "".join(f" · {part}" for part in parts)


# ---------------------------------------------------------------- filters


def filters(current: Filters) -> Card:
    return Card(
        f"<b>Filter</b>{describe(current) or ' · all posts'}\n"
        "Or send a word of a caption or a name.",
        (
            (
                button("🎬 Films", "lib", "kind", "video"),
                button("🖼 Photos", "lib", "kind", "photo"),
            ),
            (button("👤 Author", "lib", "authors"), button("# Hashtag", "lib", "tags")),
            (button("🥁 Tempo", "lib", "tempos"), button("🎹 Key", "lib", "keys")),
            (button("🗂 Collection", "lib", "from"), button("📅 Date", "lib", "dates")),
            (button("✖️ All posts", "lib", "clear"), button("‹ Library", "lib", "show")),
        ),
    )


def choose(title: str, options: list[Button], columns: int = 2) -> Card:
    """A list to choose one from."""
    rows = [tuple(options[at : at + columns]) for at in range(0, len(options), columns)]
    text = title if options else f"{title}\nThere is nothing to choose from yet."
    return Card(text, (*rows, (button("‹ Filter", "lib", "filter"),)))


def authors(choices: Choices) -> Card:
    # the place in this list: a name may be too long for a button's data
    options = [
        button(f"@{name[:24]} · {number}", "lib", "author", at)
        for at, (name, number) in enumerate(choices.authors)
    ]
    return choose("<b>Author</b>", options, 1)


def tags(choices: Choices) -> Card:
    options = [
        button(f"#{tag[:24]} · {number}", "lib", "tag", at)
        for at, (tag, number) in enumerate(choices.tags)
    ]
    return choose("<b>Hashtag</b>", options)


def tempos() -> Card:
    options = [
        button(f"{low}-{high} BPM", "lib", "bpm", at) for at, (low, high) in enumerate(TEMPOS)
    ]
    return choose("<b>Tempo</b>", options)


def keys() -> Card:
    options = [button(name, "lib", "key", at) for at, name in enumerate(KEYS)]
    return choose(
        "<b>Key</b>\nIncludes what goes with it: its neighbours and its relative.", options, 4
    )


def dates() -> Card:
    options = [button(f"the last {name}", "lib", "since", name) for name in SINCE]
    return choose("<b>Taken within</b>", options, 1)


def collections(choices: Choices) -> Card:
    options = [button(one.title[:40], "lib", "collection", one.id) for one in choices.collections]
    return choose("<b>Collection</b>", options, 1)


# ---------------------------------------------------------------- collections that stay fresh


def lists(known: list[Collection]) -> Card:
    if not known:
        return Card(
            "No collections yet. Import one, and here you choose how it keeps itself fresh.",
            ((button("📥 Import", "imp", "ask"), button("‹ Library", "lib", "show")),),
        )
    rows = [
        (
            button(
                f"{'🔄 ' if one.refresh != 'never' else ''}{one.title[:40]}", "lib", "list", one.id
            ),
        )
        for one in known
    ]
    return Card("<b>Collections</b>", (*rows, (button("‹ Library", "lib", "show"),)))


def when(moment: datetime | None, zone: str) -> str:
    return f", next on {day(moment, zone)}" if moment else ""
