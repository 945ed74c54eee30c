"""Both log-ins from the dialog to a long-lived token, and how tokens age and end."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.sandbox.graph.conftest import FACEBOOK, INSTAGRAM, Client, numbers
from tests.support.clock import StillClock

BACK = "http://127.0.0.1:8081/connect/meta"
LOG_IN = "api.instagram.com/oauth/access_token"
FACEBOOK_SCOPES = "instagram_basic,instagram_content_publish,pages_read_engagement,pages_show_list"
INSTAGRAM_SCOPES = "instagram_business_basic,instagram_business_content_publish"
SIXTY_DAYS = 5_183_944


async def _answer(client: Client, flavour: str, answer: str, **changes: str) -> httpx.Response:
    """Opens a dialog and answers it as mia."""
    app = client.meta.app
    is_facebook = flavour == "facebook"
    host = (
        "www.facebook.com/v25.0/dialog/oauth"
        if is_facebook
        else ("www.instagram.com/oauth/authorize")
    )
    params = {
        "client_id": app.facebook_id if is_facebook else app.instagram_id,
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": FACEBOOK_SCOPES if is_facebook else INSTAGRAM_SCOPES,
        "state": "s<1>",
        **changes,
    }
    url = f"{client.meta.origin}/{host}"
    page = await client.http.get(url, params=params)
    if page.is_error:
        return page
    assert "Continue as mia" in page.text
    form = {"person": "mia", "answer": answer}
    return await client.http.post(url, params=params, data=form)


async def _code(client: Client, flavour: str) -> str:
    response = await _answer(client, flavour, "allow")
    location = response.headers["Location"]
    assert location.startswith(f"{BACK}?")
    assert location.endswith("#_=_" if flavour == "facebook" else "#_")
    query = parse_qs(urlsplit(location).query)
    assert query["state"] == ["s<1>"]
    return query["code"][0]


async def test_facebook_from_the_dialog_to_the_page(client: Client, clock: StillClock) -> None:
    app = client.meta.app
    url = f"{FACEBOOK}/v25.0/oauth/access_token"
    about = {"client_id": app.facebook_id, "client_secret": app.facebook_secret}
    code = await _code(client, "facebook")
    for wrong, subcode in (({"redirect_uri": f"{BACK}/"}, 36008), ({"code": "AQBno"}, None)):
        sent = {"redirect_uri": BACK, "code": code, **wrong}
        assert numbers(await client.get(url, **about, **sent)) == (100, subcode)
    short = await client.get(url, **about, redirect_uri=BACK, code=code)
    assert short["expires_in"] == 3600
    again = await client.get(url, **about, redirect_uri=BACK, code=code)
    assert numbers(again) == (100, 36009)

    grant = {"grant_type": "fb_exchange_token"}
    long = await client.get(url, **about, **grant, fb_exchange_token=short["access_token"])
    assert long["expires_in"] == SIXTY_DAYS
    fields = "id,name,access_token,instagram_business_account{id,username}"
    accounts = f"{FACEBOOK}/v25.0/me/accounts"
    first = await client.get(accounts, long["access_token"], fields=fields, limit="1")
    assert "instagram_business_account" not in first["data"][0]
    after = first["paging"]["cursors"]["after"]
    second = await client.get(accounts, long["access_token"], fields=fields, after=after)
    (page,) = second["data"]
    assert page["instagram_business_account"]["username"] == "mia"

    inspect = f"{FACEBOOK}/v25.0/debug_token"
    app_token = f"{app.facebook_id}|{app.facebook_secret}"
    about_page = await client.get(inspect, app_token, input_token=page["access_token"])
    assert about_page["data"]["expires_at"] == 0
    clock.advance(days=61)
    assert (await client.get(f"{FACEBOOK}/v25.0/me", page["access_token"]))["id"] == page["id"]
    dead = await client.get(url, **about, **grant, fb_exchange_token=long["access_token"])
    assert numbers(dead) == (190, 463)
    about_user = await client.get(inspect, app_token, input_token=long["access_token"])
    assert about_user["data"]["is_valid"] is False


async def test_instagram_from_the_dialog_to_the_refresh(client: Client, clock: StillClock) -> None:
    app = client.meta.app
    code = await _code(client, "instagram")
    form = {
        "client_id": app.instagram_id,
        "client_secret": app.instagram_secret,
        "grant_type": "authorization_code",
        "redirect_uri": BACK,
        "code": code,
    }
    wrong = await client.post(LOG_IN, **{**form, "client_secret": "no"})
    assert wrong["error_type"] == "OAuthException"
    (short,) = (await client.post(LOG_IN, **form))["data"]
    assert (await client.post(LOG_IN, **form))["error_message"].endswith("has been used.")

    def exchange(token: str) -> dict[str, str]:
        grant = {"grant_type": "ig_exchange_token", "client_secret": app.instagram_secret}
        return {**grant, "access_token": token}

    def refresh(token: str) -> dict[str, str]:
        return {"grant_type": "ig_refresh_token", "access_token": token}

    renew = f"{INSTAGRAM}/refresh_access_token"
    assert numbers(await client.get(renew, **refresh(short["access_token"]))) == (452, None)
    long = await client.get(f"{INSTAGRAM}/access_token", **exchange(short["access_token"]))
    token = long["access_token"]
    assert long["expires_in"] == SIXTY_DAYS
    me = await client.get(f"{INSTAGRAM}/v25.0/me", token, fields="user_id,username,account_type")
    assert me == {
        "id": short["user_id"],
        "user_id": client.meta.people.account("mia").id,
        "username": "mia",
        "account_type": "BUSINESS",
    }
    again = await client.get(f"{INSTAGRAM}/access_token", **exchange(token))
    assert numbers(again) == (452, None)
    assert "error" in await client.get(renew, **refresh(token))
    clock.advance(hours=24)
    renewed = await client.get(renew, **refresh(token))
    assert renewed["expires_in"] == SIXTY_DAYS
    assert renewed["access_token"] != token
    clock.advance(days=59)
    assert numbers(await client.get(renew, **refresh(token))) == (190, 463)
    assert "id" in await client.get(f"{INSTAGRAM}/v25.0/me", renewed["access_token"])


async def test_a_code_lives_an_hour(client: Client, clock: StillClock) -> None:
    app = client.meta.app
    code = await _code(client, "facebook")
    clock.advance(hours=1)
    late = await client.get(
        f"{FACEBOOK}/v25.0/oauth/access_token",
        client_id=app.facebook_id,
        client_secret=app.facebook_secret,
        redirect_uri=BACK,
        code=code,
    )
    assert numbers(late) == (100, 36007)


@pytest.mark.parametrize("flavour", ["facebook", "instagram"])
async def test_who_cancels_goes_back_without_a_code(client: Client, flavour: str) -> None:
    location = (await _answer(client, flavour, "deny")).headers["Location"]
    query = parse_qs(urlsplit(location).query)
    assert query["error_reason"] == ["user_denied"]
    assert query["state"] == ["s<1>"]
    assert "code" not in query


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"client_id": "1"}, "Invalid App ID"),
        ({"redirect_uri": "https://evil.example/"}, "URL Blocked"),
        ({"response_type": "token"}, "Invalid response_type"),
        ({"scope": "instagram_basic,<b>all</b>"}, "Invalid Scopes: &lt;b&gt;all&lt;/b&gt;"),
    ],
)
async def test_dialogs_refuse(client: Client, change: dict[str, str], words: str) -> None:
    page = await _answer(client, "facebook", "allow", **change)
    assert page.status_code == 400
    assert words in page.text


async def test_revoked_tokens_end_and_new_ones_are_good(client: Client) -> None:
    meta = client.meta
    me = f"{INSTAGRAM}/v25.0/me"
    old = meta.instagram_token("mia", age=timedelta(days=3))
    other = meta.instagram_token("leo")
    meta.revoke("mia", 460)
    assert numbers(await client.get(me, old)) == (190, 460)
    assert "id" in await client.get(me, other)
    assert "id" in await client.get(me, meta.instagram_token("mia"))
    meta.bad_days.switch("meta-token-revoked", True)
    assert numbers(await client.get(me, other)) == (190, 458)
