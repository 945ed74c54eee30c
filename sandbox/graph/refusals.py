"""Meta's refusals, with the codes, subcodes and words in which clients have seen them.

Everything of this room raises `Refused`; `server` makes an answer of it. `documented` gives each
error of Meta's tables by its numbers, for tests and bad days. Sources: Meta's "Error codes" of the
Instagram platform (2026-06-02), "Handling errors" of the Graph API, and public reports.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

Json = dict[str, Any]
METHOD = "GraphMethodException"
READ_ON = (
    "Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api"
)
RATES = "https://developers.facebook.com/docs/graph-api/overview/rate-limiting"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One error. `title` and `advice` are meant for people. `status`: of HTTP."""

    code: int
    message: str
    subcode: int | None = None
    status: int = 400
    type: str = "OAuthException"
    transient: bool = False
    title: str = ""
    advice: str = ""

    def body(self) -> Json:
        error: Json = {"message": self.message, "type": self.type, "code": self.code}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
            error["is_transient"] = self.transient
        if self.transient:
            error["is_transient"] = True
        if self.title:
            error |= {"error_user_title": self.title, "error_user_msg": self.advice}
        error["fbtrace_id"] = "A" + hashlib.sha256(repr(error).encode()).hexdigest()[:22]
        return {"error": error}


class Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class LogInRefused(Exception):
    """api.instagram.com has a shape of its own; `status` is also its code."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status

    def body(self) -> Json:
        return {
            "error_type": "OAuthException",
            "code": self.status,
            "error_message": str(self),
        }


def invalid(message: str) -> Refused:
    """Code 100: something is wrong with a parameter."""
    return Refused(Refusal(100, f"(#100) {message}"))


def missing(name: str) -> Refused:
    return invalid(f"The parameter {name} is required")


def too_long() -> Refused:
    return invalid("There cannot be more than 30 days (2592000 s) between since and until")


def no_such_field(name: str, node: str) -> Refused:
    return invalid(f"Tried accessing nonexisting field ({name}) on node type ({node})")


def unknown_object(method: str, name: str) -> Refused:
    """100/33, or 803 for what is not even an id."""
    if not name.isdecimal():
        message = f"(#803) Some of the aliases you requested do not exist: {name}"
        return Refused(Refusal(803, message, status=404))
    return Refused(
        Refusal(
            100,
            f"Unsupported {method.lower()} request. Object with ID '{name}' does not exist, cannot"
            " be loaded due to missing permissions, or does not support this operation."
            f" {READ_ON}",
            33,
            type=METHOD,
        )
    )


def not_discovered() -> Refused:
    """Nobody is called so, or who is has no professional account, or an age limit: Meta does not
    say which."""
    return Refused(documented(110, 2207013))


def unknown_path(path: str) -> Refused:
    return Refused(Refusal(2500, f"Unknown path components: {path}"))


def bad_syntax(wanted: str, place: int, rest: str) -> Refused:
    message = f'Syntax error "Expected {wanted}." at character {place}: {rest}'
    return Refused(Refusal(2500, message))


def builder_gone(container: str) -> Refused:
    found = documented(24, 2207008)
    text = f"The media builder with creation id = {container} does not exist or has been expired."
    return Refused(replace(found, advice=text))


def unfetchable(url: str) -> Refused:
    advice = (
        f"The media could not be fetched from this URI: {url}. Please check the limitations for"
        " this media type on the developer documentation."
    )
    return Refused(replace(documented(9004, 2207052), advice=advice))


def documented(code: int, subcode: int | None = None) -> Refusal:
    """The error of Meta's tables with these numbers. KeyError for others."""
    return _TABLE[code, subcode]


def _session(subcode: int | None, why: str) -> Refusal:
    return Refusal(190, f"Error validating access token: {why}", subcode)


def _limit(code: int, message: str, subcode: int | None = None) -> Refusal:
    return Refusal(code, f"(#{code}) {message}", subcode, status=403)


def _media(code: int, subcode: int, message: str, title: str, advice: str) -> Refusal:
    return Refusal(code, message, subcode, title=title, advice=advice)


_ROWS = (
    Refusal(190, "Invalid OAuth access token - Cannot parse access token"),
    _session(458, "The user has not authorized application 314159265358979."),
    _session(
        459,
        "You cannot access the app till you log in to www.facebook.com and follow the"
        " instructions given.",
    ),
    _session(
        460,
        "The session has been invalidated because the user changed their password or Facebook has"
        " changed the session for security reasons.",
    ),
    _session(463, "Session has expired on an earlier day."),
    _session(
        464,
        "Sessions for the user are not allowed because the user is not a confirmed user.",
    ),
    _session(467, "The session is invalid because the user logged out."),
    _session(
        492,
        "The user must be an administrator, editor, or moderator of the page in order to"
        " impersonate it.",
    ),
    Refusal(102, "Session key invalid or no longer valid"),
    Refusal(1, "An unknown error occurred", status=500),
    Refusal(2, "Service temporarily unavailable", status=500, transient=True),
    _media(-1, 2207001, "Fatal", "Instagram server error", "Instagram server error. Try again."),
    _media(
        -1,
        2207032,
        "Fatal",
        "Create media failed",
        "Create media fail, please try to re-create media",
    ),
    _media(-1, 2207053, "Fatal", "Upload failed", "unknown upload error"),
    _media(
        -2, 2207003, "Timeout", "Download timed out", "It takes too long to download the media."
    ),
    _media(
        -2,
        2207020,
        "Media expired",
        "Media expired",
        "The media you are trying to access has expired. Please try to upload again.",
    ),
    _limit(4, "Application request limit reached"),
    Refusal(17, "(#17) User request limit reached"),
    _limit(32, "Page request limit reached"),
    _limit(613, "Calls to this api have exceeded the rate limit."),
    Refusal(
        80002,
        "(#80002) There have been too many calls to this Instagram account. Wait a bit and try"
        f" again. For more info, please refer to {RATES}.",
    ),
    Refusal(
        80001,
        "(#80001) There have been too many calls to this Page account. Wait a bit and try again."
        f" For more info, please refer to {RATES}.",
    ),
    Refusal(341, "(#341) Feed action request limit reached"),
    Refusal(
        368,
        "The action attempted has been deemed abusive or is otherwise disallowed",
        title="You're Temporarily Blocked",
        advice="It looks like you were misusing this feature by going too fast.",
    ),
    Refusal(
        4,
        "Application request limit reached",
        2207051,
        status=403,
        title="Action is blocked",
        advice=(
            "We restrict certain activity to protect our community. Tell us if you think we made a"
            " mistake."
        ),
    ),
    _media(
        9,
        2207042,
        "Application request limit reached",
        "Publishing limit reached",
        "You reached maximum number of posts that is allowed to be published by Content"
        " Publishing API.",
    ),
    _media(
        24,
        2207006,
        "The requested resource does not exist",
        "Media not found",
        "The media cannot be found.",
    ),
    _media(
        24,
        2207008,
        "The requested resource does not exist",
        "Media builder not found",
        "The media builder does not exist or has been expired.",
    ),
    _media(
        25,
        2207050,
        "User is not accessible",
        "Account restricted",
        "The Instagram account is restricted.",
    ),
    _media(100, 2207023, "Invalid parameter", "Unknown media type", "The media type is unknown."),
    _media(
        100,
        2207028,
        "Invalid parameter",
        "Bad carousel",
        "Your post won't work as a carousel. Carousels need at least 2 photos/videos and no more"
        " than 10 photos/videos. Please try again.",
    ),
    _media(
        100,
        2207035,
        "Invalid parameter",
        "Bad product tags",
        "Product tag positions should not be specified for video media.",
    ),
    _media(
        100,
        2207036,
        "Invalid parameter",
        "Bad product tags",
        "Product tag positions are required for photo media.",
    ),
    _media(
        100,
        2207037,
        "Invalid parameter",
        "Bad product tags",
        "We couldn't add all of your product tags.",
    ),
    _media(
        100,
        2207040,
        "Invalid parameter",
        "Too many tags",
        "You can use up to 20 @ tags at a time.",
    ),
    Refusal(
        100,
        "Unsupported get request. Object does not exist, cannot be loaded due to missing"
        f" permissions, or does not support this operation. {READ_ON}",
        33,
        type=METHOD,
    ),
    Refusal(100, "(#100) Invalid parameter"),
    _media(
        110,
        2207013,
        "Invalid user id",
        "Cannot find user",
        "The user with this username cannot be found.",
    ),
    _media(
        352,
        2207026,
        "The video format is not supported.",
        "Unsupported video format",
        "The video format is not supported. Please check spec for supported format.",
    ),
    _media(
        9004,
        2207052,
        "Only photo or video can be accepted as media type.",
        "Media download has failed. The media URI doesn't meet our requirements.",
        "The media could not be fetched from this URI.",
    ),
    _media(
        9007,
        2207027,
        "Media ID is not available",
        "Cannot publish",
        "The media is not ready to be published. Please wait a moment.",
    ),
    _media(
        36000,
        2207004,
        "The image size is too large.",
        "Image size too large",
        "The image is too large to download. It should be less than 8 MiB.",
    ),
    _media(
        36001,
        2207005,
        "The image format is not supported.",
        "Unsupported image format",
        "The image format is not supported. Please check the limitations for this media type on"
        " the developer documentation.",
    ),
    _media(
        36003,
        2207009,
        "The aspect ratio is not supported.",
        "Invalid aspect ratio",
        "The submitted image with aspect ratio cannot be published.",
    ),
    _media(
        36004,
        2207010,
        "The caption was too long.",
        "Caption too long",
        "The submitted caption was too long. Please submit a shorter caption.",
    ),
    Refusal(10, "(#10) Application does not have permission for this action", status=403),
    Refusal(200, "(#200) Permissions error", status=403),
    Refusal(3, "(#3) Application does not have the capability to make this API call."),
    Refusal(803, "(#803) Some of the aliases you requested do not exist: unknown", status=404),
    _media(
        -1,
        2207086,
        "Fatal",
        "Metric not available",
        "The media was not shared to Facebook.",
    ),
    Refusal(36104, "(#36104) The field view_count is only for business discovery"),
    Refusal(2500, 'Syntax error "Expected name." at character 0'),
)
_TABLE = {(row.code, row.subcode): row for row in _ROWS}
ALL = tuple(_TABLE)
