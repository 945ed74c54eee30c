"""The page of what is live: every account's stories of the moment, for people and for programs.

GET /live is HTML, GET /live.json the same as JSON; /media/<id>.<ext> are the files. `server` mounts
it. No token is needed, for stories are public.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from html import escape

from aiohttp import web

from sandbox.graph.containers import LIFE, Containers, Story
from sandbox.graph.people import Account, People
from sandbox.graph.refusals import Json

STYLE = """body{font:1rem/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem;
color-scheme:light dark}ul{display:flex;flex-wrap:wrap;gap:1rem;list-style:none;padding:0}
img,video{width:9rem;height:16rem;object-fit:contain;background:#8883;border-radius:.5rem;
display:block}small{opacity:.7}"""


class LivePage:
    def __init__(self, people: People, containers: Containers, now: Callable[[], datetime]) -> None:
        self._people = people
        self._containers = containers
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/live", self.page),
            web.get("/live.json", self.data),
            web.get("/media/{id:[0-9]+}.{extension:jpg|mp4}", self.file),
        ]

    async def page(self, request: web.Request) -> web.Response:
        parts = [self._section(account) for account in self._people.accounts.values()]
        text = (
            '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Live stories</title>'
            '<meta name="viewport" content="width=device-width">'
            f"<style>{STYLE}</style><h1>Live at the sandbox's Instagram</h1>{''.join(parts)}</html>"
        )
        return web.Response(text=text, content_type="text/html")

    def _section(self, account: Account) -> str:
        live = self._containers.live(account)
        count = f"{len(live)} live" if live else "nothing live"
        items = "".join(self._item(story) for story in live)
        name = escape(account.username)
        return f"<h2>@{name} <small>{count}</small></h2><ul>{items}</ul>"

    def _item(self, story: Story) -> str:
        hours = (story.at + LIFE - self._now()).total_seconds() / 3600
        address = escape(_address(story))
        shown = (
            f'<video src="{address}" controls></video>'
            if story.media_type == "VIDEO"
            else f'<img src="{address}" alt="story {escape(story.id)}">'
        )
        when = story.at.strftime("%Y-%m-%d %H:%M UTC")
        return f"<li>{shown}<small>{when}<br>{hours:.1f} h left</small></li>"

    async def data(self, request: web.Request) -> web.Response:
        """{username: [{id, container, media_type, at, sha256, url}, …]}, newest first."""
        body = {
            account.username: [_facts(story) for story in self._containers.live(account)]
            for account in self._people.accounts.values()
        }
        return web.json_response(body)

    async def file(self, request: web.Request) -> web.Response:
        story = self._containers.live_story(request.match_info["id"])
        if story is None:
            return web.Response(status=404, text="File not found")
        return web.Response(body=story.media.data, content_type=story.media.mime)


def _address(story: Story) -> str:
    return f"/media/{story.id}.{'mp4' if story.media_type == 'VIDEO' else 'jpg'}"


def _facts(story: Story) -> Json:
    return {
        "id": story.id,
        "container": story.container,
        "media_type": story.media_type,
        "at": story.at.isoformat(),
        "sha256": story.media.sha256,
        "url": _address(story),
    }
