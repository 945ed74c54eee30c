"""The map of Meta's errors against the contract: every row has its error and its outcome."""

import pytest

from services.errors import (
    ContainerFailed,
    ContainerInDoubt,
    ContainerNotReady,
    MediaNotFetched,
    MediaUnfit,
    MetaError,
    MetaNotFound,
    MetaRateLimited,
    MetaSaid,
    MetaUnavailable,
    NotMeasured,
    PermissionMissing,
    PublishingBlocked,
    QuotaUsed,
    Remedy,
    RequestRefused,
    TokenRefused,
)
from services.graph.reading import Fields
from services.graph.refusals import (
    RULES,
    Outcome,
    judge,
    judge_status,
    new_containers,
    outcome_of,
    read_said,
)
from tests.contracts.check_graph import CONTRACT, classify

ROWS = CONTRACT["_errors"]
ACTIONS = {
    "reauth": ({TokenRefused}, Outcome.REAUTHORISE),
    "reauth_or_scope": ({PermissionMissing}, Outcome.REAUTHORISE),
    "retry": ({MetaUnavailable}, Outcome.RETRY),
    "backoff": ({MetaRateLimited}, Outcome.WAIT),
    "wait_quota": ({QuotaUsed}, Outcome.WAIT),
    "wait_and_retry_same": ({ContainerNotReady}, Outcome.READ_CONTAINER),
    "retry_same_30s_120s_then_check_status": ({ContainerInDoubt}, Outcome.READ_CONTAINER),
    "check_status_then_new_container": ({ContainerInDoubt}, Outcome.READ_CONTAINER),
    "retry_new_container_after_status_check": ({ContainerInDoubt}, Outcome.READ_CONTAINER),
    "unknown_state": ({ContainerInDoubt}, Outcome.READ_CONTAINER),
    "retry_new_container": ({ContainerFailed, MediaNotFetched}, Outcome.NEW_CONTAINER),
    "retry_then_give_up_media": ({MediaNotFetched}, Outcome.NEW_CONTAINER),
    "give_up_media": ({MediaUnfit}, Outcome.MANUAL),
    "manual": ({PublishingBlocked}, Outcome.MANUAL),
    "bug": ({RequestRefused}, Outcome.MANUAL),
    "give_up": ({MetaNotFound}, Outcome.NONE),
    "skip_metric": ({NotMeasured}, Outcome.NONE),
}
REMEDIES = {
    Outcome.RETRY: {Remedy.RETRY},
    Outcome.WAIT: {Remedy.WAIT_UNTIL},
    Outcome.READ_CONTAINER: {Remedy.RETRY},
    Outcome.NEW_CONTAINER: {Remedy.RETRY},
    Outcome.REAUTHORISE: {Remedy.NEEDS_PERSON},
    Outcome.MANUAL: {Remedy.NEEDS_PERSON, Remedy.BUG},
    Outcome.NONE: {Remedy.NEEDS_PERSON},
}


def name_of(row):
    return f"{row['code']}/{row['subcode']}"


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_every_row_of_the_contract_has_its_error_and_outcome(row):
    errors, outcome = ACTIONS[row["action"]]
    error = judge(MetaSaid(row["code"], row["subcode"]))
    assert type(error) in errors
    assert outcome_of(error) is outcome
    assert error.remedy in REMEDIES[outcome]
    assert error.message.endswith(".")
    assert error.next_step.endswith(".")


def test_the_map_holds_no_rule_beyond_the_contract():
    assert {(rule.code, rule.subcode) for rule in RULES} == {
        (row["code"], row["subcode"]) for row in ROWS
    }
    assert len(RULES) == len(ROWS)


@pytest.mark.parametrize(
    "said",
    [
        {"code": 10, "message": "(#10) Not enough viewers for the media to show insights"},
        {"code": 275},
        {"code": 99, "is_transient": True},
        {"code": 99},
        {"code": 4, "error_subcode": 99},
        {"error_subcode": 2207076},
        {"code": 99, "error_subcode": 2207076},
        {},
    ],
)
def test_what_is_in_no_row_is_classified_as_the_contract_does(said):
    error = judge(read_said(Fields(said, "error")))
    errors, outcome = ACTIONS[classify(said)]
    assert type(error) in errors | ({MetaError} if classify(said) == "manual" else set())
    assert outcome_of(error) is outcome


@pytest.mark.parametrize(
    ("status", "expected"), [(400, MetaError), (429, MetaRateLimited), (503, MetaUnavailable)]
)
def test_without_a_rule_the_http_status_decides(status, expected):
    assert type(judge(MetaSaid(99), status=status)) is expected
    assert type(judge(MetaSaid(190), status=status)) is TokenRefused


@pytest.mark.parametrize("row", [row for row in ROWS if row["where"] == "status"], ids=name_of)
def test_a_failed_container_is_judged_by_the_code_in_its_text(row):
    text = f"Error: Media upload has failed with error code {row['subcode']}"
    assert type(judge_status(text)) is type(judge(MetaSaid(None, row["subcode"])))


@pytest.mark.parametrize(
    ("text", "error", "containers"),
    [
        ("Error: Media upload has failed with error code 2207026", MediaUnfit, 0),
        ("Error: Media upload has failed with error code 2207052", MediaNotFetched, 3),
        ("Error: Media upload has failed with error code 2207053", ContainerFailed, 3),
        ("Error: Media upload has failed with error code 2207077", MediaNotFetched, 1),
        ("Error: Media upload has failed with error code 2207999", ContainerFailed, 3),
        ("Error", ContainerFailed, 1),
        ("", ContainerFailed, 1),
    ],
)
def test_how_many_new_containers_a_dead_one_may_have(text, error, containers):
    judged = judge_status(text)
    assert type(judged) is error
    assert new_containers(judged) == containers


def test_metas_own_words_are_kept_beside_ours():
    told = {
        "message": "(#36000) too large" + "x" * 1_000_000,
        "code": 36000,
        "error_subcode": 2207004,
        "error_user_msg": "Choose a smaller picture.",
        "fbtrace_id": "A1b",
    }
    said = judge(read_said(Fields(told, "error"))).said
    assert (said.code, said.subcode, said.trace) == (36000, 2207004, "A1b")
    assert said.advice == "Choose a smaller picture."
    assert said.text.startswith("(#36000)")
    assert len(said.text) == 300


def test_a_token_that_meta_repeats_is_removed():
    token = "EAABwzLixnjYBO" + "Zc9_d-" * 60
    told = {"message": f"Malformed access token {token}", "code": 190, "error_user_msg": token}
    said = read_said(Fields(told, "error"))
    assert said.text == "Malformed access token [removed]"
    assert said.advice == "[removed]"
    names = "(engaged_audience_demographics) of 17841405822304914"
    assert read_said(Fields({"message": names}, "error")).text == names


@pytest.mark.parametrize("odd", [{"code": "190"}, {"code": True}, {"message": 7}, {"code": []}])
def test_an_oddly_written_refusal_is_still_one(odd):
    assert type(judge(read_said(Fields(odd, "error")))) is MetaError
