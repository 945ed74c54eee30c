"""Reads whom a person wants analysed: @name, name, or the address of a profile. Pure.

Called by the service. What leaves here goes into addresses and into Meta's expressions, so it is
a user name and nothing else.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from services.errors import BadInput
from services.instagram.mobile_errors import read_username

_MOST = 500  # characters
_HOSTS = {"instagram.com", "www.instagram.com", "m.instagram.com", "instagr.am"}
_POSTS = {"p", "reel", "reels", "tv", "share"}
_PAGES = {"accounts", "about", "api", "audio", "direct", "explore", "legal", "s", "stories", "web"}
_ADDRESS = re.compile(
    r"(?:https?://)?([a-z0-9.-]+\.[a-z]{2,24})(?::\d+)?(?:[/?#]|$)", re.IGNORECASE
)
_AN_EXAMPLE = "Send a name such as @neonloops, or the address of a profile."


def read_name(text: str) -> str:
    """The user name, in lower case. Errors: BadInput, with what is wrong with it."""
    words = text.strip()[:_MOST].split()
    if not words:
        raise BadInput("Whom shall I analyse?", _AN_EXAMPLE)
    if len(words) > 1:
        raise BadInput("I can analyse one profile at a time.", _AN_EXAMPLE)
    word = words[0].strip("<>\"'()[],;!")
    return read_username(_from_address(word) or word)


def _from_address(word: str) -> str | None:
    """The name in the address of a profile; None for what is no address. A name may have a dot, so
    "studio.okra" is only an address if a path or a scheme is there, or Instagram's host."""
    found = _ADDRESS.match(word)
    has_scheme = word.lower().startswith(("http://", "https://"))
    if found is None or word.startswith("@"):
        return None
    host = found[1].lower()
    if not has_scheme and host not in _HOSTS and "/" not in word:
        return None
    if host not in _HOSTS:
        raise BadInput(f"That address leads to {host[:60]}, not to Instagram.", _AN_EXAMPLE)
    try:
        path = urlsplit(word if has_scheme else f"https://{word}").path
    except ValueError:
        raise BadInput("I can't read that address.", _AN_EXAMPLE) from None
    parts = [unquote(part) for part in path.split("/") if part]
    if not parts:
        raise BadInput("That is Instagram's front page, not a profile.", _AN_EXAMPLE)
    if parts[0].lower() in _POSTS:
        raise BadInput(
            "That is the address of a post, and it does not say whose it is.",
            "Open the person's profile and send its address, or their name.",
        )
    if parts[0].lower() in _PAGES:
        if parts[0].lower() == "stories" and len(parts) > 1:
            return parts[1]
        raise BadInput("That page of Instagram is not a profile.", _AN_EXAMPLE)
    return parts[0]
