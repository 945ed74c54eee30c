"""The sandbox as one: every stand-in has its address, every bad day its one switch."""

from __future__ import annotations

import httpx
import pytest

from sandbox.demo import Sandbox
from sandbox.graph import media
from sandbox.world import World
from tests.support.clock import StillClock


async def test_stand_ins_and_bad_days_come_together(world: World) -> None:
    clock = StillClock()
    async with Sandbox(world, now=clock) as sandbox, httpx.AsyncClient() as http:
        assert "Live at" in (await http.get(sandbox.meta.live_url)).text
        assert (await http.get(sandbox.cloudinary.origin)).status_code == 404
        names = [day.name for day in sandbox.bad_days()]
        assert len(set(names)) == len(names)
        wanted = {"slow", "meta-down", "cloudinary-down"}
        for name in wanted:
            sandbox.switch(name, True)
        assert {day.name for day in sandbox.bad_days() if day.on} == wanted
        assert (await http.get(sandbox.cloudinary.origin)).status_code == 503
        with pytest.raises(KeyError):
            sandbox.switch("no such day", True)


async def test_the_panel_has_what_stories_need(world: World) -> None:
    """Tokens that are good, a photo and a film, the page of what is live, a zone of the sandbox."""
    async with Sandbox(world) as sandbox, httpx.AsyncClient() as http:
        notes = {note.name: note.text for note in sandbox.notes()}
        for name in ("mia", "leo"):
            answer = await http.get(
                f"{sandbox.meta.addresses['graph.instagram.com']}/v25.0/me?fields=username",
                headers={"Authorization": f"Bearer {notes[f'token-{name}']}"},
            )
            assert answer.json()["username"] == name
        assert (sandbox.zones.folder / notes["zone"]).is_file()
        (page,) = sandbox.pages()
        assert page.url == sandbox.meta.live_url
        files = {one.mime: one.data for one in sandbox.samples() if one.name.startswith("story-")}
        assert media._image_format(files["image/jpeg"]) == "JPEG"
        with pytest.raises(media.BadFilm):  # at 10 pictures a second: it has to be encoded anew
            await media.checked_film(files["video/mp4"])
