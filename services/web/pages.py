"""Pages for people, from templates with autoescape. Called by the routes in services/web.

The archive holds no script, so it works everywhere; the headers of all pages forbid what a caption
could try. services.web.report_page makes another one with what is here.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.feed.render.text import clean
from services.feed.serving import Shelf
from services.web.answers import Headers
from services.web.numbers import moment
from storage.feeds import Search

TALLEST = 512  # as max-height in page.css
_FOLDER = Path(__file__).parent / "templates"


def source(name: str) -> str:
    """A template, a style or a script, as it is in its file."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def headers(**allowed: str) -> Headers:
    """Of a page that may use these sources only, by what they are for: script_src="'self'"."""
    policy = {"default-src": "'none'", "base-uri": "'none'", "frame-ancestors": "'none'"}
    policy |= {name.replace("_", "-"): sources for name, sources in allowed.items()}
    return (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "private, no-cache"),
        ("Content-Security-Policy", "; ".join(f"{name} {of}" for name, of in policy.items())),
        ("Referrer-Policy", "no-referrer"),  # the address holds a token
        ("X-Content-Type-Options", "nosniff"),
        ("X-Robots-Tag", "noindex"),
    )


def digest(inline: str) -> str:
    """How a policy names a style or a script that stands in the page."""
    return f"'sha256-{b64encode(sha256(inline.encode()).digest()).decode()}'"


def look(*made_of: str) -> str:
    """Tells one make of a page from another; a part of its version."""
    return sha256("\0".join(made_of).encode()).hexdigest()[:16]


_STYLE = source("page.css")

HEADERS = headers(
    img_src="'self'", media_src="'self'", style_src=digest(_STYLE), form_action="'self'"
)

environment = Environment(
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
    return environment.get_template("archive.html").render(
        title=title,
        shelf=shelf,
        asked=asked,
        moment=lambda value: moment(value, place),
        box=box,
        author_link=lambda name: "?" + urlencode({"author": name}),
        zone=zone,
        style=_STYLE,
    )
