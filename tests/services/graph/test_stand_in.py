"""The client against the sandbox's Meta, over HTTP, from the log-in to the figures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from aiohttp import web

from sandbox.graph import Call, Fault
from sandbox.graph import Meta as StandIn
from sandbox.world import World
from services.errors import ContainerInDoubt, NotMeasured, TokenRefused
from services.graph.access import INSIGHT_SCOPES, STORY_SCOPES, Access, App
from services.graph.account import Account, ContainerStatus
from services.graph.insights import media_figures, snapshot
from services.graph.wire import Addresses, Flavour, GraphClient
from storage.vault import Secret
from tests.sandbox.graph.files import film, jpeg
from tests.support.clock import StillClock

BACK = "http://127.0.0.1:8081/connect/meta"


class Stage:
    """The stand-in, and what the app would build for it."""

    def __init__(self, meta: StandIn, http: httpx.AsyncClient, clock: StillClock) -> None:
        self.meta = meta
        self.http = http
        self.clock = clock
        at = meta.addresses
        addresses = Addresses(
            facebook=at["graph.facebook.com"],
            instagram=at["graph.instagram.com"],
            instagram_login=at["api.instagram.com"],
            uploads=at["rupload.facebook.com"],
            facebook_dialog=at["www.facebook.com"],
            instagram_dialog=at["www.instagram.com"],
        )
        self.client = GraphClient(
            http, clock, addresses=addresses, facebook_secret=Secret(meta.app.facebook_secret)
        )
        apps = {
            Flavour.FACEBOOK: App(meta.app.facebook_id, Secret(meta.app.facebook_secret)),
            Flavour.INSTAGRAM: App(meta.app.instagram_id, Secret(meta.app.instagram_secret)),
        }
        self.access = Access(self.client, apps, clock)

    async def log_in(self, flavour: Flavour) -> Secret:
        """As mia, in the dialog that the link opens."""
        scopes = tuple({*STORY_SCOPES[flavour], *INSIGHT_SCOPES[flavour]})
        link = self.access.link(flavour, BACK, "state", scopes)
        answer = await self.http.post(link, data={"person": "mia", "answer": "allow"})
        back = answer.headers["location"].partition("#")[0]
        [code] = parse_qs(urlsplit(back).query)["code"]
        granted = await self.access.by_code(flavour, code + "#_", BACK)
        assert granted.expires_at is not None
        assert (granted.expires_at - self.clock()).days == 59
        return granted.token

    async def account(self, flavour: Flavour) -> Account:
        token = await self.log_in(flavour)
        if flavour is Flavour.INSTAGRAM:
            profile = await self.access.profile(token)
            assert profile.account_type == "BUSINESS"
            return Account(self.client, flavour, profile.id, token)
        [page] = [page for page in await self.access.pages(token) if page.instagram]
        assert page.token
        assert page.instagram
        assert (await self.access.inspect(flavour, page.token)).unlimited
        return Account(self.client, flavour, page.instagram.id, page.token, token)


@pytest.fixture
async def stage(world: World) -> AsyncIterator[Stage]:
    clock = StillClock()
    async with StandIn(world, now=clock) as meta, httpx.AsyncClient(trust_env=False) as http:
        yield Stage(meta, http, clock)


@pytest.fixture
async def picture() -> AsyncIterator[str]:
    async def serve(_request: web.Request) -> web.Response:
        return web.Response(body=jpeg(), content_type="image/jpeg")

    application = web.Application()
    application.router.add_get("/1.jpg", serve)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/1.jpg"
    await runner.cleanup()


@pytest.mark.parametrize("flavour", list(Flavour))
async def test_from_the_log_in_to_the_figures(stage: Stage, picture: str, flavour: Flavour) -> None:
    account = await stage.account(flavour)
    container = await account.create_image_story(picture)
    assert (await account.container(container)).status is ContainerStatus.IN_PROGRESS
    stage.clock.advance(seconds=10)
    assert (await account.container(container)).status is ContainerStatus.FINISHED
    media_id = await account.publish(container)
    assert (await account.container(container)).status is ContainerStatus.PUBLISHED

    [story] = await account.stories()
    assert (story.id, story.kind) == (media_id, "IMAGE")
    assert story.permalink
    quota = await account.quota()
    assert quota.used == 1
    assert quota.total
    assert (await snapshot(account)).followers
    with pytest.raises(NotMeasured):
        await media_figures(account, media_id, "reach")
    stage.clock.advance(hours=6)
    [reach] = await media_figures(account, media_id, "reach")
    assert (reach.metric, reach.period) == ("reach", "lifetime")


async def test_a_film_that_is_uploaded(stage: Stage, tmp_path: Path) -> None:
    account = await stage.account(Flavour.FACEBOOK)
    video = tmp_path / "story.mp4"
    video.write_bytes(film())
    container = await account.create_upload_story()
    await account.upload(container, video)
    assert (await account.container(container)).received == len(film())
    stage.clock.advance(seconds=10)
    await account.publish(container)
    [story] = await account.stories()
    assert story.kind == "VIDEO"


@pytest.mark.parametrize(
    "fault", [Fault.LOST, Fault.ERROR_AFTER, Fault.GATEWAY_AFTER, Fault.DROPPED]
)
async def test_after_a_lost_answer_the_container_tells(
    stage: Stage, picture: str, fault: Fault
) -> None:
    account = await stage.account(Flavour.INSTAGRAM)
    container = await account.create_image_story(picture)
    stage.clock.advance(seconds=10)
    stage.meta.trouble_next(Call.PUBLISH, fault)
    with pytest.raises(ContainerInDoubt):
        await account.publish(container)
    live = len(stage.meta.published)
    assert live == (fault is not Fault.DROPPED)
    status = (await account.container(container)).status
    assert status is (ContainerStatus.PUBLISHED if live else ContainerStatus.FINISHED)


async def test_each_call_of_facebook_proves_the_apps_secret(stage: Stage, picture: str) -> None:
    """Also a POST; what the stand-in is sent it checks. A wrong one is the operator's to mend."""
    account = await stage.account(Flavour.FACEBOOK)
    seen = []

    async def note(request: httpx.Request) -> None:
        sent = await request.aread() + request.url.query
        seen.append((request.method, b"appsecret_proof" in sent))

    stage.http.event_hooks["request"] = [note]
    await account.quota()
    await account.create_image_story(picture)
    assert seen == [("GET", True), ("POST", True)]
    stage.client._facebook_secret = Secret("another app's")
    with pytest.raises(TokenRefused, match="this app's secret") as refused:
        await account.quota()
    assert "META_APP_SECRET" in refused.value.next_step
    seen.clear()
    await (await stage.account(Flavour.INSTAGRAM)).quota()
    assert ("GET", True) not in seen


async def test_a_token_is_renewed_and_ends(stage: Stage) -> None:
    token = await stage.log_in(Flavour.INSTAGRAM)
    stage.clock.advance(days=50)
    renewed = await stage.access.renewed(Flavour.INSTAGRAM, token)
    stage.clock.advance(days=50)
    await stage.access.profile(renewed.token)
    with pytest.raises(TokenRefused):
        await stage.access.profile(token)
