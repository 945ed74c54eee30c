"""Log-ins and tokens of both flavours; secrets go where Meta wants them and nowhere else."""

import logging
import traceback
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from services.errors import AppMissing, MetaChanged, MetaError, MetaUnavailable, TokenRefused
from services.graph.access import (
    INSIGHT_SCOPES,
    STORY_SCOPES,
    Access,
    App,
    Page,
    Profile,
    TokenFacts,
)
from services.graph.tokens import Granted
from services.graph.wire import Flavour
from storage.vault import Secret
from tests.contracts.check_graph import ANSWERS, CONTRACT
from tests.services.graph.meta import TOKEN, USER_ID, refusal

FACEBOOK, INSTAGRAM = Flavour.FACEBOOK, Flavour.INSTAGRAM
APPS = {flavour: App("1234", Secret("plantedappsecret")) for flavour in Flavour}
BACK = "https://reelay.example/meta"
LONG = {"access_token": "EAABplantedlong", "token_type": "bearer", "expires_in": 5183944}
SCOPES = "instagram_business_basic,instagram_business_content_publish"


def access(there, apps=APPS):
    return Access(there.client, apps, there.clock)


def long(there, scopes=()):
    return Granted(Secret("EAABplantedlong"), there.clock() + timedelta(seconds=5183944), scopes)


@pytest.mark.parametrize(
    ("flavour", "dialog"),
    [
        (FACEBOOK, "https://www.facebook.com/v25.0/dialog/oauth"),
        (INSTAGRAM, "https://www.instagram.com/oauth/authorize"),
    ],
)
def test_the_link_of_a_log_in(meta, flavour, dialog):
    link = access(meta({})).link(flavour, BACK, "st&te", STORY_SCOPES[flavour])
    assert link.partition("?")[0] == dialog
    assert parse_qs(urlsplit(link).query) == {
        "client_id": ["1234"],
        "redirect_uri": [BACK],
        "response_type": ["code"],
        "scope": [",".join(STORY_SCOPES[flavour])],
        "state": ["st&te"],
    }


async def test_a_code_of_facebook_becomes_a_long_lived_token(meta):
    there = meta({"access_token": "EAABplantedshort", "token_type": "bearer"}, LONG)
    assert await access(there).by_code(FACEBOOK, "plantedcode", BACK) == long(there)
    assert there.endpoints == [
        "GET /oauth/access_token#code",
        "GET /oauth/access_token#fb_exchange_token",
    ]
    assert there.sent[1].params["fb_exchange_token"] == "EAABplantedshort"


SHORT = {"access_token": "IGplantedshort", "user_id": USER_ID, "permissions": SCOPES}


@pytest.mark.parametrize(
    "short",
    [SHORT, {"data": [SHORT]}, {**SHORT, "permissions": SCOPES.split(",")}],
)
async def test_a_code_of_instagram_becomes_a_long_lived_token(meta, short):
    there = meta(short, LONG)
    granted = await access(there).by_code(INSTAGRAM, "plantedcode#_", BACK)
    assert granted == long(there, tuple(SCOPES.split(",")))
    assert there.endpoints == [
        "POST api.instagram.com/oauth/access_token",
        "GET /access_token",
    ]
    assert "planted" not in there.sent[0].url
    assert there.sent[0].params["code"] == "plantedcode"


async def test_a_code_is_good_once_so_it_is_sent_once(meta):
    for flavour in Flavour:
        there = meta(httpx.ReadTimeout("late"))
        with pytest.raises(MetaUnavailable):
            await access(there).by_code(flavour, "plantedcode", BACK)
        assert len(there.sent) == 1


@pytest.mark.parametrize(
    ("flavour", "answer"),
    [
        (FACEBOOK, (400, refusal(100, 36009))),
        (INSTAGRAM, (400, next(body for _, _, body, _ in ANSWERS if "error_message" in body))),
    ],
)
async def test_a_used_code_is_a_matter_of_a_new_log_in(meta, flavour, answer):
    with pytest.raises(TokenRefused):
        await access(meta(answer)).by_code(flavour, "plantedcode", BACK)


@pytest.mark.parametrize(
    "told",
    [refusal(1, message="Error validating client secret."), refusal(101, message="No such app")],
)
async def test_a_wrong_app_is_a_matter_of_the_operator(meta, told):
    there = access(meta((400, told)))
    for call in (
        there.by_code(FACEBOOK, "plantedcode", BACK),
        there.long_lived(INSTAGRAM, Secret(TOKEN)),
    ):
        with pytest.raises(AppMissing, match="secret"):
            await call
    body = {"error_type": "OAuthException", "code": 400, "error_message": "Invalid platform app"}
    with pytest.raises(AppMissing):
        await access(meta((400, body))).by_code(INSTAGRAM, "plantedcode", BACK)


async def test_tokens_are_renewed(meta):
    there = meta(LONG)
    for flavour in Flavour:
        assert await access(there).renewed(flavour, Secret(TOKEN)) == long(there)
    assert there.endpoints == [
        "GET /oauth/access_token#fb_exchange_token",
        "GET /refresh_access_token",
    ]


async def test_no_app_is_needed_to_renew_instagrams_tokens(meta):
    there = meta(LONG)
    assert await access(there, {}).renewed(INSTAGRAM, Secret(TOKEN)) == long(there)
    with pytest.raises(AppMissing):
        await access(there, {}).renewed(FACEBOOK, Secret(TOKEN))
    with pytest.raises(AppMissing):
        access(there, {}).link(INSTAGRAM, BACK, "state", ())


@pytest.mark.parametrize("given", [{}, {"access_token": ""}, {"access_token": "two words"}])
async def test_an_empty_token_is_no_token(meta, given):
    for flavour in Flavour:
        with pytest.raises(MetaChanged):
            await access(meta({**LONG, "access_token": None, **given})).renewed(
                flavour, Secret(TOKEN)
            )


async def test_an_end_that_is_not_told_is_not_known(meta):
    there = meta({"access_token": "EAABplantedlong", "token_type": "bearer"})
    assert (await access(there).long_lived(FACEBOOK, Secret(TOKEN))).expires_at is None


FACTS = {
    "app_id": "1234",
    "type": "USER",
    "is_valid": True,
    "expires_at": 1800000000,
    "issued_at": 1794816000,
    "data_access_expires_at": 1799000000,
    "scopes": ["instagram_basic", "instagram_content_publish"],
    "user_id": "99",
}


async def test_what_a_token_of_facebook_is(meta):
    there = meta({"data": FACTS})
    facts = await access(there).inspect(FACEBOOK, Secret(TOKEN))
    assert facts == TokenFacts(
        kind="USER",
        user_id="99",
        scopes=("instagram_basic", "instagram_content_publish"),
        issued_at=datetime.fromtimestamp(1794816000, UTC),
        expires_at=datetime.fromtimestamp(1800000000, UTC),
        data_ends_at=datetime.fromtimestamp(1799000000, UTC),
    )
    assert there.sent[0].headers["authorization"] == "Bearer 1234|plantedappsecret"

    there = meta({"data": {**FACTS, "type": "PAGE", "expires_at": 0}})
    facts = await access(there, {}).inspect(FACEBOOK, Secret(TOKEN))
    assert (facts.unlimited, facts.expires_at) == (True, None)
    assert there.sent[0].headers["authorization"] == f"Bearer {TOKEN}"


async def test_a_dead_token_says_why(meta):
    told = {"code": 190, "subcode": 460, "message": "The session has been invalidated"}
    for data in ({"is_valid": False}, {"is_valid": False, "error": told}):
        with pytest.raises(TokenRefused):
            await access(meta({"data": data})).inspect(FACEBOOK, Secret(TOKEN))
    with pytest.raises(TokenRefused):
        await access(meta((400, refusal(190)))).inspect(INSTAGRAM, Secret(TOKEN))


async def test_whose_a_token_of_instagram_is(meta):
    body = {"user_id": USER_ID, "username": "anna", "account_type": "BUSINESS", "id": "77"}
    there = meta(body)
    assert await access(there).profile(Secret(TOKEN)) == Profile(USER_ID, "anna", "BUSINESS")
    assert await access(there).inspect(INSTAGRAM, Secret(TOKEN)) == TokenFacts()
    shown = next(body for _, endpoint, body, _ in ANSWERS if endpoint == "GET /me")
    assert await access(meta(shown)).profile(Secret(TOKEN)) == Profile(shown["user_id"], "u")


PAGE = {
    "id": "5",
    "name": "Anna's",
    "access_token": "EAABplantedpage",
    "instagram_business_account": {"id": USER_ID, "username": "anna"},
}
ANNAS = Page("5", "Anna's", Secret("EAABplantedpage"), Profile(USER_ID, "anna"))


async def test_the_pages_of_a_person_over_several_answers(meta):
    paging = {"cursors": {"before": "a", "after": "b"}, "next": "https://elsewhere.example/"}
    there = meta({"data": [PAGE], "paging": paging}, {"data": [{"id": "6", "name": "Empty"}]})
    found = await access(there).pages(Secret(TOKEN))
    assert found == [ANNAS, Page("6", "Empty", None, None)]
    assert there.sent[1].params["after"] == "b"


async def test_pages_end_somewhere(meta):
    paging = {"cursors": {"after": "b"}, "next": "https://graph.facebook.com/"}
    there = meta({"data": [], "paging": paging})
    assert await access(there).pages(Secret(TOKEN)) == []
    assert len(there.sent) == 10


async def test_a_pages_own_token(meta):
    linked = {name: PAGE[name] for name in ("id", "name", "instagram_business_account")}
    there = meta((400, refusal(100)), linked)
    assert await access(there).pages(Secret(TOKEN)) == [
        Page("5", "Anna's", Secret(TOKEN), Profile(USER_ID, "anna"))
    ]


def test_scopes_are_those_of_the_contract():
    for flavour in Flavour:
        host = f"graph.{flavour}.com"
        story = CONTRACT["POST /{ig-user-id}/media"]["scopes"][host]
        assert set(story) <= set(STORY_SCOPES[flavour])
        insights = CONTRACT["GET /{ig-user-id}/insights"]["scopes"][host]
        assert set(insights) == set(INSIGHT_SCOPES[flavour])


@pytest.mark.parametrize("answer", [(400, refusal(190)), httpx.ReadTimeout("late"), (200, b"{")])
async def test_no_secret_in_errors_or_in_our_logs(meta, caplog, answer):
    """httpx's own lines name addresses: bot/logs.py keeps them quiet."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel("WARNING")
    there = access(meta(answer))
    for call in (
        there.by_code(FACEBOOK, "plantedcode", BACK),
        there.by_code(INSTAGRAM, "plantedcode", BACK),
        there.renewed(FACEBOOK, Secret(TOKEN)),
        there.renewed(INSTAGRAM, Secret(TOKEN)),
        there.inspect(FACEBOOK, Secret(TOKEN)),
    ):
        with pytest.raises(MetaError) as caught:
            await call
        told = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
        assert "planted" not in told + caplog.text


@pytest.mark.parametrize("odd", ["", "two words", "line\nbreak"])
async def test_what_is_no_token_or_code_is_not_sent(meta, odd):
    there = meta({})
    for call in (
        access(there).by_code(FACEBOOK, odd, BACK),
        access(there).renewed(INSTAGRAM, Secret(odd)),
        access(there).inspect(FACEBOOK, Secret(odd)),
    ):
        with pytest.raises(TokenRefused):
            await call
    assert there.sent == []
