"""From a media address to a live story, as both log-ins do it, and what keeps it to once."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from sandbox.graph import Call, Fault, Meta, SecondPublish
from sandbox.graph.containers import Containers
from tests.sandbox.graph.conftest import FACEBOOK, INSTAGRAM, Client, FileHost, Publisher, numbers
from tests.sandbox.graph.files import film
from tests.support.clock import StillClock


async def test_a_photo_goes_live_for_a_day(mia: Publisher, clock: StillClock) -> None:
    meta = mia.client.meta
    container = (await mia.create())["id"]
    assert (await mia.status(container))["status_code"] == "IN_PROGRESS"
    assert numbers(await mia.publish(container)) == (9007, 2207027)
    clock.advance(seconds=1)
    assert (await mia.status(container))["status_code"] == "FINISHED"

    story = (await mia.publish(container))["id"]
    assert await mia.status(container) == {
        "id": container,
        "status_code": "PUBLISHED",
        "status": "Published: Media has been successfully published.",
    }
    listed = await mia.client.get(
        mia.url("/stories"), mia.token, fields="id,media_product_type,timestamp,permalink"
    )
    (row,) = listed["data"]
    assert (row["id"], row["media_product_type"]) == (story, "STORY")
    assert row["timestamp"] == clock().strftime("%Y-%m-%dT%H:%M:%S+0000")
    url = f"{INSTAGRAM}/v25.0/{story}"
    assert (await mia.client.get(url, mia.token, fields="media_type"))["media_type"] == "IMAGE"
    assert numbers(await mia.client.get(url, mia.token, fields="ig_id")) == (100, None)
    assert [live.id for live in meta.live("mia")] == [story]

    clock.advance(hours=24)
    assert (await mia.client.get(mia.url("/stories"), mia.token)) == {"data": []}
    assert numbers(await mia.client.get(url, mia.token)) == (100, 33)
    assert [one.id for one in meta.published] == [story]
    assert meta.live("mia") == []
    assert meta.published_twice() == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (SecondPublish.GONE, (24, 2207008)),
        (SecondPublish.NOT_AVAILABLE, (9007, 2207027)),
        (SecondPublish.ALREADY, (100, None)),
    ],
)
async def test_a_container_goes_live_once(
    mia: Publisher, answer: SecondPublish, expected: tuple[int, int | None]
) -> None:
    meta = mia.client.meta
    meta.second_publish(answer)
    container = await mia.container()
    answers = await asyncio.gather(*(mia.publish(container) for _ in range(3)))
    refused = [numbers(body) for body in answers if "error" in body]
    assert refused == [expected, expected]
    assert len(meta.published) == 1
    assert meta.publish_calls(container) == 3
    await mia.publish(await mia.container())
    assert meta.published_twice() == [meta.published[0].media.sha256]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.LOST, 0),
        (Fault.ERROR_AFTER, 500),
        (Fault.GATEWAY_AFTER, 502),
        (Fault.GARBAGE, 200),
    ],
)
async def test_it_takes_effect_although_the_answer_is_spoiled(
    mia: Publisher, fault: Fault, status: int
) -> None:
    meta = mia.client.meta
    container = await mia.container()
    meta.trouble_next(Call.PUBLISH, fault)
    with contextlib.suppress(httpx.RemoteProtocolError, httpx.ReadError, ValueError):
        assert "error" in await mia.publish(container)
    assert (await mia.status(container))["status_code"] == "PUBLISHED"
    assert len(meta.published) == 1
    (seen,) = [one for one in meta.requests if one.call is Call.PUBLISH]
    assert seen.status == status


@pytest.mark.parametrize("fault", [Fault.DROPPED, Fault.DOWN])
async def test_nothing_takes_effect_before_a_failure(mia: Publisher, fault: Fault) -> None:
    container = await mia.container()
    mia.client.meta.trouble_next(Call.PUBLISH, fault)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError, ValueError)):
        await mia.publish(container)
    assert (await mia.status(container))["status_code"] == "FINISHED"
    assert mia.client.meta.published == ()


async def test_a_container_lives_a_day(mia: Publisher, clock: StillClock) -> None:
    container = await mia.container()
    clock.advance(hours=23, minutes=59)
    assert (await mia.status(container))["status_code"] == "FINISHED"
    clock.advance(minutes=1)
    assert (await mia.status(container))["status_code"] == "EXPIRED"
    assert numbers(await mia.publish(container)) == (-2, 2207020)


async def test_the_quota_frees_after_a_day(mia: Publisher, clock: StillClock) -> None:
    mia.client.meta.containers.quota = 1
    ready = [await mia.container(), await mia.container()]
    await mia.publish(ready[0])
    assert numbers(await mia.publish(ready[1])) == (9, 2207042)
    limit = mia.url("/content_publishing_limit")
    assert await mia.client.get(limit, mia.token) == {"data": [{"quota_usage": 1}]}
    clock.advance(hours=24)
    assert await mia.client.get(limit, mia.token, fields="quota_usage,config") == {
        "data": [{"quota_usage": 0, "config": {"quota_total": 1, "quota_duration": 86400}}]
    }


async def test_a_film_by_address_is_fetched_by_meta(mia: Publisher, host: FileHost) -> None:
    url = host.put("film.mp4", film(), "video/mp4")
    container = await mia.container(video_url=url)
    assert (await mia.status(container))["status_code"] == "FINISHED"
    await mia.publish(container)
    (story,) = mia.client.meta.published
    assert (story.media.data, story.media_type) == (film(), "VIDEO")
    assert host.asked == ["film.mp4"]


async def test_a_film_by_upload_resumes(client: Client, clock: StillClock) -> None:
    meta = client.meta
    token, account = meta.page_token("mia"), meta.people.account("mia").id
    base = f"{FACEBOOK}/v25.0"
    made = await client.post(
        f"{base}/{account}/media", token, media_type="STORIES", upload_type="resumable"
    )
    container, uri = made["id"], made["uri"]
    assert uri == f"{meta.addresses['rupload.facebook.com']}/ig-api-upload/v25.0/{container}"

    async def send(data: bytes, offset: int) -> dict[str, object]:
        headers = {
            "Authorization": f"OAuth {token}",
            "offset": str(offset),
            "file_size": str(len(film())),
        }
        body: dict[str, object] = (
            await client.http.post(uri, headers=headers, content=data)
        ).json()
        return body

    partial = await send(film()[:1000], 0)
    assert partial["debug_info"] == {
        "retriable": True,
        "type": "PartialRequestError",
        "message": "Partial request (did not match length of file)",
    }
    state = await client.get(f"{base}/{container}", token, fields="status_code,video_status")
    assert state["status_code"] == "IN_PROGRESS"
    assert state["video_status"]["uploading_phase"]["bytes_transferred"] == 1000
    assert "debug_info" in await send(film(), 0)
    assert await send(film()[1000:], 1000) == {"success": True, "message": "Upload successful."}
    clock.advance(seconds=4)
    await client.post(f"{base}/{account}/media_publish", token, creation_id=container)
    assert meta.published[0].media.data == film()


async def test_story_figures_grow_and_end_with_the_story(mia: Publisher, clock: StillClock) -> None:
    story = (await mia.publish(await mia.container()))["id"]
    url = f"{INSTAGRAM}/v25.0/{story}/insights"
    refused = await mia.client.get(url, mia.token, metric="reach")
    assert refused["error"]["message"] == "(#10) Not enough viewers for the media to show insights"
    seen = []
    for _ in range(3):
        clock.advance(hours=6)
        body = await mia.client.get(url, mia.token, metric="reach")
        seen.append(body["data"][0]["values"][0]["value"])
    assert 5 <= seen[0] < seen[1] < seen[2]
    body = await mia.client.get(
        url, mia.token, metric="navigation", breakdown="story_navigation_action_type"
    )
    results = body["data"][0]["total_value"]["breakdowns"][0]["results"]
    assert {"dimension_values", "value"} == set(results[0])
    assert numbers(await mia.client.get(url, mia.token, metric="impressions")) == (100, None)
    clock.advance(hours=6)
    assert numbers(await mia.client.get(url, mia.token, metric="reach")) == (100, 33)


async def test_what_is_live_is_shown_and_escaped(mia: Publisher) -> None:
    meta = mia.client.meta
    story = (await mia.publish(await mia.container()))["id"]
    page = await mia.client.http.get(meta.live_url)
    assert f'src="/media/{story}.jpg"' in page.text
    assert "@mia" in page.text
    live = (await mia.client.http.get(f"{meta.live_url}.json")).json()
    assert [one["id"] for one in live["mia"]] == [story]
    file = await mia.client.http.get(f"{meta.origin}{live['mia'][0]['url']}")
    assert file.content == meta.published[0].media.data

    account = meta.people.account("leo")
    hostile = replace(account, person=replace(account.person, username="<i>leo"))
    meta.people.accounts[account.id] = hostile
    assert "@&lt;i&gt;leo" in (await mia.client.http.get(meta.live_url)).text


async def test_a_refused_request_gives_its_number_to_no_other(
    meta: Meta, clock: StillClock
) -> None:
    """While it is fetched, others are made."""
    account = meta.people.account("mia")
    containers = Containers(clock, (timedelta(0), timedelta(0)))
    first, second = (containers.make(account, is_film=False) for _ in range(2))
    containers.forget(first)
    assert containers.make(account, is_film=False).id != second.id
    assert containers.find(second.id) is second
