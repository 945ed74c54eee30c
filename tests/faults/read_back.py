"""What readers see of a feed: feedparser, and the parsers of Python for JSON and HTML.

Used by tests/faults/captions. Nothing of the product is used to read what the product wrote.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from xml.etree import ElementTree

import feedparser

RSS = (
    "channel/item",
    "guid",
    "title",
    "{http://purl.org/rss/1.0/modules/content/}encoded",
)
ATOM = tuple(
    f"{{http://www.w3.org/2005/Atom}}{name}" for name in ("entry", "id", "title", "content")
)
WORDS = "p"  # the element that holds a caption, with dir="auto"
OURS = frozenset({"p", "br", "img", "video", "a", "em"})
OF_THE_PAGE = OURS | {
    *("html", "head", "meta", "title", "link", "style", "body", "main", "article", "nav", "header"),
    *("h1", "h2", "span", "div", "strong", "form", "label", "input", "button"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """Of one post. `html_words`: of its caption as the HTML has it, where that is all there is;
    `title`: None where none is shown; `strange`: what should not be there."""

    caption: str
    files: int
    title: str | None = None
    html_words: tuple[str, ...] | None = None
    strange: frozenset[str] = frozenset()

    def differs(self, wanted: Seen) -> Iterator[str]:
        """What is not as it was posted."""
        if self.html_words is None and self.caption != wanted.caption:
            yield "caption"
        if self.html_words is not None and self.html_words != tuple(wanted.caption.split()):
            yield "words"
        if self.files != wanted.files:
            yield "files"
        if self.strange:
            yield f"elements {sorted(self.strange)}"
        if self.title is not None and self.title != wanted.title:
            yield "title"


class Page(HTMLParser):
    """Collects captions (`<p dir="auto">`), pictures and elements, of each article if there are."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.captions: list[list[str]] = []
        self.files: list[int] = []
        self.elements: set[str] = set()
        self._in_words = False

    def begin(self) -> None:
        self.captions.append([])
        self.files.append(0)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        if tag == "article":
            self.begin()
        elif tag in ("img", "video") and self.files:
            self.files[-1] += 1
        elif tag == "br" and self._in_words:
            self.captions[-1].append("\n")
        elif tag == WORDS and ("dir", "auto") in attrs and self.captions:
            self._in_words = True

    def handle_endtag(self, tag: str) -> None:
        if tag == WORDS and self._in_words:
            self._in_words = False
            self.captions[-1].append("\n\n")

    def handle_data(self, data: str) -> None:
        if self._in_words:
            self.captions[-1].append(data)


def _of_html(html: str) -> tuple[tuple[str, ...], int, frozenset[str]]:
    """(words, files, elements that nobody wrote) of an item's HTML."""
    page = Page()
    page.begin()
    page.feed(html)
    page.close()
    words = tuple("".join(page.captions[0]).split())
    return words, page.files[0], frozenset(page.elements - OURS)


def _xml(body: bytes) -> list[tuple[str, Seen]]:
    """As feedparser reads it, and as the XML says. Errors: ValueError."""
    read = feedparser.parse(body, sanitize_html=False, resolve_relative_uris=False)
    if read.bozo:
        raise ValueError(str(read.bozo_exception))
    found = []
    for item, (guid, title, html) in zip(read.entries, _elements(body), strict=True):
        words, files, strange = _of_html(html)
        if files != len(item.get("media_content", ())):
            strange |= {"another number of files in the Media RSS group"}
        for told, exact in ((item.id, guid), (item.title, title), (item.content[0].value, html)):
            if told not in (exact, _guessed(exact)):
                strange |= {"what feedparser reads and XML does not say"}
        found.append((guid, Seen("", files, title, words, strange)))
    return found


def _elements(body: bytes) -> list[tuple[str, str, str]]:
    """(id, title, HTML) of each item."""
    root = ElementTree.fromstring(body)
    names = RSS if root.tag == "rss" else ATOM
    items = root.findall(names[0])
    return [tuple(item.findtext(name) or "" for name in names[1:]) for item in items]  # type: ignore[misc]


def _guessed(text: str) -> str:
    """feedparser holds text for UTF-8 that was taken for Latin-1 where it could be: "Ã©" is read
    as "é"."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _json_feed(body: bytes) -> list[tuple[str, Seen]]:
    """Errors: ValueError."""
    found = []
    for item in json.loads(body.decode("utf-8", "strict"))["items"]:
        files = len(item.get("attachments", ()))
        words, in_html, strange = _of_html(item["content_html"])
        if words != tuple(item["content_text"].split()) or in_html != files:
            strange |= {"HTML that says something else than the text"}
        found.append((item["id"], Seen(item["content_text"], files, item["title"], None, strange)))
    return found


def _archive(body: bytes) -> list[tuple[str, Seen]]:
    """The page has no ids. Errors: ValueError."""
    page = Page()
    page.feed(body.decode("utf-8", "strict"))
    page.close()
    strange = frozenset(page.elements - OF_THE_PAGE)
    return [
        ("", Seen("".join(caption).removesuffix("\n\n"), files, strange=strange))
        for caption, files in zip(page.captions, page.files, strict=True)
    ]


READERS: Mapping[str, Callable[[bytes], list[tuple[str, Seen]]]] = {
    "feed.xml": _xml,
    "atom.xml": _xml,
    "feed.json": _json_feed,
    "": _archive,
}
