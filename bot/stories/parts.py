"""The stories' parts, built and joined. Called by bot/app.py."""

from __future__ import annotations

from collections.abc import Mapping, Set
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from bot.ground import Ground
from bot.notices import Text
from bot.pending import Pending
from bot.settings import Role, Settings
from bot.stories.albums import Albums
from bot.stories.checks import Checks
from bot.stories.items import ItemScreen
from bot.stories.notices import StoryNotices
from bot.stories.schedule import ScheduleScreen
from bot.stories.screen import StoryScreen
from bot.telegram import SetupError
from services.accounts.meta import MetaLogins
from services.clock import Now
from services.graph.public import PublicFiles
from services.graph.public.bucket import BucketFiles
from services.graph.public.cloud import Cloud, CloudinaryFiles
from services.jobs.clock import Clock
from services.stories.accounts import Accounts
from services.stories.aftercare import Aftercare
from services.stories.arrivals import Arrivals
from services.stories.deciding import Deciding
from services.stories.fit import FitJob
from services.stories.folder import WatchedFolder
from services.stories.library import StoryLibrary
from services.stories.planning import Planning
from services.stories.preflight import Preflight
from services.stories.publishing import Publishing
from services.stories.views import StoryViews
from storage.objects import BadAddress, ObjectStore, RemoteObjects, open_store
from storage.vault import Secret

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
FOLDER = "library"  # in DATA_DIR


class StoryParts:
    def __init__(self, ground: Ground, accounts: Accounts, logins: MetaLogins) -> None:
        """Errors: SetupError."""
        self._ground = ground
        settings, database, now = ground.settings, ground.database, ground.now
        public = public_files(settings, ground.objects, now)
        self.accounts = accounts
        self.arrivals = Arrivals(database, ground.objects, ground.engine, now)
        self.library = StoryLibrary(database, ground.objects, now, public_url=settings.public_url)
        self.fit_job = FitJob(database, ground.objects, ground.runner, now)
        self.folder = WatchedFolder(
            database, accounts, self.arrivals, settings.data_dir.resolve() / FOLDER, now
        )
        self.planning = Planning(database, now)
        self.deciding = Deciding(database, now)
        self.views = StoryViews(database, now)
        self.publishing = Publishing(
            database,
            ground.objects,
            logins,
            public,
            now,
            per_hour=settings.instagram_posts_per_hour,
        )
        self.checks = Checks(
            Preflight(database, ground.objects, ground.runner, logins, public, ground.http, now)
        )
        self.aftercare = Aftercare(database, logins, public, now)
        self._pending, self._asked = Pending(), Pending()
        self._albums = Albums()

    @property
    def kinds(self) -> tuple[FitJob, Publishing]:
        return (self.fit_job, self.publishing)

    @property
    def screens(self) -> tuple[StoryScreen, ItemScreen, ScheduleScreen]:
        stories = StoryScreen(
            self.accounts, self.views, self.deciding, self.library, self.checks, self._asked
        )
        return (
            stories,
            ItemScreen(
                self.accounts,
                self.arrivals,
                self.library,
                self._pending,
                self._albums,
                stories.follow,
            ),
            ScheduleScreen(self.accounts, self.planning),
        )

    @property
    def texts(self) -> Mapping[str, Text]:
        """Of the notices."""
        return StoryNotices(
            self.accounts,
            self.views,
            self.library,
            self.checks,
            self._pending,
            self._albums,
            self._asked,
            self._ground.now,
        ).texts

    def register_loops(self, clock: Clock, roles: Set[Role]) -> None:
        if "clock" in roles:
            clock.every(2 * SECOND, "stories", self._turn)
            clock.every(5 * MINUTE, "stories in doubt", self.deciding.ask_in_doubt)
            clock.every(30 * SECOND, "story slots", self.planning.fill)
            clock.every(10 * SECOND, "library folder", self.folder.look)
            clock.every(MINUTE, "story library", self.arrivals.sweep)
            clock.every(HOUR, "story runway", self.planning.warn)
            clock.every(10 * SECOND, "story names", self.aftercare.name)
            clock.every(5 * MINUTE, "story figures", self.aftercare.measure)
            clock.every(MINUTE, "story copies", self.aftercare.clear)
            clock.every(HOUR, "copies left behind", self.aftercare.sweep)

    async def _turn(self) -> None:
        await self.deciding.turn()
        for job in await self.publishing.wake():
            await self._ground.engine.enqueue(job)


def public_files(settings: Settings, objects: ObjectStore, now: Now) -> PublicFiles | None:
    """Where Meta fetches files: Cloudinary, a bucket, or nothing. Errors: SetupError."""
    cloud = settings.cloudinary_url.get_secret_value()
    if cloud:
        return CloudinaryFiles(read_cloud(cloud, settings.cloudinary_api))
    if not settings.public_store:
        return None
    try:
        store = (
            objects
            if settings.public_store == "media"
            else open_store(
                settings.public_store,
                settings.public_store_options.get_secret_value(),
                settings.data_dir.resolve(),
            )
        )
    except BadAddress as error:
        raise SetupError(f"PUBLIC_STORE: {error}") from None
    if not isinstance(store, RemoteObjects):
        raise SetupError("PUBLIC_STORE must be a bucket: Meta can't fetch files from this disk.")
    return BucketFiles(store, now)


def read_cloud(url: str, address: str) -> Cloud:
    """cloudinary://key:secret@name, as Cloudinary's dashboard shows it. Errors: SetupError."""
    parts = urlsplit(url)
    if parts.scheme != "cloudinary" or not (parts.username and parts.password and parts.hostname):
        raise SetupError("CLOUDINARY_URL: write it as cloudinary://key:secret@name")
    # urlsplit would make the name's letters small
    name = parts.netloc.rpartition("@")[2]
    return Cloud(name, unquote(parts.username), Secret(unquote(parts.password)), address)
