"""Pages for people, from templates with autoescape. Called by the routes in services/web.

They hold no script, so they work everywhere, and their headers forbid what a caption could try.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.feed.render.text import clean
from services.feed.serving import Shelf
from storage.feeds import Search

TALLEST = 512  # as max-height in page.css
_FOLDER = Path(__file__).parent / "templates"
_STYLE = (_FOLDER / "page.css").read_text(encoding="utf-8")
_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()

HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "private, no-cache"),
    (
        "Content-Security-Policy",
        f"default-src 'none'; img-src 'self'; media-src 'self'; style-src 'sha256-{_HASH}'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("Referrer-Policy", "no-referrer"),  # the address holds the reader's token
    ("X-Content-Type-Options", "nosniff"),
    ("X-Robots-Tag", "noindex"),
)

_environment = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=lambda value: clean(value) if type(value) is str else value,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody looks for in the archive. `first` and `last`: days, both included."""

    search: Search
    first: date | None
    last: date | None
    page: int

    def link(self, page: int) -> str:
        """The same search on another page, relative to this one."""
        parts = {
            "q": self.search.words,
            "author": self.search.author,
            "from": self.first.isoformat() if self.first else "",
            "to": self.last.isoformat() if self.last else "",
            "page": str(page) if page > 1 else "",
        }
        return "?" + urlencode({name: value for name, value in parts.items() if value})


def box(width: int, height: int) -> tuple[int, int]:
    """Pixels that a picture takes on a wide page, so that room is kept while it is on its way."""
    scale = min(1.0, TALLEST / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def archive(title: str, shelf: Shelf, asked: Asked, zone: str) -> str:
    """`zone`: IANA name, of the times on the page."""
    place = ZoneInfo(zone)

    def moment(value: datetime) -> str:
        return value.astimezone(place).strftime("%-d %B %Y, %H:%M")

    return _environment.get_template("archive.html").render(
        title=title,
        shelf=shelf,
        asked=asked,
        moment=moment,
        box=box,
        author_link=lambda name: "?" + urlencode({"author": name}),
        zone=zone,
        style=_STYLE,
    )
