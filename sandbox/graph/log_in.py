"""Logging in at Meta: the two dialogs with their codes, and the calls that give tokens for them.

`server` mounts the handlers. The dialogs ask who one is instead of for a password, for everybody
here is an invention; a browser or a test answers them with a form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from sandbox.graph.asking import Asking
from sandbox.graph.people import App, People
from sandbox.graph.refusals import Json, LogInRefused, Refusal, Refused, documented, missing
from sandbox.graph.rules import LOG_IN, Call
from sandbox.graph.tokens import (
    FACEBOOK_SCOPES,
    INSTAGRAM_SCOPES,
    WRONG_KIND,
    Kind,
    Token,
    Tokens,
)

CODE_LIFE = timedelta(hours=1)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
NO_CODE = Refusal(100, "Invalid verification code format.")
OTHER_ADDRESS = Refusal(
    100,
    "Error validating verification code. Please make sure your redirect_uri is identical to the one"
    " you used in the OAuth dialog request",
    36008,
)
OLD_CODE = Refusal(100, "This authorization code has expired.", 36007)
USED_CODE = Refusal(100, "This authorization code has been used.", 36009)
NO_APP = Refusal(
    101,
    "Error validating application. Cannot get application info due to a system error.",
)
WRONG_SECRET = Refusal(1, "Error validating client secret.")
PAGE = """<!DOCTYPE html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title><style>body{{font:1rem/1.5 system-ui;max-width:32rem;margin:3rem auto;
padding:0 1rem;color-scheme:light dark}}button{{font:inherit;padding:.4rem 1rem;
margin:.2rem}}</style>
<h1>{title}</h1><p>This is the sandbox's {title}. Nothing is real.</p>{body}</html>"""


@dataclass(slots=True)
class _Code:
    app_id: str
    redirect_uri: str
    user: str
    scopes: frozenset[str]
    at: datetime
    used: bool = False


class LogIn:
    def __init__(
        self, app: App, people: People, tokens: Tokens, now: Callable[[], datetime]
    ) -> None:
        self._app = app
        self._people = people
        self._tokens = tokens
        self._now = now
        self._codes: dict[str, _Code] = {}

    # ------------------------------------------------------------------ the dialogs

    async def dialog(self, asking: Asking) -> web.Response:
        """A page; on POST with `person` and `answer` (allow or deny) the way back to the app."""
        is_instagram = asking.call is Call.INSTAGRAM_DIALOG
        params = dict(asking.request.query)
        title = "Instagram log-in" if is_instagram else "Facebook log-in"
        if problem := self._problem(params, is_instagram):
            body = f"<p>{escape(problem)}</p>"
            return _html(PAGE.format(title=title, body=body), 400)
        if asking.request.method == "GET":
            return _html(PAGE.format(title=title, body=self._form(params, is_instagram)))
        form = await asking.request.post()
        return self._answer(params, str(form.get("person", "")), form.get("answer"), is_instagram)

    def _problem(self, params: dict[str, str], is_instagram: bool) -> str | None:
        app_id = self._app.instagram_id if is_instagram else self._app.facebook_id
        scopes = INSTAGRAM_SCOPES if is_instagram else FACEBOOK_SCOPES
        if params["client_id"] != app_id:
            return "Invalid platform app" if is_instagram else "Invalid App ID"
        if not self._may_go_to(params["redirect_uri"]):
            return (
                "URL Blocked: This redirect failed because the redirect URI is not whitelisted in"
                " the app's Client OAuth Settings."
            )
        if params["response_type"] != "code":
            return "Invalid response_type"
        unknown = sorted(_scopes(params) - scopes)
        if unknown or not (params.get("scope") or params.get("config_id")):
            return f"Invalid Scopes: {', '.join(unknown)}"
        return None

    def _may_go_to(self, uri: str) -> bool:
        try:
            parts = urlsplit(uri)
            local = parts.scheme in ("http", "https") and parts.hostname in LOOPBACK
        except ValueError:
            return False
        return local or uri in self._app.redirect_uris

    def _form(self, params: dict[str, str], is_instagram: bool) -> str:
        if is_instagram:
            names = [account.username for account in self._people.accounts.values()]
        else:
            names = [person.username for person in self._people.facebookers.values()]
        wants = ", ".join(sorted(_scopes(params))) or "what its configuration says"
        people = "".join(
            f'<button name="person" value="{escape(name)}">Continue as {escape(name)}</button>'
            for name in names
        )
        return (
            f"<p>The app wants: {escape(wants)}</p>"
            f'<form method="post"><input type="hidden" name="answer" value="allow">{people}</form>'
            '<form method="post"><button name="answer" value="deny">Cancel</button></form>'
        )

    def _answer(
        self, params: dict[str, str], username: str, answer: object, is_instagram: bool
    ) -> web.Response:
        back = {"state": params["state"]} if "state" in params else {}
        if answer != "allow":
            said = {
                "error": "access_denied",
                "error_reason": "user_denied",
                "error_description": "Permissions error"
                if not is_instagram
                else "The user denied your request",
            }
            return _redirect(params["redirect_uri"], {**said, **back})
        try:
            user = (
                self._people.account(username).id
                if is_instagram
                else self._people.facebooker(username).id
            )
        except KeyError:
            return _html(PAGE.format(title="Log-in", body="<p>Nobody of that name</p>"), 400)
        known = INSTAGRAM_SCOPES if is_instagram else FACEBOOK_SCOPES
        code = self._new_code(params, user, _scopes(params) or known)
        fragment = "#_" if is_instagram else "#_=_"  # both leave one behind the address
        return _redirect(params["redirect_uri"], {"code": code, **back}, fragment)

    def _new_code(self, params: dict[str, str], user: str, scopes: frozenset[str]) -> str:
        digest = hashlib.sha256(f"code {len(self._codes)} {user}".encode()).hexdigest()
        code = f"AQB{digest}"
        self._codes[code] = _Code(
            params["client_id"], params["redirect_uri"], user, scopes, self._now()
        )
        return code

    # ------------------------------------------------------------------ Facebook's tokens

    async def facebook_token(self, asking: Asking) -> Json:
        params = asking.params
        self._check_app(params)
        if "grant_type" in params:
            if not params.get("fb_exchange_token"):
                raise missing("fb_exchange_token")
            old = self._tokens.checked(params["fb_exchange_token"], instagram=False)
            return self._granted(self._tokens.lengthened(old))
        for name in ("redirect_uri", "code"):
            if not params.get(name):
                raise missing(name)
        code = self._taken(params)
        return self._granted(self._tokens.issue(Kind.USER, code.user, code.scopes))

    def _check_app(self, params: dict[str, str]) -> None:
        if params["client_id"] != self._app.facebook_id:
            raise Refused(NO_APP)
        if params["client_secret"] != self._app.facebook_secret:
            raise Refused(WRONG_SECRET)

    def _taken(self, params: dict[str, str]) -> _Code:
        """The code behind a log-in, which is used up by that. Errors: Refused."""
        code = self._codes.get(params["code"])
        if code is None or code.app_id != params["client_id"]:
            raise Refused(NO_CODE)
        if code.redirect_uri != params["redirect_uri"]:
            raise Refused(OTHER_ADDRESS)
        if code.used:
            raise Refused(USED_CODE)
        if self._now() - code.at >= CODE_LIFE:
            raise Refused(OLD_CODE)
        code.used = True
        return code

    def _granted(self, token: Token) -> Json:
        return {
            "access_token": token.text,
            "token_type": "bearer",
            "expires_in": self._tokens.seconds_left(token),
        }

    async def inspect(self, asking: Asking) -> Json:
        """debug_token: with the app's own token, or one of a user."""
        app_token = f"{self._app.facebook_id}|{self._app.facebook_secret}"
        if asking.token_text != app_token:
            self._tokens.checked(asking.token_text, instagram=False)
        token = self._tokens.find(asking.params["input_token"])
        if token is None or token.kind is Kind.INSTAGRAM:
            problem = documented(190)
            error = {"code": 190, "message": problem.message}
            return {"data": {"error": error, "is_valid": False, "scopes": []}}
        data: Json = {
            "app_id": self._app.facebook_id,
            "type": token.kind.value,
            "application": "Reelay",
            "is_valid": self._tokens.is_valid(token),
            "issued_at": int(token.issued_at.timestamp()),
            "expires_at": int(token.expires_at.timestamp()) if token.expires_at else 0,
            "data_access_expires_at": int(self._tokens.data_access_ends(token).timestamp()),
            "scopes": sorted(token.scopes),
            "granular_scopes": [{"scope": scope} for scope in sorted(token.scopes)],
            "user_id": token.user,
        }
        if token.kind is Kind.PAGE:
            data["profile_id"] = token.owner
        return {"data": data}

    # ------------------------------------------------------------------ Instagram's tokens

    async def instagram_code(self, asking: Asking) -> Json:
        """Errors: LogInRefused."""
        params = asking.params
        if params["client_id"] != self._app.instagram_id:
            raise LogInRefused("Invalid platform app")
        if params["client_secret"] != self._app.instagram_secret:
            raise LogInRefused("Error validating client secret.")
        try:
            code = self._taken(params)
        except Refused as problem:
            raise LogInRefused(problem.refusal.message) from None
        token = self._tokens.issue(Kind.INSTAGRAM, code.user, code.scopes)
        scoped = self._people.accounts[code.user].scoped_id
        granted = {
            "access_token": token.text,
            "user_id": scoped,
            "permissions": ",".join(sorted(token.scopes)),
        }
        return {"data": [granted]}

    async def instagram_exchange(self, asking: Asking) -> Json:
        """Short to long; tokens of the dashboard are long already and are refused."""
        assert asking.token is not None
        if asking.params["client_secret"] != self._app.instagram_secret:
            raise Refused(WRONG_SECRET)
        if asking.token.is_long:
            raise Refused(WRONG_KIND)
        return self._lengthened(asking.token)

    async def instagram_refresh(self, asking: Asking) -> Json:
        assert asking.token is not None
        self._tokens.may_refresh(asking.token)
        return self._lengthened(asking.token)

    def _lengthened(self, old: Token) -> Json:
        token = self._tokens.lengthened(old)
        return {**self._granted(token), "permissions": ",".join(sorted(token.scopes))}


def refused_at(host: str, problem: Refused) -> Json:
    """The body of a refusal: api.instagram.com has its own."""
    if host == LOG_IN:
        return LogInRefused(problem.refusal.message).body()
    return problem.refusal.body()


def _scopes(params: dict[str, str]) -> frozenset[str]:
    return frozenset(params.get("scope", "").replace(" ", ",").split(",")) - {""}


def _redirect(uri: str, query: dict[str, str], fragment: str = "") -> web.Response:
    joint = "&" if urlsplit(uri).query else "?"
    location = f"{uri}{joint}{urlencode(query)}{fragment}"
    return web.Response(status=302, headers={"Location": location})


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html")
