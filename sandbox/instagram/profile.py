"""Profiles as gallery-dl reads them: a web page with tokens, the site's scripts, one GraphQL query.

`server` mounts the handlers; pages and queries need a session, the scripts do not.
"""

from __future__ import annotations

import json

from aiohttp import web

from sandbox.instagram.answers import json_answer, page
from sandbox.instagram.cdn import Cdn
from sandbox.world import World
from sandbox.world.media_json import Json, full_user

SCRIPT = "https://static.cdninstagram.com/rsrc.php/v4/yX/r/sandbox.js"
PROFILE_QUERY = "PolarisProfilePageContentQuery"
DOCUMENTS = {PROFILE_QUERY: "90000000000000001"}
LSD, DTSG = "AVrSandboxLsd", "NAcSandboxDtsg:17:1790000000"


class Profiles:
    def __init__(self, world: World, cdn: Cdn) -> None:
        self._world = world
        self._cdn = cdn

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/graphql", self.graphql),
            web.get("/{username}/", self.profile),
        ]

    async def home(self, request: web.Request) -> web.Response:
        """Also where gallery-dl takes its tokens from when a profile is asked for by number."""
        return page(_bootstrap(""))

    async def profile(self, request: web.Request) -> web.Response:
        person = self._world.person(request.match_info["username"])
        if person is None:
            return page("<html><title>Page not found</title></html>", 404)
        route = {"params": {"username": person.username}}
        return page(
            _bootstrap(
                f'"profile_id":"{person.pk}","props":{json.dumps(route, separators=(",", ":"))}'
            )
        )

    async def script(self, request: web.Request) -> web.Response:
        """Tells the number of each query's document, as the site's own scripts do."""
        lines = [
            f'__d("{name}_instagramRelayOperation",[],(function(a,b,c,d,e,f)'
            f'{{e.exports="{document}"}}),null);\n'
            f'__d("{name}.graphql",["PolarisSandboxFlag.relayprovider"],(function(){{}}),null);'
            for name, document in DOCUMENTS.items()
        ]
        return web.Response(text="\n".join(lines), content_type="application/x-javascript")

    async def graphql(self, request: web.Request) -> web.Response:
        form = await request.post()
        name = str(form.get("fb_api_req_friendly_name"))
        document = str(form.get("doc_id"))
        if DOCUMENTS.get(name) != document:
            return _failed(f"The GraphQL document with ID {document} was not found.")
        if (form.get("lsd"), form.get("fb_dtsg")) != (LSD, DTSG):
            return _failed("Please refresh the page and try again.")
        pk = str(json.loads(str(form["variables"]))["id"])
        person = self._world.person_by_pk(int(pk)) if pk.isdecimal() else None
        if person is None:
            return _failed("execution error")
        count = len(self._world.posts_by(person.username))
        data = {"user": full_user(person, count, self._cdn.file_url), "viewer": {}}
        return json_answer({"data": data, "extensions": {"is_final": True}, "status": "ok"})


def _failed(message: str) -> web.Response:
    body: Json = {"errors": [{"message": message, "severity": "CRITICAL"}], "data": None}
    return json_answer(body)


def _bootstrap(profile: str) -> str:
    tokens = json.dumps({"u": "/ajax", "e": "s", "w": 0, "f": DTSG, "l": LSD})
    return (
        "<!DOCTYPE html><html><head><title>Instagram</title>"
        f'<link rel="preload" as="script" href="{SCRIPT}">'
        f'<script type="application/json" id="__eqmc">{tokens}</script></head>'
        f"<body><script>{{{profile}}}</script></body></html>"
    )
