"""What a refusal of Instagram's mobile API means: which error of the tree, in plain words.

Pure. Used by the mobile adapter only. It judges the answer itself, not instagrapi's exceptions:
those overlap and hide some answers behind others (measured with instagrapi 3.2.2).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from services.errors import (
    Checkpoint,
    ConsentWanted,
    InstagramError,
    NotFound,
    ProfileGated,
    ProfilePrivate,
    RateLimited,
    SessionRefused,
    Suspended,
    Unavailable,
    UpstreamChanged,
)

_LOG_IN_AGAIN = "Open /connect and log in to this account again."
_CONFIRM = "Open the Instagram app, confirm there, then press Resume."


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `path` was asked for; `location` is where a redirect leads, else ""."""

    status: int
    path: str
    location: str = ""
    body: str = field(default="", repr=False)

    def content(self) -> Any:
        """The JSON in it, or None."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


def judge(answer: Answer | None) -> InstagramError:
    """The error of a call that failed; None: no answer came. The first rule that fits wins."""
    if answer is None:
        return Unavailable()
    if answer.location:
        return _redirected(urlsplit(answer.location).path)
    content = answer.content()
    said = _said(content)
    if "login_required" in said or "user_has_logged_out" in said:
        return _refused_session()
    if answer.status == 404 and answer.body.strip() == "Not Found":
        return _checkpoint()  # a challenge in disguise: the bare words instead of JSON
    if "checkpoint_required" in said or "challenge_required" in said:
        return Suspended() if "/suspended/" in _challenge_url(content) else _checkpoint()
    if "consent_required" in said:  # to new terms; nothing is answered before that
        return ConsentWanted()
    if any(words in said for words in _SLOW_DOWN) or answer.status == 429:
        return RateLimited()
    if answer.status == 401:
        return _refused_session()
    if "not authorized to view" in said:
        return ProfilePrivate(
            "That account is private, and this one does not follow it.",
            "Follow it in the Instagram app first.",
        )
    if "geoblock_required" in said:
        return ProfileGated()
    if answer.status == 404 or "not found" in said:
        return NotFound(
            "Instagram knows no such account or post.", "Check whether it still exists in the app."
        )
    if answer.status == 408 or answer.status >= 500:
        return Unavailable()
    return _changed()


_SLOW_DOWN = (
    "please wait a few minutes",
    "feedback_required",
    "rate_limit_error",
    "rate limited",
    "sentry_block",
)


def _redirected(path: str) -> InstagramError:
    if path.startswith("/accounts/login"):
        return _refused_session()
    if path.startswith(("/challenge", "/auth_platform")):
        return _checkpoint()
    if path.startswith("/consent"):
        return ConsentWanted()
    if path.startswith("/accounts/suspended"):
        return Suspended()
    return _changed()


def _refused_session() -> SessionRefused:
    return SessionRefused(
        "Instagram has logged this account's session out.",
        _LOG_IN_AGAIN,
    )


def _checkpoint() -> Checkpoint:
    return Checkpoint(None, _CONFIRM)


def _changed() -> UpstreamChanged:
    error = UpstreamChanged()
    error.next_step = "Upgrade Reelay; until then I try again by myself."
    return error


def _said(content: Any) -> str:
    """Instagram's own words in a refusal, in lower case; "" if it is not one of its refusals."""
    if not isinstance(content, dict) or content.get("status") == "ok":
        return ""
    return f"{content.get('message')} {content.get('error_type')}".lower()


def _challenge_url(content: Any) -> str:
    challenge = content.get("challenge") if isinstance(content, dict) else None
    return str(challenge.get("url")) if isinstance(challenge, dict) else ""
