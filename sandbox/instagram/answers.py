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
CHALLENGE_IN_APP: Json = {**CHALLENGE, "challenge": {**CHALLENGE["challenge"], "native_flow": True}}
SUSPENDED: Json = {
    **CHALLENGE,
    "challenge": {**CHALLENGE["challenge"], "url": f"{WWW}/accounts/suspended/?next=/"},
}
RATE_LIMIT_ERROR: Json = {
    "message": "You've been rate limited.",
    "error_type": "rate_limit_error",
    "status": "fail",
}
SENTRY_BLOCK: Json = {
    "message": "Sorry, there was a problem with your request.",
    "error_type": "sentry_block",
    "status": "fail",
}
BAD_PASSWORD: Json = {
    "message": "The password you entered is incorrect. Please try again.",
    "invalid_credentials": True,
    "error_title": "Incorrect password for mia",
    "error_type": "bad_password",
    "status": "fail",
}
TWO_FACTOR: Json = {
    "message": "",
    "two_factor_required": True,
    "error_type": "two_factor_required",
    "status": "fail",
}
CONSENT: Json = {
    "message": "consent_required",
    "consent_data": {
        "headline": "Updates to Our Terms and Data Policy",
        "content": "We've updated our Terms and made some changes to our Data Policy.",
        "button_text": "Review Now",
    },
    "status": "fail",
}
AGE_GATED: Json = {
    "message": "geoblock_required",
    "title": "People under 18 can't see this profile",
    "blocks_logging_data": "MIN_AGE_ACCOUNT",
    "status": "fail",
}
FAILED: Json = {"message": "Something went wrong", "status": "fail"}
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
    CHALLENGE_IN_APP = "400 challenge_required that only the app can solve"
    SUSPENDED = "400 challenge_required of a suspended account"
    RATE_LIMIT_ERROR = "400 rate_limit_error"
    SENTRY_BLOCK = "400 sentry_block"
    BAD_PASSWORD = "400 bad_password"  # noqa: S105
    TWO_FACTOR = "400 two_factor_required"
    NOT_FOUND_BARE = "404 with two words: a challenge in disguise"
    TIMEOUT = "408"
    FAILED = "200 with status fail"
    CONSENT = "400 consent_required"
    CUT = "200 and a connection that ends in mid-answer"
    SILENCE = "no answer at all, until the client hangs up"


def json_answer(body: Json, status: int = 200) -> web.Response:
    return web.json_response(body, status=status)


def page(html: str, status: int = 200) -> web.Response:
    return web.Response(text=html, status=status, content_type="text/html")


def redirect(location: str) -> web.Response:
    return web.Response(status=302, headers={"Location": location})


def refuse(refusal: Refusal, path: str) -> web.Response:
    """The answer; `path` is the one that was asked for. SILENCE and CUT have none: ValueError."""
    if refusal in _REDIRECTS:
        return redirect(WWW + _REDIRECTS[refusal].format(path=path))
    if refusal in _BODIES:
        status, body = _BODIES[refusal]
        return json_answer(body, status)
    if refusal is Refusal.RATE_LIMIT_BARE:
        return web.Response(status=429)
    if refusal is Refusal.NOT_FOUND_BARE:
        return web.Response(status=404, text="Not Found")
    if refusal is Refusal.TIMEOUT:
        return web.Response(status=408)
    if refusal is Refusal.SERVER_ERROR:
        return web.Response(status=500, text="Oops, an error occurred.")
    if refusal is Refusal.HTML:
        return page("<!DOCTYPE html><html><title>Instagram</title><p>Something else</p></html>")
    if refusal is Refusal.GARBAGE:
        broken = json.dumps({"items": [{"media": {"pk": "39"}}]})[:-9]
        return web.Response(text=broken, content_type="application/json")
    raise ValueError(f"{refusal} is no answer")


async def hang_up(request: web.Request) -> web.StreamResponse:
    """CUT: less than was promised."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = 1000
    await response.prepare(request)
    await response.write(b'{"feed_items": [')
    if request.transport:
        request.transport.close()
    return response


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
    Refusal.CHALLENGE_IN_APP: (400, CHALLENGE_IN_APP),
    Refusal.SUSPENDED: (400, SUSPENDED),
    Refusal.RATE_LIMIT_ERROR: (400, RATE_LIMIT_ERROR),
    Refusal.SENTRY_BLOCK: (400, SENTRY_BLOCK),
    Refusal.BAD_PASSWORD: (400, BAD_PASSWORD),
    Refusal.TWO_FACTOR: (400, TWO_FACTOR),
    Refusal.FAILED: (200, FAILED),
    Refusal.CONSENT: (400, CONSENT),
}
