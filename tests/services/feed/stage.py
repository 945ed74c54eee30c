"""What the tests of polls share: Mia whose feed is on, and what must hold after each."""

from __future__ import annotations

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from sandbox.instagram.answers import Refusal
from sandbox.instagram.request_log import Request
from sandbox.world import Kind
from services.instagram.cookies import read_cookies
from services.jobs.engine import Job
from storage import connections, feeds, polls
from storage.feeds import Feed
from storage.polls import Poll
from storage.tables import feed_items, feed_notices, media, notices, posts
from storage.tables import feeds as feed_table
from tests.support.harness import Harness, PumpedVisitor

PAGE, PAGES = 2, 2  # posts on one page of the timeline; pages that one poll may read
PATIENCE = 30.0
TIMELINE = "/api/v1/feed/timeline/"


class Stage:
    def __init__(self, harness: Harness, mia: PumpedVisitor, connection_id: int) -> None:
        self.harness = harness
        self.app = harness.app
        self.clock = harness.clock
        self.instagram = harness.sandbox.instagram
        self.mia = mia
        self.connection_id = connection_id

    def hold_the_clock(self) -> None:
        """Loops turn when a test says so: on a slow machine one would take a poll before it."""
        self.app.clock._scheduler.pause()

    # ------------------------------------------------------------ acts

    async def switch_on(self) -> None:
        await self.app.feed.home.switch_on(self.mia.user_id, self.connection_id)

    async def poll(self) -> Poll:
        """The next one, whenever it is due, to its end; here, for the engine takes its time."""
        wait = (await self.row()).next_at - self.clock()
        self.clock.advance(seconds=max(0.0, wait.total_seconds()))
        await self.app.feed.poll_job.work(await self.poll_job())
        return await self.row()

    async def rests(self) -> Poll:
        """Waits until nobody is at it."""
        row = await self.row()
        try:
            async with asyncio.timeout(PATIENCE):
                while (row := await self.row()).state == "running":  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"the poll does not end: {row}") from None
        return row

    async def poll_job(self) -> Job:
        """Makes it due and running, as the clock does, but gives the job to the test."""
        (job,) = await self.app.feed.poll_job.wake()
        return job

    async def restart(self) -> None:
        """The bot stops and starts on the same data."""
        await self.app.stop()
        # the job engine had put its own thread pool there and has now closed it
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(4))
        await self.harness.start_bot()
        self.app = self.harness.app
        self.hold_the_clock()

    def refuse(self, refusal: Refusal, times: int = 1, skip: int = 0) -> None:
        self.instagram.refuse_next(TIMELINE, refusal, skip=skip, times=times)

    def publish(self, count: int = 1) -> list[str]:
        """New pictures of somebody whom Mia follows; their numbers, oldest first."""
        author = self.harness.sandbox.world.following("mia")[0].username
        return [str(self.instagram.publish_new(author, Kind.PHOTO).pk) for _ in range(count)]

    async def renew_cookies(self) -> None:
        """What /connect leaves behind when the same account comes with a newer session."""
        now = self.clock()
        text = self.harness.sandbox.world.cookies_txt("mia", session="new")
        cookies = read_cookies(text.encode(), now)
        place = ("connections", self.connection_id, "cookies")
        async with self.app.database.write() as db:
            account = await connections.get(db, self.connection_id)
            assert account is not None
            await connections.change(
                db,
                account.id,
                now,
                candidate=b"-",
                candidate_fingerprint=cookies.fingerprint,
                candidate_expires_at=cookies.expires_at,
            )
            sealed = self.app.ground.vault.seal(cookies.netscape(), *place)
            assert await connections.promote(db, account.id, account.run, sealed, "mia", now)

    async def status(self) -> str:
        """Of the connection."""
        async with self.app.database.read() as db:
            account = await connections.get(db, self.connection_id)
        assert account is not None
        return account.status

    # ------------------------------------------------------------ sees

    async def row(self) -> Poll:
        async with self.app.database.read() as db:
            row = await polls.get(db, self.connection_id)
        assert row is not None
        return row

    async def feed(self) -> Feed:
        """The account's own."""
        async with self.app.database.read() as db:
            feed = await feeds.get(db, (await self.row()).feed_id)
        assert feed is not None
        return feed

    def requests(self, path: str = TIMELINE) -> list[Request]:
        return [one for one in self.instagram.requests if one.path.startswith(path)]

    def truth(self) -> list[str]:
        """The numbers of the posts in Mia's home feed, newest first."""
        return [str(post.pk) for post in self.instagram._mobile.newsroom.feed("mia")]

    async def items(self, *, own: bool = True) -> dict[str, str]:
        """{platform id: state}, of the account's feed or that of all accounts."""
        i = feed_items.c
        query = (
            sa.select(posts.c.platform_id, i.state)
            .join(posts, posts.c.id == i.post_id)
            .join(feed_table, feed_table.c.id == i.feed_id)
            .where(feed_table.c.identity.is_(None) != own, feed_table.c.lists == feeds.POSTS)
        )
        async with self.app.database.read() as db:
            return {row[0]: row[1] for row in await db.execute(query)}

    async def told(self) -> list[tuple[str, bool]]:
        """(kind, is it over) of what the account's feed says of itself."""
        n = feed_notices.c
        query = sa.select(n.kind, n.closed_at.is_not(None)).order_by(n.id)
        own = sa.select(feed_table.c.id).where(feed_table.c.identity.is_not(None))
        async with self.app.database.read() as db:
            return [
                (row[0], bool(row[1])) for row in await db.execute(query.where(n.feed_id.in_(own)))
            ]

    async def named(self) -> list[str]:
        """Whose trouble each notice tells of: "" in the account's own feed."""
        n = feed_notices.c
        async with self.app.database.read() as db:
            return sorted((await db.execute(sa.select(n.whose))).scalars())

    async def notices(self, kind: str) -> int:
        query = sa.select(sa.func.count()).where(notices.c.kind == kind)
        async with self.app.database.read() as db:
            return int((await db.execute(query)).scalar_one())

    async def alerts(self) -> set[str]:
        """What the owner was alerted of."""
        query = sa.select(notices.c.data).where(notices.c.kind == "alert")
        async with self.app.ground.database.read() as db:
            return {data["alert"] for data in (await db.execute(query)).scalars()}

    # ------------------------------------------------------------ what always holds

    async def check(self) -> None:
        """What is listed is there, both feeds agree, and nothing is left behind."""
        async with self.app.database.read() as db:
            files = (await db.execute(sa.select(media.c.object_key, media.c.sha256))).all()
            i = feed_items.c
            bare = sa.select(sa.func.count()).where(
                i.state == "shown", ~sa.exists().where(media.c.post_id == i.post_id)
            )
            assert (await db.execute(bare)).scalar_one() == 0, "a post is listed without its files"
        assert await self.items() == await self.items(own=False)
        for key, digest in files:
            content = self.app.objects.path(key).read_bytes()
            assert hashlib.sha256(content).hexdigest() == digest
        root = self.app.objects.root
        on_disk = {str(one.relative_to(root)) for one in root.rglob("*") if one.is_file()}
        unnamed = on_disk - {key for key, _ in files}
        assert not unnamed, unnamed
