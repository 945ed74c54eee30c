"""The map of Meta's errors: which refusal is which error of the tree, and what a publication does.

Pure. The client judges every answer with it; the publishing state machine asks for the outcome.
Codes: Meta's pages "Error codes" (2026-06-02) and public reports of what is not on them. Whoever
adds a rule adds its row to the contract of the tests, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.errors import (
    ContainerFailed,
    ContainerInDoubt,
    ContainerNotReady,
    MediaNotFetched,
    MediaUnfit,
    MetaChanged,
    MetaError,
    MetaNotFound,
    MetaRateLimited,
    MetaSaid,
    MetaUnavailable,
    NotMeasured,
    PermissionMissing,
    PublishingBlocked,
    QuotaUsed,
    RequestRefused,
    TokenRefused,
)
from services.graph.reading import Fields

_ONCE = {None, 2207077, 2207082}  # subcodes; None: for no reason that Meta told
_LONGEST_TEXT = 300
_LONGEST_READ = 2000  # before tokens are taken out
_PROOF = "appsecret_proof"  # wrong, or missing where the app's settings require it
_NOT_ENOUGH_VIEWERS = "not enough viewers"
# Meta repeats what it was sent: "Malformed access token EAAB…". Names of metrics have no capitals.
_TOKEN = re.compile(r"(?=[\w|-]*[0-9A-Z])[\w|-]{20,}")
_STATUS_SUBCODE = re.compile(r"\b(2207\d{3})\b")


class Outcome(StrEnum):
    """What a publication does after an error.

    One law is above all of them: once `media_publish` was asked for, the container's status is
    read before anything else is done, whatever the answer was. The outcome then says when, and how
    it goes on if the story is not live.
    """

    RETRY = "retry"  # the same call again, with growing pauses
    WAIT = "wait"  # no call before MetaRateLimited.until; QuotaUsed: until quota() has room
    REAUTHORISE = "reauthorise"  # a person logs in again; the story keeps its container and waits
    READ_CONTAINER = "read_container"  # its status decides; a FINISHED one is published again
    NEW_CONTAINER = "new_container"  # this one is dead: another, `new_containers()` times at most
    MANUAL = "manual"  # a person posts it
    NONE = "none"  # not about publishing: the figure or the object is not there


_OUTCOMES: dict[type[MetaError], Outcome] = {
    MetaUnavailable: Outcome.RETRY,
    MetaChanged: Outcome.RETRY,
    MetaRateLimited: Outcome.WAIT,
    QuotaUsed: Outcome.WAIT,
    TokenRefused: Outcome.REAUTHORISE,
    PermissionMissing: Outcome.REAUTHORISE,
    ContainerNotReady: Outcome.READ_CONTAINER,
    ContainerInDoubt: Outcome.READ_CONTAINER,
    ContainerFailed: Outcome.NEW_CONTAINER,
    MediaNotFetched: Outcome.NEW_CONTAINER,
    PublishingBlocked: Outcome.MANUAL,
    MediaUnfit: Outcome.MANUAL,
    RequestRefused: Outcome.MANUAL,
    MetaError: Outcome.MANUAL,
    MetaNotFound: Outcome.NONE,
    NotMeasured: Outcome.NONE,
}


def outcome_of(error: MetaError) -> Outcome:
    return _OUTCOMES[type(error)]


def new_containers(error: MetaError) -> int:
    """How many new containers in all may be made because of this error; then a person posts it."""
    if outcome_of(error) is not Outcome.NEW_CONTAINER:
        return 0
    return 1 if error.said.subcode in _ONCE else 3


@dataclass(frozen=True, slots=True)
class Rule:
    """Of a refusal with this code and subcode; None fits any. `message` and `next_step` say more
    than the error's own where there is more to say."""

    code: int | None
    subcode: int | None
    error: type[MetaError]
    message: str = ""
    next_step: str = ""


_OPEN_APP = "Open Instagram's app, follow what it asks, and post this one by hand."
_LOG_IN_THERE = "Log in there and confirm; then connect the account again with /connect."

RULES = (
    # the log-in
    Rule(190, None, TokenRefused),
    Rule(190, 458, TokenRefused, "Reelay's app was removed from this account's apps at Meta."),
    Rule(
        190,
        459,
        TokenRefused,
        "Meta wants to check on facebook.com that it is you.",
        _LOG_IN_THERE,
    ),
    Rule(190, 460, TokenRefused, "The account's password was changed, which ended the log-in."),
    Rule(190, 463, TokenRefused, "The log-in of this account has run out."),
    Rule(
        190,
        464,
        TokenRefused,
        "The account at Facebook is not confirmed yet.",
        _LOG_IN_THERE,
    ),
    Rule(190, 467, TokenRefused),
    Rule(190, 492, TokenRefused, "The person who connected it has no role on the Page any more."),
    Rule(102, None, TokenRefused),
    Rule(10, None, PermissionMissing),
    Rule(200, None, PermissionMissing),
    Rule(3, None, PermissionMissing),
    # not well, or too much
    Rule(1, None, MetaUnavailable),
    Rule(2, None, MetaUnavailable),
    Rule(-1, 2207001, MetaUnavailable),
    Rule(4, None, MetaRateLimited),
    Rule(17, None, MetaRateLimited),
    Rule(32, None, MetaRateLimited),
    Rule(341, None, MetaRateLimited),
    Rule(613, None, MetaRateLimited),
    Rule(80001, None, MetaRateLimited),
    Rule(80002, None, MetaRateLimited),
    Rule(9, 2207042, QuotaUsed),
    # held back
    Rule(
        4,
        2207051,
        PublishingBlocked,
        "Meta took this for spam and refuses what the account does for now.",
        "Post it by hand, and give the account some rest from automatic posts.",
    ),
    Rule(
        368,
        None,
        PublishingBlocked,
        "Meta has blocked this for some hours because of its policies.",
        _OPEN_APP,
    ),
    Rule(
        25,
        2207050,
        PublishingBlocked,
        "Instagram has restricted the account, or wants to check that it is you.",
        _OPEN_APP,
    ),
    # the container
    Rule(9007, 2207027, ContainerNotReady),
    Rule(24, 2207008, ContainerInDoubt),
    Rule(24, 2207006, ContainerInDoubt),
    Rule(-2, 2207020, ContainerInDoubt),
    Rule(100, 33, ContainerInDoubt),  # also a known outage of reads, from 2026-05-23 on
    Rule(-1, 2207032, ContainerFailed),
    Rule(-1, 2207053, ContainerFailed),
    Rule(None, 2207082, ContainerFailed),
    Rule(-2, 2207003, MediaNotFetched, "Meta's download of the file took too long."),
    Rule(9004, 2207052, MediaNotFetched),
    Rule(None, 2207077, MediaNotFetched),
    # the file
    Rule(352, 2207026, MediaUnfit, "Meta does not take the form of this file."),
    Rule(36000, 2207004, MediaUnfit, "The picture is larger than the 8 MB that Meta takes."),
    Rule(36001, 2207005, MediaUnfit, "The picture is no JPEG, the only form that Meta takes."),
    Rule(36003, 2207009, MediaUnfit, "Meta does not take the proportions of this picture."),
    Rule(36004, 2207010, MediaUnfit, "The caption is longer than Meta takes."),
    Rule(None, 2207076, MediaUnfit, "Meta could not process this video."),
    # our own mistakes
    Rule(100, None, RequestRefused),
    Rule(100, 2207023, RequestRefused),
    Rule(100, 2207028, RequestRefused),
    Rule(100, 2207035, RequestRefused),
    Rule(100, 2207036, RequestRefused),
    Rule(100, 2207037, RequestRefused),
    Rule(100, 2207040, RequestRefused),
    Rule(2500, None, RequestRefused),
    Rule(36104, None, RequestRefused),
    Rule(None, 2207081, RequestRefused),
    # not there
    Rule(110, 2207013, MetaNotFound),
    Rule(803, None, MetaNotFound, "Meta knows nothing of this id.", "Connect the account again."),
    Rule(-1, 2207086, NotMeasured, "This was never shared to Facebook."),
)
_BY_CODES = {(rule.code, rule.subcode): rule for rule in RULES}
_BY_SUBCODE = {rule.subcode: rule for rule in RULES if rule.subcode is not None}


def judge(
    said: MetaSaid, *, status: int = 400, until: datetime | None = None, subject: str = ""
) -> MetaError:
    """The error for a refusal; the most specific rule wins. `until`: when a rate limit ends."""
    if said.code == 10 and _NOT_ENOUGH_VIEWERS in said.text.lower():
        return NotMeasured("Fewer than five people have seen it.", said=said, subject=subject)
    if _PROOF in said.text:
        return TokenRefused(
            "Meta wants this app's secret with each call, and what it got is not that of the app "
            "that gave the log-in.",
            "Ask whoever runs this bot to check META_APP_ID and META_APP_SECRET; then connect the "
            "account again with /connect.",
            said=said,
            subject=subject,
        )
    rule = _rule(said, status)
    error = rule.error(rule.message or None, rule.next_step or None, said=said, subject=subject)
    if isinstance(error, MetaRateLimited):
        error.until = until
    return error


def judge_status(text: str, subject: str = "") -> MetaError:
    """The error of a container whose status is ERROR; `text` is Meta's, with the subcode in it:
    "Error: Media upload has failed with error code 2207026"."""
    found = _STATUS_SUBCODE.search(text)
    said = MetaSaid(subcode=int(found[1]) if found else None, text=text[:_LONGEST_TEXT])
    rule = _BY_SUBCODE.get(said.subcode or 0, Rule(None, None, ContainerFailed))
    return rule.error(rule.message or None, rule.next_step or None, said=said, subject=subject)


def read_said(error: Fields) -> MetaSaid:
    """From the envelope's "error" object, without what may be a token. Lenient, unlike every other
    reader here: a refusal that is written oddly is still a refusal."""

    def number(name: str) -> int | None:
        value = error.values.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def text(name: str) -> str:
        value = error.values.get(name)
        told = value[:_LONGEST_READ] if isinstance(value, str) else ""
        return _TOKEN.sub("[removed]", told)[:_LONGEST_TEXT]

    return MetaSaid(
        code=number("code"),
        subcode=number("error_subcode"),
        text=text("message") or text("error_message"),
        advice=text("error_user_msg"),
        trace=text("fbtrace_id"),
        transient=error.values.get("is_transient") is True,
    )


def _rule(said: MetaSaid, status: int) -> Rule:
    keys = [(said.code, said.subcode), (said.code, None)]
    if said.subcode is not None:
        keys.insert(1, (None, said.subcode))
    for key in keys:
        if key != (None, None) and key in _BY_CODES:
            return _BY_CODES[key]
    if said.code is not None and 200 <= said.code <= 299:
        return _BY_CODES[200, None]
    if said.transient or status >= 500:
        return Rule(None, None, MetaUnavailable)
    if status == 429:
        return Rule(None, None, MetaRateLimited)
    return Rule(None, None, MetaError)
