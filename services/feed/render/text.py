"""Text that every reader can take: without what XML forbids, with a title, as safe HTML.

Called by the renderers and by services.feed.pages. Source of the rules: XML 1.0, section 2.2; the
RSS Advisory Board's profile for `&` and `<` in titles.
"""

from __future__ import annotations

import re
from html import escape

from services.feed.render.entries import Entry, EntryMedia

TITLE_LENGTH = 90
SUMMARY_LENGTH = 500

# control characters, lone surrogates, U+FFFE and U+FFFF: XML 1.0 forbids them, even escaped; and
# those from U+007F on, which it advises against: readers take them for letters of Windows-1252
_FORBIDDEN = re.compile("[^\t\n\u0020-\u007e\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_ENDS = re.compile("\r\n|[\r\u0085]")
# marks that turn the direction of all that follows: one caption would garble a list of titles
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Without control characters and what XML forbids; every line end is a newline."""
    return _FORBIDDEN.sub("", _LINE_ENDS.sub("\n", text))


def excerpt(text: str, length: int) -> str:
    """At most `length` characters, cut between words where that is possible. `text`: stripped."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    whole_words = cut.rsplit(None, 1)[0] if re.search(r"\s", cut) else cut
    return (whole_words if len(whole_words) > length // 2 else cut).rstrip() + "…"


def title_of(caption: str, otherwise: str) -> str:
    """The first line of a caption that says something, on one line; else `otherwise`."""
    for line in clean(caption).split("\n"):
        words = " ".join(_TURNS.sub("", line).split())
        if any(letter.isalnum() for letter in words):
            return excerpt(words, TITLE_LENGTH)
    return otherwise


def summary(entry: Entry) -> str:
    """The caption as HTML without tags, cut."""
    return escape(excerpt(clean(entry.caption).strip(), SUMMARY_LENGTH), quote=False)


def html(entry: Entry) -> str:
    """The whole entry as HTML: caption, pictures and films, the way to the original."""
    parts = [_paragraphs(clean(entry.caption))]
    parts += [_figure(media) for media in entry.media]
    if entry.missing:
        parts.append("<p><em>The pictures of this post could not be saved.</em></p>")
    if not entry.notice:
        parts.append(f'<p><a href="{_attribute(entry.link)}">View on Instagram</a></p>')
    return "\n".join(part for part in parts if part)


def _paragraphs(text: str) -> str:
    blocks = [block.strip() for block in re.split(r"\n\s*\n", text)]
    return "\n".join(
        f'<p dir="auto">{"<br>".join(escape(block, quote=False).split(chr(10)))}</p>'
        for block in blocks
        if block
    )


def _figure(media: EntryMedia) -> str:
    size = "".join(
        f' {name}="{value}"'
        for name, value in (("width", media.width), ("height", media.height))
        if value
    )
    url = _attribute(media.url)
    if media.medium == "video":
        return f'<p><video src="{url}"{size} controls preload="none"></video></p>'
    return f'<p><img src="{url}"{size} alt=""></p>'


def _attribute(value: str) -> str:
    return escape(clean(value))
