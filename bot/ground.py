"""What every capability stands on: storage, the shared services, people and their accounts.

Built once by bot/app.py; the parts of each capability (`bot/<capability>/parts.py`) take from it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import httpx

from bot.settings import Settings
from services.accounts.connecting import Connecting
from services.accounts.mobile import MobileSessions
from services.accounts.people import People
from services.accounts.privacy import Privacy
from services.clock import Now
from services.instagram.cdn import Cdn
from services.instagram.files import PostFiles
from services.instagram.gallery_dl import GalleryDl
from services.instagram.mobile import Mobile
from services.instagram.pace import Pacer
from services.jobs.engine import Engine
from services.media.runner import MediaRunner
from storage.database import Database
from storage.objects import ObjectStore, open_store
from storage.vault import Vault, load_keys


@dataclass(frozen=True, slots=True)
class Ground:
    settings: Settings
    now: Now

    # storage
    database: Database
    objects: ObjectStore
    vault: Vault

    # shared services
    engine: Engine
    runner: MediaRunner
    http: httpx.AsyncClient
    cdn: Cdn
    pacer: Pacer
    gallery: GalleryDl
    mobile: Mobile

    # accounts
    people: People
    connecting: Connecting
    sessions: MobileSessions
    privacy: Privacy

    @property
    def files(self) -> PostFiles:
        return PostFiles(self.database, self.objects, self.cdn)


def lay(settings: Settings, now: Now, *, runs_jobs: bool) -> Ground:
    """Opens nothing yet but the key file and the media folder. Errors: BadAddress, OSError."""
    data = settings.data_dir.resolve()
    data.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database)
    objects = open_store(
        settings.media_store, settings.media_store_options.get_secret_value(), data
    )
    vault = Vault(load_keys(settings.reelay_keys.get_secret_value(), data / "secret.key"))
    engine = Engine(settings.jobs, database, now, runs_jobs=runs_jobs)
    http = httpx.AsyncClient(timeout=30, trust_env=False)
    pacer = Pacer(database, now, settings.pace)
    gallery = GalleryDl(
        timeout_seconds=settings.gallery_dl_timeout_seconds,
        proxy=settings.instagram_proxy or None,
        ca_file=settings.instagram_ca_file,
        scratch=_scratch(data),
        reports=data / "reports",
    )
    mobile = Mobile(
        pacer,
        now,
        reports=data / "reports",
        proxy=settings.instagram_proxy or None,
        ca_file=settings.instagram_ca_file,
        transport=settings.instagram_transport,
    )
    connecting = Connecting(database, vault, engine, pacer, gallery, now, forgotten=mobile.forget)
    return Ground(
        settings=settings,
        now=now,
        database=database,
        objects=objects,
        vault=vault,
        engine=engine,
        runner=MediaRunner(),
        http=http,
        cdn=Cdn(http, allowed_hosts=settings.media_hosts),
        pacer=pacer,
        gallery=gallery,
        mobile=mobile,
        people=People(database, vault, now, start_credits=settings.start_credits),
        connecting=connecting,
        sessions=MobileSessions(database, vault, connecting, mobile, now),
        privacy=Privacy(database, objects, engine, now),
    )


def _scratch(data: Path) -> Path:
    """Where cookies lie for the time of a call: in memory where the system has such a folder."""
    memory = Path("/dev/shm")  # noqa: S108 - a private folder is made inside
    if memory.is_dir() and os.access(memory, os.W_OK):
        return memory / f"reelay-{os.getuid()}"
    return data / "scratch"
