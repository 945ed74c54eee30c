"""Publishing at Meta: what is asked, what is read out of it, and what a lost answer means."""

import asyncio
import json
import logging
import traceback
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from services.errors import (
    ContainerFailed,
    ContainerInDoubt,
    ContainerNotReady,
    MediaUnfit,
    MetaChanged,
    MetaError,
    MetaRateLimited,
    MetaUnavailable,
    PermissionMissing,
    QuotaUsed,
    RequestRefused,
    StorageFailed,
    TokenRefused,
)
from services.graph import account as account_module
from services.graph import wire
from services.graph.account import Account, Container, ContainerStatus, LiveStory, Quota
from services.graph.insights import Question, account_figures, media_figures, snapshot
from services.graph.refusals import Outcome, outcome_of
from services.graph.usage import Usage
from services.graph.wire import Flavour
from storage.vault import Secret
from tests.contracts.check_graph import ANSWERS
from tests.services.graph.meta import CONTAINER, SPARE, TOKEN, USER_ID, refusal

IMAGE = "https://x.example/public/1.jpg?X-Amz-Signature=a&X-Amz-Expires=86400"
STORY = {
    "id": "1789",
    "media_type": "IMAGE",
    "media_product_type": "STORY",
    "timestamp": "2026-09-02T07:00:00+0000",
    "permalink": "https://www.instagram.com/stories/x/1789",
}
BOTH = pytest.mark.parametrize("flavour", list(Flavour))
OPERATIONS = {
    "POST /{ig-user-id}/media": lambda account: account.create_image_story(IMAGE),
    "POST /{ig-user-id}/media_publish": lambda account: account.publish(CONTAINER),
    "GET /{ig-container-id}": lambda account: account.container(CONTAINER),
    "GET /{ig-user-id}/content_publishing_limit": lambda account: account.quota(),
    "GET /{ig-user-id}/stories": lambda account: account.stories(),
    "GET /{ig-user-id}": snapshot,
    "GET /{ig-user-id}/insights": lambda account: account_figures(account, Question("reach")),
    "GET /{ig-media-id}/insights": lambda account: media_figures(account, "1789", "navigation"),
}
EVERY = pytest.mark.parametrize("operation", list(OPERATIONS))


# ---------------------------------------------------------------- what is asked


@BOTH
async def test_a_story_from_its_container_to_its_address(meta, flavour):
    there = meta(
        {"id": CONTAINER},
        {"status_code": "FINISHED", "id": CONTAINER},
        {"id": "1789"},
        {"data": [STORY]},
    )
    account = there.account(flavour)
    assert await account.create_image_story(IMAGE) == CONTAINER
    assert await account.container(CONTAINER) == Container(CONTAINER, ContainerStatus.FINISHED)
    assert await account.publish(CONTAINER) == "1789"
    posted_at = datetime(2026, 9, 2, 7, tzinfo=UTC)
    assert await account.stories() == [LiveStory("1789", "IMAGE", posted_at, STORY["permalink"])]

    created, _, published, _ = there.sent
    assert created.url == f"https://graph.{flavour}.com/v25.0/{USER_ID}/media"
    assert created.params == {"media_type": "STORIES", "image_url": IMAGE}
    assert published.params == {"creation_id": CONTAINER}
    assert {sent.headers["authorization"] for sent in there.sent} == {f"Bearer {TOKEN}"}


async def test_a_video_by_its_address(meta):
    there = meta({"id": CONTAINER})
    await there.account().create_video_story(IMAGE)
    assert there.sent[0].params == {"media_type": "STORIES", "video_url": IMAGE}


async def test_a_video_is_uploaded_and_goes_on_where_it_broke(meta, tmp_path, monkeypatch):
    monkeypatch.setattr(account_module, "_CHUNK", 3)
    video = tmp_path / "story.mp4"
    video.write_bytes(b"0123456789")
    status = {"uploading_phase": {"status": "in_progress", "bytes_transferred": 4}}
    there = meta(
        {"id": CONTAINER, "uri": "https://elsewhere.example/upload"},
        (500, {"debug_info": {"retriable": True, "type": "x", "message": "later"}}),
        {"status_code": "IN_PROGRESS", "id": CONTAINER, "video_status": status},
        {"success": True, "message": "Upload successful."},
    )
    account = there.account()
    assert await account.create_upload_story() == CONTAINER
    with pytest.raises(MetaUnavailable):
        await account.upload(CONTAINER, video)
    received = (await account.container(CONTAINER)).received
    await account.upload(CONTAINER, video, received)
    first, _, second = there.sent[1:]
    assert first.url == f"https://rupload.facebook.com/ig-api-upload/v25.0/{CONTAINER}"
    assert (first.body, second.body) == (b"0123456789", b"456789")
    assert (second.headers["offset"], second.headers["file_size"]) == ("4", "10")
    assert second.headers["content-length"] == "6"
    assert second.headers["authorization"] == f"OAuth {TOKEN}"


async def test_an_upload_that_meta_will_never_take(meta, tmp_path):
    info = {"retriable": False, "type": "ProcessingFailedError", "message": "no"}
    there = meta((400, {"debug_info": info}))
    video = tmp_path / "story.mp4"
    video.write_bytes(b"x")
    with pytest.raises(ContainerFailed):
        await there.account().upload(CONTAINER, video)
    with pytest.raises(StorageFailed):
        await there.account().upload(CONTAINER, tmp_path / "gone.mp4")


async def test_instagram_login_has_no_uploads(meta):
    with pytest.raises(RequestRefused):
        await meta({}).account(Flavour.INSTAGRAM).create_upload_story()


@pytest.mark.parametrize("bad", ["", "12/../34", "me", "１２"])
async def test_what_is_no_id_never_reaches_a_path(meta, bad):
    there = meta({})
    account = there.account()
    for use in (
        account.container,
        account.publish,
        lambda id_: media_figures(account, id_, "reach"),
    ):
        with pytest.raises(RequestRefused):
            await use(bad)
    with pytest.raises(RequestRefused):
        Account(there.client, Flavour.FACEBOOK, bad, Secret(TOKEN))
    assert there.sent == []


# ---------------------------------------------------------------- what is read


@pytest.mark.parametrize(
    ("endpoint", "body", "status"),
    [
        (endpoint, body, status)
        for good, endpoint, body, status in ANSWERS
        if good and endpoint in OPERATIONS and "business_discovery" not in body
    ],
)
async def test_every_answer_that_the_contract_shows_is_read(meta, endpoint, body, status):
    call = OPERATIONS[endpoint](meta((status, body)).account())
    if status == 200:
        assert await call is not None
    else:
        with pytest.raises(MediaUnfit):
            await call


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"data": [{"quota_usage": 2, "config": {"quota_total": 50, "quota_duration": 86400}}]},
            Quota(2, 50),
        ),
        ({"data": [{"quota_usage": 2}]}, Quota(2, None)),
    ],
)
async def test_the_quota(meta, body, expected):
    assert await meta(body).account().quota() == expected


@pytest.mark.parametrize(
    ("status", "text", "failure"),
    [
        ("IN_PROGRESS", "", None),
        ("PUBLISHED", "Published: Media has been successfully published.", None),
        ("ERROR", "Error: Media upload has failed with error code 2207026", MediaUnfit),
        ("EXPIRED", "", ContainerFailed),
    ],
)
async def test_the_states_of_a_container(meta, status, text, failure):
    body = {"status_code": status, "id": CONTAINER, "status": text}
    container = await meta(body).account().container(CONTAINER)
    assert container.status == status
    assert type(container.failure()) is (failure or type(None))


GARBAGE = [
    b"",
    b"<html>",
    b"[]",
    b"null",
    b"[" * 200_000,
    b'{"id": 5.5, "data": {}}',
    b'{"id": "../1", "data": [1], "status_code": "READY"}',
    b'{"id": [], "data": [{}], "status_code": null, "permalink": 7, "media_count": -1}',
    b'{"id": true, "data": [{"quota_usage": "2", "name": 1}], "followers_count": "many"}',
]


@EVERY
async def test_garbage_is_an_error_of_the_tree(meta, operation):
    for garbage in GARBAGE:
        with pytest.raises((MetaChanged, ContainerInDoubt)):
            await OPERATIONS[operation](meta((200, garbage)).account())


async def test_an_answer_has_a_size(meta, monkeypatch):
    answer = {"data": [{"quota_usage": 2}]}
    monkeypatch.setattr(wire, "MAX_ANSWER", len(json.dumps(answer)))
    assert (await meta(answer).account().quota()).used == 2
    monkeypatch.setattr(wire, "MAX_ANSWER", wire.MAX_ANSWER - 1)
    with pytest.raises(MetaChanged):
        await meta(answer).account().quota()


async def test_redirects_are_not_followed(meta):
    there = meta((302, b"", {"Location": "https://elsewhere.example/"}))
    with pytest.raises(MetaChanged):
        await there.account().quota()
    assert len(there.sent) == 1


async def test_the_allowance_is_noted(meta):
    headers = {"X-App-Usage": '{"call_count":80,"total_time":25,"total_cputime":25}'}
    account = meta((200, {"id": CONTAINER}, headers), {"id": CONTAINER}).account()
    assert account.usage is None
    for _ in range(2):  # the second answer tells nothing
        await account.create_image_story(IMAGE)
        assert account.usage == Usage(80, 25, 25)


# ---------------------------------------------------------------- what fails

LOST = [
    httpx.ReadTimeout("late"),
    httpx.ConnectError("refused"),
    httpx.RemoteProtocolError("cut"),
    (502, b"<html>"),
    (500, refusal(1)),
    (400, refusal(2, is_transient=True)),
    (400, refusal(-1, 2207001)),
    (200, b"half an ans"),
    (200, {"id": None}),
    (400, refusal(-2, 2207003)),
    (400, refusal(803)),
]


@pytest.mark.parametrize("answer", LOST, ids=str)
async def test_media_publish_is_sent_once_and_a_lost_answer_is_a_doubt(meta, answer):
    there = meta(answer)
    with pytest.raises(ContainerInDoubt) as caught:
        await there.account().publish(CONTAINER)
    assert outcome_of(caught.value) is Outcome.READ_CONTAINER
    assert there.endpoints == ["POST /{ig-user-id}/media_publish"]
    assert there.pauses == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((400, refusal(9007, 2207027)), ContainerNotReady),
        ((400, refusal(9, 2207042)), QuotaUsed),
        ((400, refusal(190, 463)), TokenRefused),
        ((400, refusal(80002)), MetaRateLimited),
    ],
)
async def test_what_meta_says_of_a_publication_is_told(meta, answer, expected):
    there = meta(answer)
    with pytest.raises(expected):
        await there.account().publish(CONTAINER)
    assert len(there.sent) == 1


@pytest.mark.parametrize("answer", LOST[:6], ids=str)
async def test_reads_are_tried_three_times(meta, answer):
    there = meta(answer)
    with pytest.raises(MetaUnavailable):
        await there.account().quota()
    assert len(there.sent) == 3
    assert there.pauses == [0.5, 2.0]

    there = meta(answer, {"data": [{"quota_usage": 2}]})
    assert (await there.account().quota()).used == 2
    assert len(there.sent) == 2


async def test_a_container_is_asked_for_once_and_may_be_asked_for_again(meta):
    there = meta(httpx.ReadTimeout("late"))
    with pytest.raises(MetaUnavailable):
        await there.account().create_image_story(IMAGE)
    assert len(there.sent) == 1


@pytest.mark.parametrize("answer", [(400, refusal(100, 33)), (400, refusal(803))])
async def test_an_account_out_of_reach_is_a_matter_of_permissions(meta, answer):
    with pytest.raises(PermissionMissing):
        await meta(answer).account().create_image_story(IMAGE)


async def test_a_rate_limit_says_until_when(meta):
    told = '{"1":[{"type":"instagram","estimated_time_to_regain_access":12}]}'
    there = meta((400, refusal(80002), {"X-Business-Use-Case-Usage": told}), (429, b""))
    for until in (there.clock() + timedelta(minutes=12), None):
        with pytest.raises(MetaRateLimited) as caught:
            await there.account().quota()
        assert caught.value.until == until
    assert len(there.sent) == 2


async def test_a_container_that_cannot_be_read_is_tried_with_the_other_token(meta):
    there = meta((400, refusal(100, 33)), {"status_code": "PUBLISHED", "id": CONTAINER})
    container = await there.account(spare=True).container(CONTAINER)
    assert container.status is ContainerStatus.PUBLISHED
    assert [sent.headers["authorization"] for sent in there.sent] == [
        f"Bearer {TOKEN}",
        f"Bearer {SPARE}",
    ]
    with pytest.raises(ContainerInDoubt):
        await meta((400, refusal(100, 33))).account().container(CONTAINER)


async def test_anything_else_that_cannot_be_read_is_meta_being_unwell(meta):
    with pytest.raises(MetaUnavailable):
        await meta((400, refusal(100, 33))).account().stories()


async def test_the_account_type_where_meta_tells_it(meta):
    body = {"account_type": "BUSINESS", "id": USER_ID}
    assert await meta(body).account().account_type() == "BUSINESS"
    assert await meta((400, refusal(100))).account().account_type() == ""


async def test_an_answer_that_drips_is_given_up(meta, monkeypatch):
    monkeypatch.setattr(wire, "CALL_SECONDS", 0.01)

    async def silent(_request):
        await asyncio.Event().wait()

    there = meta({})
    async with httpx.AsyncClient(transport=httpx.MockTransport(silent)) as http:
        there.client._http = http
        with pytest.raises(MetaUnavailable):
            await there.account().quota()


# ---------------------------------------------------------------- secrets


@EVERY
async def test_no_token_in_errors_or_logs(meta, caplog, operation):
    caplog.set_level(logging.DEBUG)
    for answer in ((400, refusal(190)), httpx.ReadTimeout("late"), (200, b"{")):
        with pytest.raises(MetaError) as caught:
            await OPERATIONS[operation](meta(answer).account(spare=True))
        told = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
        assert "planted" not in told + caplog.text


@pytest.mark.parametrize("odd", ["", "two words", "line\nbreak", "töken", "x" * 2001])
async def test_what_is_no_token_is_not_sent(meta, odd):
    there = meta({})
    with pytest.raises(TokenRefused):
        await Account(there.client, Flavour.FACEBOOK, USER_ID, Secret(odd)).quota()
    assert there.sent == []
