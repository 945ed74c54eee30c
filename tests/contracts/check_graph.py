# ruff: noqa: T201 - its self-test and its commands print
"""Check one request to, or one answer of, Meta's Graph API against graph.json; no dependencies.

As a library (tests, the sandbox; put this folder on the import path):
    from check_graph import check_request, check_response, classify, endpoints_for
    assert check_request("POST /{ig-user-id}/media_publish", {"creation_id": "178"}) == []
As a command (JSON may be @FILE or - for standard input; exit status 1 when something is wrong):
    python check_graph.py endpoints [METHOD URL]
    python check_graph.py request "POST /{ig-user-id}/media_publish" '{"creation_id": "178"}'
    python check_graph.py response "GET /{ig-container-id}" '{"id": "1", "status_code": "FINISHED"}'
    python check_graph.py classify '{"code": 190, "error_subcode": 463}'
    python check_graph.py selftest      (45 cases, all good when this was written)
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

CONTRACT = json.loads(Path(__file__).with_name("graph.json").read_text("utf-8"))
ENDPOINTS = {name: entry for name, entry in CONTRACT.items() if not name.startswith("_")}
TYPES = CONTRACT["_types"]
FACEBOOK, INSTAGRAM = "graph.facebook.com", "graph.instagram.com"
MAX_WINDOW = 2_592_000  # seconds between since and until
INTEGER = re.compile(r"-?\d+")
ANSWER_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}")


# ---------------------------------------------------------------------- requests


def check_request(endpoint: str, params: dict, host: str = FACEBOOK) -> list[str]:
    """What is wrong with these parameters; an empty list means nothing is."""
    entry = ENDPOINTS[endpoint]
    known = {**CONTRACT["_common_params"], **entry["params"]}
    problems = []
    if host not in entry["hosts"]:
        problems.append(f"{host} does not serve {endpoint}")
    for name, value in params.items():
        if name not in known:
            problems.append(f"unknown parameter {name!r}")
        elif not _fits_on_the_wire(value, known[name]):
            wanted = f"{known[name]['type']} {known[name].get('enum', '')}"[:120]
            problems.append(f"{name}={value!r} is not {wanted}")
    for name, rule in entry["params"].items():
        if rule["required"] and name not in params:
            problems.append(f"missing {name}")
    if endpoint == "POST /{ig-user-id}/media":
        problems += _check_new_container(entry, params, host)
    elif endpoint == "GET /{ig-user-id}/insights":
        problems += _check_account_insights(params)
    elif endpoint == "GET /{ig-media-id}/insights":
        problems += _check_media_insights(params, host)
    if host == INSTAGRAM and "business_discovery" in str(params.get("fields", "")):
        problems.append("business_discovery is Facebook-login only")
    return problems


def request_warnings(endpoint: str, params: dict) -> list[str]:
    """Parameters that are accepted but do nothing."""
    rules = ENDPOINTS[endpoint].get("rules", {}).get(params.get("media_type"), {})
    return [
        f"{name} is ignored for {params['media_type']}"
        for name in rules.get("ignored", [])
        if name in params
    ]


def _fits_on_the_wire(value: object, rule: dict) -> bool:
    """Request values are text on the wire, or JSON."""
    kind = rule["type"]
    text = value if isinstance(value, str) else json.dumps(value)
    if kind in ("int", "unsigned int"):
        return bool(INTEGER.fullmatch(text)) and not (kind[0] == "u" and text[0] == "-")
    if kind == "bool":
        return text.lower() in ("true", "false", "1", "0")
    if kind == "datetime":
        return bool(INTEGER.fullmatch(text)) or isinstance(value, str)
    if "pattern" in rule:
        return bool(re.fullmatch(rule["pattern"], text))
    if "enum" in rule:
        if kind == "csv" and re.search("[{(]", text):
            return True  # a nested field expression is not taken apart
        is_list = kind == "csv" or kind.startswith("list")
        values = text.strip("[]").replace('"', "").split(",") if is_list else [text]
        return all(one.strip() in rule["enum"] for one in values if one.strip())
    return True


def _check_new_container(entry: dict, params: dict, host: str) -> list[str]:
    problems = []
    media_type = params.get("media_type")
    if media_type == "STORIES":
        rules = entry["rules"]["STORIES"]
        sources = rules["exactly_one_of"]
        if sum(name in params for name in sources) != 1:
            problems.append("STORIES needs exactly one of " + ", ".join(sources))
        problems += [f"{name} is not for STORIES" for name in rules["forbidden"] if name in params]
    if params.get("upload_type") == "resumable":
        rules = entry["rules"]["upload_type=resumable"]
        if host not in rules["hosts"]:
            problems.append("resumable upload is Facebook-login only")
        if media_type not in rules["media_type"]:
            problems.append(f"no resumable upload for media_type {media_type}")
    for name in ("image_url", "video_url"):
        url = params.get(name)
        if url is not None and not (url.startswith("https://") and url.isascii()):
            problems.append(f"{name} must be an ASCII https URL")
    return problems


def _check_account_insights(params: dict) -> list[str]:
    problems = []
    period, breakdown = params.get("period"), params.get("breakdown")
    for metric in str(params.get("metric", "")).split(","):
        rule = CONTRACT["_insights_user"].get(metric)
        if rule is None:
            problems.append(f"metric {metric!r} is not in the matrix")
            continue
        if "removed" in rule:
            problems.append(f"metric {metric} was removed: {rule['removed']}")
            continue
        periods = rule["period"] + rule.get("period_live", [])
        if period not in periods:
            problems.append(f"{metric}: period {period} is not in {periods}")
        metric_type = params.get("metric_type") or rule.get("default_metric_type")
        if metric_type not in rule["metric_type"]:
            problems.append(
                f"(#100) The following metrics ({metric}) should be specified with parameter "
                f"metric_type={rule['metric_type'][0]}"
            )
        if breakdown and (breakdown not in rule["breakdown"] or metric_type != "total_value"):
            problems.append(f"(#100) Incompatible breakdowns ({breakdown}) for metric ({metric})")
        frames = rule.get("timeframe")
        if frames and params.get("timeframe") not in frames:
            problems.append(f"{metric}: timeframe {params.get('timeframe')} is not in {frames}")
    times = [str(params.get(name, "")) for name in ("since", "until")]
    if all(INTEGER.fullmatch(one) for one in times) and int(times[1]) - int(times[0]) > MAX_WINDOW:
        problems.append(
            "(#100) There cannot be more than 30 days (2592000 s) between since and until"
        )
    return problems


def _check_media_insights(params: dict, host: str) -> list[str]:
    problems = []
    for metric in str(params.get("metric", "")).split(","):
        rule = CONTRACT["_insights_media"].get(metric)
        if rule is None:
            problems.append(f"metric {metric!r} is not in the matrix")
        elif host not in rule.get("hosts", [host]):
            problems.append(f"{metric} is not served by {host}")
        elif params.get("breakdown") and params["breakdown"] not in rule.get("breakdown", []):
            problems.append(
                f"(#100) Incompatible breakdowns ({params['breakdown']}) for metric ({metric})"
            )
    return problems


# ---------------------------------------------------------------------- answers


def check_response(endpoint: str, body: dict, status: int = 200) -> list[str]:
    """What is wrong with this answer; an empty list means nothing is."""
    entry = ENDPOINTS[endpoint]
    if "error_shape" in entry and "error_message" in body:
        return _check_object(body, entry["error_shape"], "error")
    if "error" in body:
        problems = _check_object(body["error"], TYPES["Error"], "error")
        for name in ("message", "type", "code"):
            if name not in body["error"]:
                problems.append(f"error lacks {name}")
        if status == 200:
            problems.append("an error came with HTTP 200")
        return problems
    problems = _check_object(body, entry["returns"], endpoint)
    for name, values in entry.get("returns_enum", {}).items():
        if name in body and body[name] not in values:
            problems.append(f"{name}={body[name]!r} is not in {values}")
    return problems


def _check_object(value: object, fields: dict, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: {value!r} is not an object"]
    problems = []
    for name, item in value.items():
        if name not in fields:
            problems.append(f"{where}: unknown field {name!r}")
        elif item is not None:
            problems += _check_value(item, fields[name], f"{where}.{name}")
    return problems


def _check_value(value: object, kind: str, where: str) -> list[str]:
    if "|" in kind:
        choices = [_check_value(value, one, where) for one in kind.split("|")]
        return [] if [] in choices else choices[0]
    if kind.startswith("list<"):
        if not isinstance(value, list):
            return [f"{where}: {value!r} is not a list"]
        problems = []
        for number, item in enumerate(value):
            problems += _check_value(item, kind[5:-1], f"{where}[{number}]")
        return problems
    if kind in TYPES:
        return _check_object(value, TYPES[kind], where)
    return [] if _is_scalar(value, kind) else [f"{where}: {value!r} is not {kind}"]


def _is_scalar(value: object, kind: str) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "numeric_string":
        return isinstance(value, str) and value.isdigit()
    if kind == "bool":
        return isinstance(value, bool)
    if kind in ("int", "unsigned int"):
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind == "datetime":
        return isinstance(value, str) and bool(ANSWER_TIME.fullmatch(value))
    return True  # Object, map, and types that the contract does not model


# ---------------------------------------------------------------------- errors and URLs


def classify(error: dict) -> str:
    """The action for an error object (see _meta.actions), most specific rule first."""
    code, subcode = error.get("code"), error.get("error_subcode")
    if code == 10 and "Not enough viewers" in error.get("message", ""):
        return "skip_metric"
    wanted = [(code, subcode), (None, subcode), (code, None)]
    for pair in wanted:
        for rule in CONTRACT["_errors"]:
            if pair != (None, None) and (rule["code"], rule["subcode"]) == pair:
                return rule["action"]
    if isinstance(code, int) and 200 <= code <= 299:
        return "reauth_or_scope"
    return "retry" if error.get("is_transient") else "manual"


def endpoints_for(method: str, url: str) -> list[str]:
    """Endpoints that a URL may mean; node reads (/{id}) cannot be told apart by their URL."""
    parts = urlsplit(url)
    path = re.sub(r"/v\d+\.\d+(?=/)", "", parts.path.rstrip("/"), count=1)
    exact, templates = [], []
    for name, entry in ENDPOINTS.items():
        if entry["method"] != method.upper() or parts.netloc not in entry["hosts"]:
            continue
        template = entry.get("path") or name.split(" ", 1)[1]
        template = template.removeprefix(parts.netloc).replace("/{version}", "")
        pattern = re.sub(r"\\{[^/]*?\\}", r"\\d+", re.escape(template.split("#")[0]))
        if re.fullmatch(pattern, path):
            (templates if "{" in template else exact).append(name)
    return exact or templates


# ---------------------------------------------------------------------- self test, command

STORY = {"media_type": "STORIES", "image_url": "https://x.example/a.jpg", "access_token": "T"}
DAY = {"period": "day"}
TOTAL = {**DAY, "metric_type": "total_value"}
BREAKDOWNS = [
    {
        "dimension_keys": ["media_product_type"],
        "results": [{"dimension_values": ["POST"], "value": 124}],
    }
]
INSIGHT = {
    "name": "reach",
    "period": "day",
    "title": "Reach",
    "description": "",
    "id": "1/insights/reach/day",
}
TOO_LARGE = {
    "message": "The image size is too large.",
    "type": "OAuthException",
    "code": 36000,
    "error_subcode": 2207004,
    "is_transient": False,
    "fbtrace_id": "A",
}
VIDEO_STATUS = {
    "uploading_phase": {"status": "complete", "bytes_transferred": 37006904},
    "processing_phase": {"status": "complete"},
}
DISCOVERED = {
    "followers_count": 267788,
    "media_count": 1205,
    "media": {
        "data": [{"comments_count": 50, "like_count": 5837, "view_count": 7757, "id": "1"}],
        "paging": {"cursors": {"after": "Q"}},
    },
    "id": "1",
}
REQUESTS = [  # good?, endpoint, parameters, host
    (True, "POST /{ig-user-id}/media", STORY, INSTAGRAM),
    (True, "POST /{ig-user-id}/media", {**STORY, "caption": "ignored"}, FACEBOOK),
    (False, "POST /{ig-user-id}/media", {**STORY, "alt_text": "x"}, FACEBOOK),
    (False, "POST /{ig-user-id}/media", {**STORY, "image_url": "http://x/a.jpg"}, FACEBOOK),
    (False, "POST /{ig-user-id}/media", {"media_type": "STORY"}, FACEBOOK),
    (
        False,
        "POST /{ig-user-id}/media",
        {"media_type": "STORIES", "upload_type": "resumable"},
        INSTAGRAM,
    ),
    (True, "POST /{ig-user-id}/media_publish", {"creation_id": "17889455560051444"}, FACEBOOK),
    (False, "POST /{ig-user-id}/media_publish", {}, FACEBOOK),
    (True, "GET /{ig-user-id}/insights", {**DAY, "metric": "reach"}, FACEBOOK),
    (False, "GET /{ig-user-id}/insights", {**DAY, "metric": "profile_views"}, FACEBOOK),
    (
        True,
        "GET /{ig-user-id}/insights",
        {**TOTAL, "metric": "profile_views,accounts_engaged"},
        FACEBOOK,
    ),
    (False, "GET /{ig-user-id}/insights", {**DAY, "metric": "impressions"}, FACEBOOK),
    (
        False,
        "GET /{ig-user-id}/insights",
        {**DAY, "metric": "follower_count", "since": "0", "until": "2592001"},
        FACEBOOK,
    ),
    (True, "GET /{ig-media-id}/insights", {"metric": "navigation"}, INSTAGRAM),
    (False, "GET /{ig-media-id}/insights", {"metric": "link_clicks"}, INSTAGRAM),
    (
        True,
        "GET /{ig-user-id}",
        {"fields": "business_discovery.username(x){followers_count,media{comments_count}}"},
        FACEBOOK,
    ),
]
ANSWERS = [  # good?, endpoint, body, status
    (True, "GET /{ig-container-id}", {"status_code": "FINISHED", "id": "178"}, 200),
    (
        True,
        "GET /{ig-container-id}",
        {"status_code": "PUBLISHED", "id": "1", "video_status": VIDEO_STATUS},
        200,
    ),
    (False, "GET /{ig-container-id}", {"status_code": "READY", "id": "1"}, 200),
    (
        True,
        "GET /{ig-user-id}/content_publishing_limit",
        {"data": [{"quota_usage": 2, "config": {"quota_total": 50, "quota_duration": 86400}}]},
        200,
    ),
    (
        True,
        "GET /{ig-user-id}/insights",
        {"data": [{**INSIGHT, "total_value": {"value": 224, "breakdowns": BREAKDOWNS}}]},
        200,
    ),
    (
        True,
        "GET /{ig-user-id}/insights",
        {"data": [{**INSIGHT, "values": [{"value": 1, "end_time": "2026-01-11T08:00:00+0000"}]}]},
        200,
    ),
    (
        False,
        "GET /{ig-user-id}/insights",
        {"data": [{**INSIGHT, "values": [{"value": 1, "end_time": "2026-01-11T08:00:00Z"}]}]},
        200,
    ),
    (True, "GET /me", {"user_id": "17841405822304914", "username": "u", "id": "1020"}, 200),
    (True, "GET /{ig-user-id}", {"business_discovery": DISCOVERED, "id": "2"}, 200),
    (True, "GET /{ig-media-id}", {"id": "1", "children": {"data": [{"id": "2"}]}}, 200),
    (True, "POST /{ig-user-id}/media", {"error": TOO_LARGE}, 400),
    (False, "POST /{ig-user-id}/media", {"error": TOO_LARGE}, 200),
    (
        True,
        "POST api.instagram.com/oauth/access_token",
        {"error_type": "OAuthException", "code": 400, "error_message": "Invalid code"},
        400,
    ),
]
ACTIONS = [
    ("reauth", {"code": 190, "error_subcode": 463}),
    ("manual", {"code": 4, "error_subcode": 2207051}),
    ("backoff", {"code": 4}),
    ("skip_metric", {"code": 10, "message": "(#10) Not enough viewers for the media"}),
    ("wait_and_retry_same", {"code": 9007, "error_subcode": 2207027}),
    ("unknown_state", {"code": 100, "error_subcode": 33}),
    ("give_up_media", {"error_subcode": 2207076}),
    ("reauth_or_scope", {"code": 275}),
    ("retry", {"code": 99, "is_transient": True}),
    ("manual", {}),
]
URLS = [
    ("POST", f"https://{FACEBOOK}/v25.0/178/media", ["POST /{ig-user-id}/media"]),
    ("GET", f"https://{INSTAGRAM}/v25.0/me?fields=user_id", ["GET /me"]),
    ("GET", f"https://{INSTAGRAM}/refresh_access_token?x=1", ["GET /refresh_access_token"]),
    (
        "GET",
        f"https://{FACEBOOK}/v25.0/178",
        ["GET /{ig-container-id}", "GET /{ig-media-id}", "GET /{ig-user-id}"],
    ),
    (
        "GET",
        f"https://{FACEBOOK}/v25.0/oauth/access_token",
        ["GET /oauth/access_token#code", "GET /oauth/access_token#fb_exchange_token"],
    ),
    (
        "POST",
        "https://rupload.facebook.com/ig-api-upload/v25.0/178",
        ["POST rupload.facebook.com/ig-api-upload/{version}/{ig-container-id}"],
    ),
]


def selftest() -> list[str]:
    wrong = []
    for good, endpoint, params, host in REQUESTS:
        if (check_request(endpoint, params, host) == []) is not good:
            wrong.append(f"request {endpoint} {params}: {check_request(endpoint, params, host)}")
    for good, endpoint, body, status in ANSWERS:
        if (check_response(endpoint, body, status) == []) is not good:
            wrong.append(f"answer {endpoint} {body}: {check_response(endpoint, body, status)}")
    wrong += [
        f"{error}: {classify(error)}" for action, error in ACTIONS if classify(error) != action
    ]
    wrong += [
        f"{url}: {endpoints_for(method, url)}"
        for method, url, names in URLS
        if sorted(endpoints_for(method, url)) != names
    ]
    return wrong


def _read_json(text: str) -> dict:
    if text == "-":
        text = sys.stdin.read()
    elif text.startswith("@"):
        text = Path(text[1:]).read_text("utf-8")
    return json.loads(text)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("endpoints")
    listing.add_argument("method", nargs="?")
    listing.add_argument("url", nargs="?")
    for name in ("request", "response"):
        one = commands.add_parser(name)
        one.add_argument("endpoint", choices=ENDPOINTS, metavar="ENDPOINT")
        one.add_argument("json")
        one.add_argument("--host", default=FACEBOOK)
        one.add_argument("--status", type=int, default=200)
    commands.add_parser("classify").add_argument("json")
    commands.add_parser("selftest")
    arguments = parser.parse_args()
    if arguments.command == "endpoints":
        names = endpoints_for(arguments.method, arguments.url) if arguments.url else ENDPOINTS
        print(*names, sep="\n")
        return 0
    if arguments.command == "classify":
        action = classify(_read_json(arguments.json))
        print(f"{action}: {CONTRACT['_meta']['actions'][action]}")
        return 0
    if arguments.command == "selftest":
        problems = selftest()
    elif arguments.command == "request":
        params = _read_json(arguments.json)
        problems = check_request(arguments.endpoint, params, arguments.host)
        for warning in request_warnings(arguments.endpoint, params):
            print("warning:", warning)
    else:
        problems = check_response(arguments.endpoint, _read_json(arguments.json), arguments.status)
    print(*(problems or ["ok"]), sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
