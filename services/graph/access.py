"""Log-ins at Meta: the link a person follows, codes and tokens that become long-lived ones, and
what a token may do.

Called by the connection's screens and jobs and by the daily renewal. Meta wants secrets of these
calls in the query of a GET; the contract of its API knows no other way. So nothing logs addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from urllib.parse import urlencode

from services.clock import Now
from services.errors import (
    AppMissing,
    MetaChanged,
    MetaError,
    MetaUnavailable,
    RequestRefused,
    TokenRefused,
)
from services.graph.reading import Fields, is_token
from services.graph.refusals import judge, read_said
from services.graph.tokens import Granted
from services.graph.wire import Answer, Flavour, GraphClient
from storage.vault import Secret

STORY_SCOPES: Mapping[Flavour, tuple[str, ...]] = MappingProxyType(
    {
        Flavour.FACEBOOK: (
            "instagram_basic",
            "instagram_content_publish",
            "pages_read_engagement",
            "pages_show_list",
        ),
        Flavour.INSTAGRAM: ("instagram_business_basic", "instagram_business_content_publish"),
    }
)
INSIGHT_SCOPES: Mapping[Flavour, tuple[str, ...]] = MappingProxyType(
    {
        Flavour.FACEBOOK: (
            "instagram_basic",
            "instagram_manage_insights",
            "pages_read_engagement",
        ),
        Flavour.INSTAGRAM: ("instagram_business_basic", "instagram_business_manage_insights"),
    }
)
_PAGES_OF_PAGES = 10
_NO_APP = 101
_LONGEST = timedelta(days=3650)
_PROFILE = "user_id,username,account_type"
_LINKED = "id,name,instagram_business_account{id,username}"


@dataclass(frozen=True, slots=True)
class App:
    """The operator's app at Meta; each flavour has an id and a secret of its own."""

    id: str
    secret: Secret


@dataclass(frozen=True, slots=True)
class Profile:
    """A professional account at Instagram. `id` goes into paths. `account_type`: BUSINESS,
    MEDIA_CREATOR or CREATOR, "" where Meta did not tell."""

    id: str
    username: str
    account_type: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """At Facebook. `token`: from a long-lived user token it has no end. `instagram` None: no
    account is linked to it. `token` None: this person may not act as the Page."""

    id: str
    name: str
    token: Secret | None
    instagram: Profile | None


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What Meta says of a living token. None and (): it does not say, as of all tokens of Instagram
    Login. `kind`: USER, PAGE, SYSTEM_USER or "". `unlimited`: it has no end."""

    kind: str = ""
    user_id: str = ""
    scopes: tuple[str, ...] = ()
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    unlimited: bool = False
    data_ends_at: datetime | None = None


class Access:
    """`apps`: a flavour without one can only use tokens that are long-lived already."""

    def __init__(self, client: GraphClient, apps: Mapping[Flavour, App], now: Now) -> None:
        self._client = client
        self._apps = apps
        self._now = now

    # ------------------------------------------------------------ a person logs in

    def link(self, flavour: Flavour, redirect_uri: str, state: str, scopes: tuple[str, ...]) -> str:
        """Where the person goes. `state`: unguessable, single use, checked at the return.

        Errors: AppMissing.
        """
        query = {
            "client_id": self._app(flavour).id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": ",".join(scopes),
            "state": state,
        }
        addresses = self._client.addresses
        if flavour is Flavour.FACEBOOK:
            dialog = f"{addresses.facebook_dialog}/{self._client.version}/dialog/oauth"
        else:
            dialog = f"{addresses.instagram_dialog}/oauth/authorize"
        return f"{dialog}?{urlencode(query)}"

    async def by_code(self, flavour: Flavour, code: str, redirect_uri: str) -> Granted:
        """The long-lived token for the code that came back; `redirect_uri` as in the link.

        Errors: MetaError, AppMissing. A code is good once: after any error the person starts anew.
        """
        code = code.removesuffix("#_")
        if not is_token(code):
            raise TokenRefused("That log-in did not come from Meta.")
        try:
            short = await self._short_lived(flavour, code, redirect_uri)
        except MetaError as error:  # the code was used, is too old, or came to another address
            _check_app(error)
            if type(error) not in {MetaError, RequestRefused}:
                raise
            message = "Meta does not accept this log-in: it was used, or took too long."
            raise TokenRefused(message, said=error.said) from None
        long = await self.long_lived(flavour, short.token)
        return long if long.scopes else Granted(long.token, long.expires_at, short.scopes)

    async def _short_lived(self, flavour: Flavour, code: str, redirect_uri: str) -> Granted:
        app = self._app(flavour)
        query = {
            "client_id": app.id,
            "client_secret": app.secret.reveal(),
            "redirect_uri": redirect_uri,
            "code": code,
        }
        if flavour is Flavour.FACEBOOK:
            url = f"{self._client.api(flavour)}/oauth/access_token"
            return self._granted((await self._client.get(url, query, again=False)).fields)
        url = f"{self._client.addresses.instagram_login}/oauth/access_token"
        answer = await self._client.post(url, {**query, "grant_type": "authorization_code"})
        return self._granted(_flat(answer.fields))

    # ------------------------------------------------------------ tokens for tokens

    async def long_lived(self, flavour: Flavour, token: Secret) -> Granted:
        """60 days for a token of an hour. Not for those of Instagram's App Dashboard, which are
        long-lived already. Errors: MetaError, AppMissing."""
        app = self._app(flavour)
        if flavour is Flavour.FACEBOOK:
            url = f"{self._client.api(flavour)}/oauth/access_token"
            query = {
                "grant_type": "fb_exchange_token",
                "client_id": app.id,
                "client_secret": app.secret.reveal(),
                "fb_exchange_token": _whole(token),
            }
        else:
            url = f"{self._client.addresses.instagram}/access_token"
            query = {
                "grant_type": "ig_exchange_token",
                "client_secret": app.secret.reveal(),
                "access_token": _whole(token),
            }
        try:
            return self._granted((await self._client.get(url, query)).fields)
        except MetaError as error:
            _check_app(error)
            raise

    async def renewed(self, flavour: Flavour, token: Secret) -> Granted:
        """Another 60 days, see tokens.renewal for when. Facebook has no call of its own for it: a
        long-lived token is exchanged again. Errors: MetaError, AppMissing (Facebook)."""
        if flavour is Flavour.FACEBOOK:
            return await self.long_lived(flavour, token)
        url = f"{self._client.addresses.instagram}/refresh_access_token"
        query = {"grant_type": "ig_refresh_token", "access_token": _whole(token)}
        return self._granted((await self._client.get(url, query)).fields)

    # ------------------------------------------------------------ what a token is

    async def inspect(self, flavour: Flavour, token: Secret) -> TokenFacts:
        """Errors: TokenRefused for a dead one, else MetaError."""
        if flavour is Flavour.INSTAGRAM:  # debug_token is not documented for these
            await self.profile(token)
            return TokenFacts()
        app = self._apps.get(flavour)
        asking = Secret(f"{app.id}|{app.secret.reveal()}") if app else token
        url = f"{self._client.api(flavour)}/debug_token"
        answer = await self._client.get(url, {"input_token": _whole(token)}, asking)
        return _facts(answer.fields.fields("data"))

    # ------------------------------------------------------------ is it set up

    async def reach(self, flavour: Flavour) -> None:
        """Asks who nobody is, which Meta refuses if it is there and knows the API's version.

        Errors: MetaUnavailable; RequestRefused for the version; MetaChanged.
        """
        try:
            await self._client.get(f"{self._client.api(flavour)}/me", {"fields": "id"})
        except (MetaUnavailable, RequestRefused, MetaChanged):
            raise
        except MetaError:
            return

    async def check_app(self, flavour: Flavour) -> bool:
        """Whether Meta accepts the app's secret; False where it tells only at a log-in. Errors:
        AppMissing if it does not, other MetaError."""
        app = self._app(flavour)
        if flavour is Flavour.INSTAGRAM:
            return False
        asking = Secret(f"{app.id}|{app.secret.reveal()}")
        url = f"{self._client.api(flavour)}/debug_token"
        try:
            await self._client.get(url, {"input_token": "none"}, asking)
        except MetaError as error:
            _check_app(error)
            if isinstance(error, TokenRefused):
                raise AppMissing from None
            raise
        return True

    async def profile(self, token: Secret) -> Profile:
        """Whose a token of Instagram Login is."""
        answer = await self._me(Flavour.INSTAGRAM, token, _PROFILE)
        fields = answer.fields
        return Profile(  # `id` would be one that only this app knows
            fields.id("user_id"), fields.text("username"), fields.optional_text("account_type")
        )

    async def pages(self, token: Secret) -> list[Page]:
        """The Pages that a token of Facebook Login reaches: the user's, or the Page's own."""
        try:
            return await self._pages_of_user(token)
        except RequestRefused:  # a Page has no accounts: the token is a Page's
            answer = await self._me(Flavour.FACEBOOK, token, _LINKED)
            return [_page(answer.fields, token)]

    async def _pages_of_user(self, token: Secret) -> list[Page]:
        url = f"{self._client.api(Flavour.FACEBOOK)}/me/accounts"
        query = {"fields": f"{_LINKED},access_token", "limit": "100"}
        found: list[Page] = []
        for _ in range(_PAGES_OF_PAGES):
            answer = await self._client.get(url, query, token)
            found += [_page(one) for one in answer.fields.list("data")]
            paging = answer.fields.optional_fields("paging")
            cursors = paging.optional_fields("cursors") if paging else None
            if not paging or not cursors or not paging.optional_text("next"):
                break
            query = {**query, "after": cursors.text("after")}
        return found

    async def _me(self, flavour: Flavour, token: Secret, fields: str) -> Answer:
        return await self._client.get(f"{self._client.api(flavour)}/me", {"fields": fields}, token)

    def _app(self, flavour: Flavour) -> App:
        if flavour not in self._apps:
            raise AppMissing(subject=flavour)
        return self._apps[flavour]

    def _granted(self, fields: Fields) -> Granted:
        seconds = fields.optional_count("expires_in")
        lasts = min(timedelta(seconds=min(seconds, 1 << 30)), _LONGEST) if seconds else None
        return Granted(
            token=Secret(fields.token("access_token")),
            expires_at=self._now() + lasts if lasts else None,
            scopes=fields.texts("permissions"),
        )


def _check_app(error: MetaError) -> None:
    """Meta says that the app's secret is wrong with code 1, which else means a bad moment."""
    told = error.said.text.lower()
    if error.said.code == _NO_APP or "client secret" in told or "platform app" in told:
        raise AppMissing(
            "Meta does not know this bot's app, or refuses the app's secret.",
            "Ask whoever runs this bot to check the app's id and secret.",
        ) from None


def _flat(fields: Fields) -> Fields:
    """Meta's pages show {"data": [{…}]}, clients have seen the inner object alone."""
    if "data" not in fields.values:
        return fields
    rows = fields.list("data")
    if not rows:
        raise MetaChanged(subject=f"{fields.where}.data")
    return rows[0]


def _whole(token: Secret) -> str:
    if not is_token(token.reveal()):
        raise TokenRefused("This is not a token: it has spaces, or letters that tokens don't have.")
    return token.reveal()


def _page(fields: Fields, own: Secret | None = None) -> Page:
    linked = fields.optional_fields("instagram_business_account")
    given = fields.token("access_token") if fields.optional_text("access_token") else None
    return Page(
        id=fields.id("id"),
        name=fields.optional_text("name"),
        token=Secret(given) if given else own,
        instagram=Profile(linked.id("id"), linked.optional_text("username")) if linked else None,
    )


def _facts(data: Fields) -> TokenFacts:
    if not data.flag("is_valid"):
        told = data.optional_fields("error")
        error = judge(read_said(told), subject="debug_token") if told else TokenRefused()
        raise error if isinstance(error, TokenRefused) else TokenRefused(said=error.said)
    return TokenFacts(
        kind=data.optional_text("type"),
        user_id=data.optional_text("user_id"),
        scopes=data.texts("scopes"),
        issued_at=data.epoch("issued_at"),
        expires_at=data.epoch("expires_at"),
        unlimited=data.optional_count("expires_at") == 0,
        data_ends_at=data.epoch("data_access_expires_at"),
    )
