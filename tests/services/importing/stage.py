"""What the tests of outcomes share: Mia with a connected account, and what must hold after each."""

from __future__ import annotations

import asyncio
import copy
import hashlib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import sqlalchemy as sa

from sandbox.instagram.request_log import Request
from sandbox.world import Post, World
from services.importing.service import View
from services.instagram.cookies import read_cookies
from storage import connections, credits, import_items, importing
from storage.tables import import_items as item_table
from storage.tables import imports, media, notices, posts, samples
from tests.support.harness import Harness, PumpedVisitor

PATIENCE = 30.0
POSTS = 8  # of Mia's "beats" in these tests: a carousel and films, two of them deleted on bad days
PAGE = 5  # so many posts at once: as in the whole world, there is a second page with three
LISTS = "/api/v1/feed/"
SINGLES = "/api/v1/media/"


def world_with(world: World, changed: Sequence[Post], slug: str = "beats") -> World:
    """The same world, but Mia's collection `slug` holds exactly these posts."""
    made = copy.copy(world)
    made.collections = tuple(
        replace(one, posts=tuple(changed)) if (one.owner, one.slug) == ("mia", slug) else one
        for one in world.collections
    )
    made.posts = {**world.posts, **{post.pk: post for post in changed}}
    made._pieces = {**world._pieces, **{p.pk: (p, post) for post in changed for p in post.pieces}}
    return made


class Stage:
    def __init__(self, harness: Harness, mia: PumpedVisitor) -> None:
        self.harness = harness
        self.app = harness.app
        self.clock = harness.clock
        self.instagram = harness.sandbox.instagram
        self.world = harness.sandbox.world
        self.mia = mia

    # ------------------------------------------------------------ acts

    async def connect(self, username: str = "mia") -> None:
        """A verified session, without the calls that verify it."""
        now = self.clock()
        text = self.world.cookies_txt(username)
        cookies = read_cookies(text.encode(), now)
        async with self.app.database.write() as db:
            made = await connections.add(db, self.mia.user_id, "instagram", cookies.user_id, now)
            await connections.change(
                db,
                made.id,
                now,
                candidate=b"",
                candidate_fingerprint=cookies.fingerprint,
                candidate_expires_at=cookies.expires_at,
            )
            sealed = self.app.ground.vault.seal(
                cookies.netscape(), "connections", made.id, "cookies"
            )
            await connections.promote(db, made.id, made.run, sealed, username, now)

    async def offer(self, slug: str = "beats") -> None:
        """Pastes a collection's link and waits for its preview."""
        count = await self.imports()
        self.mia.say(self.world.collection_url("mia", slug))
        await self.reaches("offered", count + 1)

    async def run(self, slug: str = "beats") -> None:
        await self.offer(slug)
        await self.mia.tap("Import all")

    async def restart(self) -> None:
        """The bot stops and starts on the same data."""
        await self.app.stop()
        # the job engine had put its own thread pool there and has now closed it
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(4))
        await self.harness.start_bot()
        self.app = self.harness.app

    async def imports(self) -> int:
        async with self.app.database.read() as db:
            return int((await db.execute(sa.select(sa.func.count(imports.c.id)))).scalar_one())

    # ------------------------------------------------------------ sees

    async def view(self, import_id: int = 1) -> View:
        return await self.app.importing.service.view(self.mia.user_id, import_id)

    async def reaches(self, state: str, import_id: int = 1, **wanted: object) -> View:
        """Turns the loops until the import is in this state, and as `wanted` (reason, run, …)."""
        view = None
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    if await self.imports() >= import_id:
                        view = await self.view(import_id)
                        as_wanted = all(
                            getattr(view.item, name) == value for name, value in wanted.items()
                        )
                        if view.item.state == state and as_wanted:
                            await self.harness.turn()
                            return view
                    await asyncio.sleep(0.1)
                    while not await self.harness.turn_if_changed():  # noqa: ASYNC110
                        await asyncio.sleep(0.06)
        except TimeoutError:
            raise AssertionError(f"import {import_id} is not {state} {wanted}: {view}") from None

    async def quiet(self) -> None:
        """Turns the loops for a while in which something could happen that should not."""
        for _ in range(5):
            await self.harness.turn()
            await asyncio.sleep(0.03)

    def requests(self, path: str) -> list[Request]:
        return [one for one in self.instagram.requests if one.path.startswith(path)]

    @property
    def listed(self) -> list[str]:
        """The cursors with which lists were asked for, "" for a first page."""
        return [
            dict(pair.partition("=")[::2] for pair in one.query.split("&")).get("max_id", "")
            for one in self.requests(LISTS)
        ]

    async def idle(self) -> None:
        """Until the engine has no work any more."""
        await self.harness.tick("heartbeat")  # tests move the clock further than a beat's life
        async with asyncio.timeout(PATIENCE):
            while await self.app.engine._live_runs():  # noqa: ASYNC110 - nothing rings
                await asyncio.sleep(0.02)

    async def notices(self, kind: str) -> int:
        query = sa.select(sa.func.count()).where(notices.c.kind == kind)
        async with self.app.database.read() as db:
            return int((await db.execute(query)).scalar_one())

    async def outcomes(self, import_id: int = 1) -> Counter[str]:
        async with self.app.database.read() as db:
            return Counter(one.state for one in await import_items.outcomes(db, import_id))

    # ------------------------------------------------------------ what always holds

    async def check(self) -> None:
        """Books, rows and disk agree, and nothing is left behind."""
        async with self.app.database.read() as db:
            for user in await self.app.people.everyone():
                audit = await credits.audit(db, user.id)
                assert audit.holds, audit
            files = (await db.execute(sa.select(media.c.object_key, media.c.sha256))).all()
            of_samples = (samples.c.audio_key, samples.c.waveform_key, samples.c.thumbnail_key)
            drawn = {key for row in await db.execute(sa.select(*of_samples)) for key in row if key}
            saved = sa.select(item_table.c.post_id).where(
                item_table.c.state == "saved", item_table.c.post_id.is_not(None)
            )
            known = set((await db.execute(sa.select(posts.c.id))).scalars())
            assert set((await db.execute(saved)).scalars()) <= known
            held = sa.select(sa.func.count()).where(
                item_table.c.import_id == imports.c.id,
                item_table.c.state == "pending",
                item_table.c.charged.is_(sa.true()),
                imports.c.state != "running",
            )
            assert (await db.execute(held)).scalar_one() == 0, "credits held by a stopped import"
            unfinished = (
                await db.execute(
                    sa.select(imports.c.id).where(imports.c.state.in_(importing.UNFINISHED))
                )
            ).all()
        for key, digest in files:
            content = self.app.objects.path(key).read_bytes()
            assert hashlib.sha256(content).hexdigest() == digest
        root = self.app.objects.root
        on_disk = {str(one.relative_to(root)) for one in root.rglob("*") if one.is_file()}
        if unfinished:
            on_disk = {key for key in on_disk if not key.startswith(".incoming/")}
        unnamed = on_disk - {key for key, _ in files} - drawn
        assert not unnamed, unnamed
        scratch = self.harness.data.resolve() / "scratch"
        assert not list(scratch.glob("*")), "cookies were left behind"
