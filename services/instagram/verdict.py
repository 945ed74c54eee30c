"""What one run of gallery-dl means: which error of the tree, and how many requests it cost.

Pure. Used by the gallery-dl adapter only. The rules were measured with gallery-dl 1.32.18: its exit
code alone says little, the body of the answer and the address it ended at say the rest.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from services.errors import (
    Checkpoint,
    GalleryDlFailed,
    InstagramError,
    NotFound,
    PostGone,
    RateLimited,
    SessionRefused,
    Unavailable,
    UpstreamChanged,
)

_HTTP_STATUS = re.compile(r"HttpError: '(\d{3}) ")
_NO_ANSWER = re.compile(r"HttpError: (?!')")
_INSTAGRAM = re.compile(r"\d+_https_(?:www|i)\.instagram\.com(?:_|\.txt$)")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as gallery-dl wrote it down; `name` holds the address that it came from."""

    name: str
    body: str

    def content(self) -> Any:
        """The JSON in it, or None."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `exit_code`: negative for a signal, None if it had to be stopped.

    `stopped`: why we stopped it. `log`: lines "level|logger|text".
    """

    exit_code: int | None
    log: str
    answers: tuple[Answer, ...]
    stopped: str = ""

    def last(self) -> Answer:
        return self.answers[-1] if self.answers else Answer("", "")

    def errors(self) -> str:
        return "\n".join(line for line in self.log.splitlines() if line.startswith("error|"))

    def requests(self) -> int:
        """Requests that Instagram's application saw; scripts and files from its CDN don't count.

        A request whose answer never came counts too: it may have arrived.
        """
        answered = sum(bool(_INSTAGRAM.match(answer.name)) for answer in self.answers)
        lost = self.exit_code is None or self.exit_code < 0 or _NO_ANSWER.search(self.errors())
        return answered + bool(lost)


def judge(run: Run, *, single_post: bool) -> InstagramError:
    """The error of a run that brought no posts; the first rule that fits wins."""
    name, errors, said = run.last().name, run.errors(), _said(run.last())
    status = int(match[1]) if (match := _HTTP_STATUS.search(errors)) else 0
    if "redirect to login page" in errors or "_accounts_login_" in name or "login_required" in said:
        return SessionRefused()
    if "redirect to challenge page" in errors or "_challenge_" in name or "auth_platform" in name:
        return Checkpoint()
    stops = ("checkpoint_required", "challenge_required", "consent_required")
    if any(words in said for words in stops):
        return Checkpoint()
    if "please wait a few minutes" in said or "feedback_required" in said or status == 429:
        return RateLimited()
    if "rate_limit_error" in said or "rate limited" in said:
        return RateLimited()
    if status == 401:
        return SessionRefused()
    if status == 404 or "not found or unavailable" in said:
        return PostGone() if single_post else NotFound()
    if status >= 500 or _NO_ANSWER.search(errors):
        return Unavailable()
    if run.exit_code is None:
        return GalleryDlFailed(f"gallery-dl, the program that reads Instagram, {run.stopped}.")
    if run.exit_code < 0:
        return GalleryDlFailed(
            f"gallery-dl, the program that reads Instagram, was killed (signal {-run.exit_code})."
        )
    if not run.answers:
        return GalleryDlFailed()
    return UpstreamChanged()


def _said(answer: Answer) -> str:
    """Instagram's own words in a refusal, in lower case; "" if it is not one of its refusals."""
    content = answer.content()
    if not isinstance(content, dict) or content.get("status") == "ok":
        return ""
    return f"{content.get('message')} {content.get('error_type')}".lower()
