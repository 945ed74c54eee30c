"""Instagram's refusals, word for word: statuses, bodies and redirects as clients have seen them.

`server` sends one instead of the real answer when a bad day or a test asks for it.
"""

from __future__ import annotations

import enum
import json
from typing import Any

from aiohttp import web

Json = dict[str, Any]

WWW = "https://www.instagram.com"
NOT_FOUND: Json = {"message": "Media not found or unavailable", "status": "fail"}
NO_COLLECTION: Json = {"message": "Not found", "status": "fail"}
LOGIN_REQUIRED: Json = {
    "message": "login_required",
    "error_title": "You've Been Logged Out",
    "error_body": "Please log back in.",
    "logout_reason": 8,
    "status": "fail",
}
PLEASE_WAIT: Json = {
    "message": "Please wait a few minutes before you try again.",
    "require_login": True,
    "igweb_rollout": True,
    "status": "fail",
}
CHECKPOINT: Json = {
    "message": "checkpoint_required",
    "checkpoint_url": f"{WWW}/challenge/?next=/",
    "lock": True,
    "flow_render_type": 0,
    "status": "fail",
}
CHALLENGE: Json = {
    "message": "challenge_required",
    "challenge": {
        "url": f"{WWW}/challenge/70000000001/AbCdEf/",
        "api_path": "/challenge/70000000001/AbCdEf/",
        "lock": True,
        "logout": False,
        "native_flow": False,
        "flow_render_type": 0,
    },
    "status": "fail",
}
FEEDBACK: Json = {
    "message": "feedback_required",
    "spam": True,
    "feedback_title": "Try Again Later",
    "feedback_message": "We restrict certain activity to protect our community.",
    "status": "fail",
}
UNKNOWN_SHAPE: Json = {"data": {"xdt_saved_v2": {"edges": []}}, "status": "ok"}


class Refusal(enum.Enum):
    """What Instagram answers instead of what was asked for."""

    LOGIN = "redirect to the login page"
    LOGIN_REQUIRED = "403 login_required"
    CHALLENGE = "redirect to the challenge page"
    CHALLENGE_REQUIRED = "400 challenge_required"
    AUTH_PLATFORM = "redirect to the identity check of 2026"
    CHECKPOINT = "400 checkpoint_required"
    FEEDBACK = "400 feedback_required"
    PLEASE_WAIT = "401 please wait a few minutes"
    RATE_LIMIT = "429 with a body"
    RATE_LIMIT_BARE = "429 without a body"
    HOME = "redirect to the home page"
    HTML = "200 with a web page instead of JSON"
    GARBAGE = "200 with JSON that breaks off"
    UNKNOWN_SHAPE = "200 with JSON of another shape"
    SERVER_ERROR = "500"
    NOT_FOUND = "404 media not found"
    SILENCE = "no answer at all, until the client hangs up"


def json_answer(body: Json, status: int = 200) -> web.Response:
    return web.json_response(body, status=status)


def page(html: str, status: int = 200) -> web.Response:
    return web.Response(text=html, status=status, content_type="text/html")


def redirect(location: str) -> web.Response:
    return web.Response(status=302, headers={"Location": location})


def refuse(refusal: Refusal, path: str) -> web.Response:
    """The answer; `path` is the one that was asked for. SILENCE has none: ValueError."""
    if refusal in _REDIRECTS:
        return redirect(WWW + _REDIRECTS[refusal].format(path=path))
    if refusal in _BODIES:
        status, body = _BODIES[refusal]
        return json_answer(body, status)
    if refusal is Refusal.RATE_LIMIT_BARE:
        return web.Response(status=429)
    if refusal is Refusal.SERVER_ERROR:
        return web.Response(status=500, text="Oops, an error occurred.")
    if refusal is Refusal.HTML:
        return page("<!DOCTYPE html><html><title>Instagram</title><p>Something else</p></html>")
    if refusal is Refusal.GARBAGE:
        broken = json.dumps({"items": [{"media": {"pk": "39"}}]})[:-9]
        return web.Response(text=broken, content_type="application/json")
    raise ValueError(f"{refusal} is no answer")


_REDIRECTS = {
    Refusal.LOGIN: "/accounts/login/?next={path}",
    Refusal.CHALLENGE: "/challenge/?next={path}",
    Refusal.AUTH_PLATFORM: "/auth_platform/?apc=Ado6qk&next={path}",
    Refusal.HOME: "/",
}
_BODIES = {
    Refusal.LOGIN_REQUIRED: (403, LOGIN_REQUIRED),
    Refusal.CHALLENGE_REQUIRED: (400, CHALLENGE),
    Refusal.CHECKPOINT: (400, CHECKPOINT),
    Refusal.FEEDBACK: (400, FEEDBACK),
    Refusal.PLEASE_WAIT: (401, PLEASE_WAIT),
    Refusal.RATE_LIMIT: (429, PLEASE_WAIT),
    Refusal.UNKNOWN_SHAPE: (200, UNKNOWN_SHAPE),
    Refusal.NOT_FOUND: (404, NOT_FOUND),
}
