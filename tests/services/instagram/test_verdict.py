"""The rules that turn a run of gallery-dl into an error, where the stand-in can't show them."""

import json

import pytest

from services.errors import (
    Checkpoint,
    GalleryDlFailed,
    NotFound,
    PostGone,
    RateLimited,
    SessionRefused,
    Unavailable,
    UpstreamChanged,
)
from services.instagram.verdict import Answer, Run, judge

LIST = "01_https_www.instagram.com_api_v1_feed_saved_posts_count_50.txt"


def run(body="", *, status="", code=4, name=LIST, stopped=""):
    log = f"error|instagram|HttpError: '{status}' for 'https://…'\n" if status else ""
    answers = (Answer(name, body if isinstance(body, str) else json.dumps(body)),)
    return Run(code, "debug|x|start\n" + log, answers, stopped)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (run({"message": "", "require_login": True}, status="401 Unauthorized"), SessionRefused),
        (run({"message": "Please wait a few minutes"}, status="401 Unauthorized"), RateLimited),
        (run({"message": "x", "error_type": "rate_limit_error"}, status="400 Bad"), RateLimited),
        (run({"message": "consent_required"}, status="400 Bad Request"), Checkpoint),
        (run("<html>", name="02_https_www.instagram.com_challenge_next_.txt"), Checkpoint),
        (run({"message": "odd"}, status="403 Forbidden"), UpstreamChanged),
        (run("", status="502 Bad Gateway"), Unavailable),
        (run({"status": "ok", "message": "login_required"}, code=1), UpstreamChanged),
        (run("[" * 100_000, code=1), UpstreamChanged),
        (run({"items": 1}, code=-11), GalleryDlFailed),
        (run({"items": 1}, code=None, stopped="did not end"), GalleryDlFailed),
        (Run(64, "error|gallery-dl|Unsupported URL", ()), GalleryDlFailed),
        (Run(0, "", ()), GalleryDlFailed),
        (Run(4, "error|instagram|HttpError: ProxyError: refused", ()), Unavailable),
    ],
)
def test_the_first_rule_that_fits_wins(seen, expected):
    assert type(judge(seen, single_post=False)) is expected


def test_a_missing_post_is_gone_and_a_missing_list_is_not_found():
    seen = run({"message": "Media not found or unavailable"}, status="400 Bad Request")
    assert type(judge(seen, single_post=True)) is PostGone
    assert type(judge(seen, single_post=False)) is NotFound


def test_failures_of_the_program_say_what_happened():
    assert "signal 11" in judge(run(code=-11), single_post=False).message
    stopped = run(code=None, stopped="did not end within 5 seconds")
    assert "did not end within 5 seconds" in judge(stopped, single_post=False).message


def test_requests_are_counted_without_scripts_and_with_lost_answers():
    names = (
        "01_https_www.instagram.com_.txt",
        "02_https_static.cdninstagram.com_rsrc.php_v4_x.js.txt",
        "03_https_www.instagram.com_api_graphql.txt",
    )
    answers = tuple(Answer(name, "") for name in names)
    assert Run(0, "", answers).requests() == 2
    assert Run(None, "", answers, "did not end").requests() == 3
    assert Run(-9, "", ()).requests() == 1
    assert Run(4, "error|instagram|HttpError: ReadTimeout", ()).requests() == 1
    assert Run(64, "error|gallery-dl|Unsupported URL", ()).requests() == 0
