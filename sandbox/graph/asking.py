"""One request as the handlers of `api` and `log_in` get it: found, read and checked by `server`."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field

from aiohttp import web

from sandbox.graph.fields import Asked
from sandbox.graph.people import App
from sandbox.graph.refusals import Json, Refusal, Refused, invalid
from sandbox.graph.rules import FACEBOOK, Call
from sandbox.graph.tokens import Token

PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class Asking:
    """`id`: of the node in the path. `token_text`: from the header or the parameter.

    `fields` None: none were asked for.
    """

    request: web.Request
    call: Call
    host: str
    id: str
    params: dict[str, str]
    token_text: str | None
    token: Token | None = None
    fields: Asked | None = field(default=None)

    @property
    def url(self) -> str:
        """As clients of Meta write it, without its parameters."""
        return f"https://{self.host}{self.request.match_info['path']}"

    def page_of(self, rows: list[Json]) -> Json:
        """The rows of one page with its cursors, as `limit` and `after` want it."""
        size = int(self.params.get("limit", PAGE_SIZE))
        after = self.params.get("after")
        start = 0
        if after:
            places = [place for place, row in enumerate(rows) if row["id"] == after]
            if not places:
                raise invalid("Invalid cursor")
            start = places[0] + 1
        page = rows[start : start + size]
        if not page:
            return {"data": []}
        paging: Json = {"cursors": {"before": page[0]["id"], "after": page[-1]["id"]}}
        if start + size < len(rows):
            # Meta's own link carries the token; this one is for clients that know they must not.
            paging["next"] = f"{self.url}?after={page[-1]['id']}"
        return {"data": page, "paging": paging}


async def read_params(request: web.Request) -> dict[str, str]:
    """Query, form or JSON; the body wins. Errors: Refused with 100."""
    params = dict(request.query)
    if not request.can_read_body:
        return params
    if request.content_type == "application/json":
        try:
            body = await request.json()
        except (ValueError, LookupError):
            raise invalid("The JSON body cannot be parsed") from None
        if not isinstance(body, dict):
            raise invalid("The JSON body must be an object")
        for name, value in body.items():
            params[name] = value if isinstance(value, str) else json.dumps(value)
        return params
    try:
        form = await request.post()
    except (ValueError, LookupError):
        raise invalid("The body cannot be parsed") from None
    for name, value in form.items():
        if not isinstance(value, str):
            raise invalid(f"Param {name} must be a string")
        params[name] = value
    return params


def read_token(request: web.Request, params: dict[str, str], scheme: str) -> str | None:
    """`scheme`: "Bearer", or "OAuth" for uploads. None where none came."""
    start, _, text = request.headers.get("Authorization", "").partition(" ")
    if start == scheme and text:
        return text
    return params.get("access_token")


def check_proof(app: App, host: str, proof: str | None, token: str) -> None:
    """Errors: Refused for an appsecret_proof that is none of this token's."""
    if proof is None:
        return
    secret = app.facebook_secret if host == FACEBOOK else app.instagram_secret
    wanted = hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted, proof):
        raise Refused(
            Refusal(
                100,
                "Invalid appsecret_proof provided in the API argument",
                type="GraphMethodException",
            )
        )
