"""What Meta serves: each call with its method, hosts, path and parameters; and the check of one.

`server` finds the call of a request here and has its parameters checked before anything happens.
Stricter than Meta in one thing: it ignores parameters that it does not know, this refuses them.
Sources: Meta's API specification and reference pages, v25.0 (2026-09).
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.graph.refusals import Refused, documented, invalid, missing, unknown_path

FACEBOOK, INSTAGRAM = "graph.facebook.com", "graph.instagram.com"
LOG_IN, UPLOADS = "api.instagram.com", "rupload.facebook.com"
FACEBOOK_DIALOG, INSTAGRAM_DIALOG = "www.facebook.com", "www.instagram.com"
HOSTS = (FACEBOOK, INSTAGRAM, LOG_IN, UPLOADS, FACEBOOK_DIALOG, INSTAGRAM_DIALOG)
BOTH = (FACEBOOK, INSTAGRAM)
VERSIONS = ("v21.0", "v22.0", "v23.0", "v24.0", "v25.0", "v26.0")  # alive in November 2026
INTEGER = re.compile(r"[0-9]{1,20}")
TIME = re.compile(r"[0-9]{1,10}")  # unix seconds, up to the year 2286


class Call(enum.Enum):
    """The kinds of requests, by which they are counted and can be disturbed."""

    CREATE = "POST /{ig-user-id}/media"
    NODE = "GET /{id}"  # of nothing that is there; what is there is one of the next three
    ACCOUNT = "GET /{ig-user-id}"
    CONTAINER = "GET /{ig-container-id}"
    MEDIA = "GET /{ig-media-id}"
    PUBLISH = "POST /{ig-user-id}/media_publish"
    LIMIT = "GET /{ig-user-id}/content_publishing_limit"
    STORIES = "GET /{ig-user-id}/stories"
    MEDIA_LIST = "GET /{ig-user-id}/media"
    DELETE = "DELETE /{ig-media-id}"
    UPLOAD = "POST /ig-api-upload/{version}/{ig-container-id}"
    ME = "GET /me"
    PAGES = "GET /me/accounts"
    MEDIA_INSIGHTS = "GET /{ig-media-id}/insights"
    ACCOUNT_INSIGHTS = "GET /{ig-user-id}/insights"  # the same path, of an account
    INSPECT = "GET /debug_token"
    FACEBOOK_TOKEN = "GET /oauth/access_token"  # noqa: S105 - a path
    INSTAGRAM_CODE = "POST /oauth/access_token"
    INSTAGRAM_EXCHANGE = "GET /access_token"
    INSTAGRAM_REFRESH = "GET /refresh_access_token"
    FACEBOOK_DIALOG = "/dialog/oauth"
    INSTAGRAM_DIALOG = "/oauth/authorize"


class Type(enum.Enum):
    TEXT = "string"
    NUMBER = "unsigned int"
    BOOL = "bool"
    TIME = "unix time"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Param:
    type: Type = Type.TEXT
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """`path` without a version; `scopes` by host; `token`: whether one has to come along."""

    method: str
    hosts: tuple[str, ...]
    path: str
    params: Mapping[str, Param] = field(default_factory=dict)
    scopes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    versioned: bool = True
    token: bool = True


def _need(*names: str) -> dict[str, Param]:
    return {name: Param(required=True) for name in names}


READS = {
    FACEBOOK: frozenset({"instagram_basic", "pages_read_engagement"}),
    INSTAGRAM: frozenset({"instagram_business_basic"}),
}
PUBLISHES = {
    FACEBOOK: READS[FACEBOOK] | {"instagram_content_publish"},
    INSTAGRAM: READS[INSTAGRAM] | {"instagram_business_content_publish"},
}
MEASURES = {
    FACEBOOK: READS[FACEBOOK] | {"instagram_manage_insights"},
    INSTAGRAM: READS[INSTAGRAM] | {"instagram_business_manage_insights"},
}
COMMON = {
    "access_token": Param(),
    "appsecret_proof": Param(),
    "fields": Param(),
    "limit": Param(Type.NUMBER),
    "after": Param(),
    "before": Param(),
    "locale": Param(),
    "summary": Param(),
}
NEW_MEDIA = {
    **{
        name: Param()
        for name in [
            "alt_text",
            "audio_name",
            "caption",
            "cover_url",
            "image_url",
            "location_id",
            "thumb_offset",
            "trial_params",
            "video_url",
        ]
    },
    **{
        name: Param(Type.LIST)
        for name in ["children", "collaborators", "product_tags", "user_tags"]
    },
    **{
        name: Param(Type.BOOL)
        for name in ("is_carousel_item", "share_to_feed", "is_ai_generated", "is_paid_partnership")
    },
    "branded_content_sponsor_ids": Param(Type.LIST),
    "media_type": Param(choices=("CAROUSEL", "REELS", "STORIES", "VIDEO", "IMAGE")),
    "upload_type": Param(choices=("resumable",)),
}
TIMEFRAMES = (
    *("last_14_days", "last_30_days", "last_90_days"),
    *("prev_month", "this_month", "this_week"),
)
DIALOG = {
    **_need("client_id", "redirect_uri", "response_type"),
    "scope": Param(),
    "state": Param(),
    "force_reauth": Param(),
    "enable_fb_login": Param(),
    "config_id": Param(),
    "auth_type": Param(),
}
RULES = {
    Call.CREATE: Rule("POST", BOTH, "/{id}/media", NEW_MEDIA, PUBLISHES),
    Call.PUBLISH: Rule(
        "POST",
        BOTH,
        "/{id}/media_publish",
        {"creation_id": Param(Type.NUMBER, required=True)},
        PUBLISHES,
    ),
    Call.LIMIT: Rule(
        "GET", BOTH, "/{id}/content_publishing_limit", {"since": Param(Type.TIME)}, PUBLISHES
    ),
    Call.STORIES: Rule("GET", BOTH, "/{id}/stories", {}, READS),
    Call.MEDIA_LIST: Rule(
        "GET", BOTH, "/{id}/media", {"since": Param(Type.TIME), "until": Param(Type.TIME)}, READS
    ),
    Call.MEDIA_INSIGHTS: Rule(
        "GET",
        BOTH,
        "/{id}/insights",
        {
            "metric": Param(Type.LIST, required=True),
            "period": Param(Type.LIST),
            "breakdown": Param(Type.LIST),
        },
        MEASURES,
    ),
    Call.ACCOUNT_INSIGHTS: Rule(  # never found by its path: the one above comes first
        "GET",
        BOTH,
        "/{id}/insights",
        {
            "metric": Param(Type.LIST, required=True),
            "period": Param(Type.LIST, required=True),
            "metric_type": Param(choices=("default", "time_series", "total_value")),
            "breakdown": Param(Type.LIST),
            "timeframe": Param(choices=TIMEFRAMES),
            "since": Param(Type.TIME),
            "until": Param(Type.TIME),
        },
        MEASURES,
    ),
    Call.DELETE: Rule(
        "DELETE", (FACEBOOK,), "/{id}", {}, {FACEBOOK: frozenset({"instagram_manage_contents"})}
    ),
    Call.ME: Rule("GET", BOTH, "/me"),
    Call.PAGES: Rule(
        "GET",
        (FACEBOOK,),
        "/me/accounts",
        {name: Param() for name in ("ad_id", "is_place", "is_promotable")},
    ),
    Call.INSPECT: Rule("GET", (FACEBOOK,), "/debug_token", _need("input_token"), token=False),
    Call.FACEBOOK_TOKEN: Rule(
        "GET",
        (FACEBOOK,),
        "/oauth/access_token",
        {
            **_need("client_id", "client_secret"),
            "grant_type": Param(choices=("fb_exchange_token",)),
            "redirect_uri": Param(),
            "code": Param(),
            "fb_exchange_token": Param(),
        },
        token=False,
    ),
    Call.INSTAGRAM_CODE: Rule(
        "POST",
        (LOG_IN,),
        "/oauth/access_token",
        {
            **_need("client_id", "client_secret", "redirect_uri", "code"),
            "grant_type": Param(required=True, choices=("authorization_code",)),
        },
        versioned=False,
        token=False,
    ),
    Call.INSTAGRAM_EXCHANGE: Rule(
        "GET",
        (INSTAGRAM,),
        "/access_token",
        {
            **_need("client_secret"),
            "client_id": Param(),
            "grant_type": Param(required=True, choices=("ig_exchange_token",)),
        },
        versioned=False,
    ),
    Call.INSTAGRAM_REFRESH: Rule(
        "GET",
        (INSTAGRAM,),
        "/refresh_access_token",
        {"grant_type": Param(required=True, choices=("ig_refresh_token",))},
        {INSTAGRAM: READS[INSTAGRAM]},
        versioned=False,
    ),
    Call.UPLOAD: Rule("POST", (UPLOADS,), "/ig-api-upload/{version}/{id}", {}, versioned=False),
    Call.FACEBOOK_DIALOG: Rule("*", (FACEBOOK_DIALOG,), "/dialog/oauth", DIALOG, token=False),
    Call.INSTAGRAM_DIALOG: Rule(
        "*", (INSTAGRAM_DIALOG,), "/oauth/authorize", DIALOG, versioned=False, token=False
    ),
    Call.NODE: Rule("GET", BOTH, "/{id}", {}, READS),  # last: "me" is no id
}


@dataclass(frozen=True, slots=True)
class Found:
    """`id`: of the node in the path, "" where there is none."""

    call: Call
    id: str


def find(method: str, host: str, path: str) -> Found:
    """`path` begins with the version, where one belongs. Errors: Refused with 2500."""
    version, _, tail = path.removeprefix("/").partition("/")
    has_version = bool(re.fullmatch(r"v\d+\.\d+", version))
    if has_version and version not in VERSIONS:
        raise unknown_path(path)
    bare = f"/{tail}" if has_version else path
    for call, rule in RULES.items():
        if host not in rule.hosts or rule.versioned is not has_version:
            continue
        if rule.method not in (method, "*"):
            continue
        if (found := _match(rule.path, bare)) is not None:
            return Found(call, found)
    raise unknown_path(path)


def _match(template: str, path: str) -> str | None:
    pattern = re.escape(template).replace(r"\{id\}", "(?P<id>[^/]+)")
    pattern = pattern.replace(r"\{version\}", f"(?:{'|'.join(map(re.escape, VERSIONS))})")
    found = re.fullmatch(pattern, path)
    return None if found is None else found.groupdict().get("id", "")


# ------------------------------------------------------------------ parameters


def check(call: Call, host: str, params: Mapping[str, str]) -> None:
    """Errors: Refused with 100 for the first parameter that is unknown, missing or wrong."""
    rule = RULES[call]
    known = rule.params if RULES[call].hosts[0] not in BOTH else {**COMMON, **rule.params}
    for name, value in params.items():
        if name not in known:
            raise invalid(f"Unexpected parameter: {name}")
        _check_value(name, value, known[name])
    for name, param in rule.params.items():
        if param.required and not params.get(name):
            raise missing(name)
    if call is Call.CREATE:
        _check_new_media(params, host)


def _check_value(name: str, value: str, param: Param) -> None:
    if param.choices and value not in param.choices:
        raise invalid(f"Param {name} must be one of {{{', '.join(param.choices)}}}")
    if param.type is Type.NUMBER and not INTEGER.fullmatch(value):
        raise invalid(f"Param {name} must be an unsigned integer")
    if param.type is Type.TIME and not TIME.fullmatch(value):
        raise invalid(f"Param {name} must be a unix timestamp")
    if param.type is Type.BOOL and value.lower() not in ("true", "false", "1", "0"):
        raise invalid(f"Param {name} must be a boolean")
    if param.type is Type.LIST and value[:1] == "[":
        try:
            json.loads(value)
        except ValueError:
            raise invalid(f"Param {name} must be an array.") from None


STORY_SOURCES = ("image_url", "video_url", "upload_type")
NOT_FOR_STORIES = [
    "collaborators",
    "alt_text",
    "location_id",
    "children",
    "cover_url",
    "audio_name",
    "share_to_feed",
    "thumb_offset",
    "trial_params",
    "product_tags",
    "is_carousel_item",
]


def _check_new_media(params: Mapping[str, str], host: str) -> None:
    """Of this stand-in's stories only; feed posts and reels are not published through it."""
    if params.get("media_type") != "STORIES":
        raise Refused(documented(100, 2207023))
    for name in NOT_FOR_STORIES:
        if name in params:
            raise invalid(f"The parameter {name} is not supported for stories")
    sources = [name for name in STORY_SOURCES if params.get(name)]
    if not sources:
        raise missing("image_url")
    if len(sources) > 1:
        raise invalid(f"Only one of {', '.join(STORY_SOURCES)} can be given")
    if "upload_type" in params and host != FACEBOOK:
        raise invalid("The parameter upload_type is not supported")
