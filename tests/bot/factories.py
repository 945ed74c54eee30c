"""Rows as a test needs them: every field has a harmless value, the test names what matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.importing.collections import CollectionView
from services.importing.service import View
from storage.connections import Connection
from storage.import_items import Outcome, Tally
from storage.importing import Collection, Import
from storage.library import LibraryPost
from storage.people import User
from storage.samples import Sample

NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)

# What strangers write: each must reach the chat as text and nothing else.
HOSTILE = (
    "<b>bold",
    "</b></a><script>alert(1)</script>",
    "a < b && c > d",
    "&lt;already&gt; &amp; &nbsp;",
    "\"quoted' <a href='x'>",
    "%s {0} {title} \\n",
    "\u202eright to left\u202c",
    "👩‍👩‍👧‍👦" * 40,
    "x" * 5000,
    "\ud800 half a pair",
    " ",
    "",
)


def user(**changes: Any) -> User:
    base = User(
        id=1001,
        name="Mia",
        username="mia",
        role="member",
        status="active",
        locale="en",
        zone="UTC",
        quiet_from=None,
        quiet_until=None,
        muted=(),
        dark_charts=False,
        credits=500,
        reachable=True,
        created_at=NOW,
        delete_after=None,
    )
    return replace(base, **changes)


def connection(**changes: Any) -> Connection:
    base = Connection(
        id=3,
        user_id=1001,
        kind="instagram",
        identity="70000000001",
        username="mia",
        fingerprint="7f3a",
        candidate_fingerprint=None,
        candidate_expires_at=None,
        status="active",
        run=1,
        idle_runs=0,
        expires_at=NOW + timedelta(days=22),
        verified_at=NOW,
        warned_days=None,
        changed_at=NOW,
    )
    return replace(base, **changes)


def imported(**changes: Any) -> Import:
    base = Import(
        id=12,
        user_id=1001,
        connection_id=3,
        collection_id=5,
        identity="70000000001",
        state="running",
        run=1,
        reason=None,
        detail="",
        wait_until=None,
        tries=0,
        idle_runs=0,
        post_limit=500,
        cursor=None,
        more=False,
        pages=2,
        by_clock=False,
        created_at=NOW,
        started_at=NOW,
        ended_at=None,
        changed_at=NOW,
        key="collection:17900",
        title="Reels ideas",
        url="https://www.instagram.com/mia/saved/reels-ideas/17900/",
        filters={},
    )
    return replace(base, **changes)


def view(
    tally: Tally | None = None,
    *,
    balance: int = 500,
    charged: int = 0,
    refunded: int = 0,
    account: str = "@mia",
    failures: Mapping[str, int] | None = None,
    **item: Any,
) -> View:
    """`item`: fields of the import itself."""
    return View(
        item=imported(**item),
        tally=tally or Tally(),
        balance=balance,
        charged=charged,
        refunded=refunded,
        account=account,
        failures=dict(failures or {}),
    )


def collection(**changes: Any) -> Collection:
    base = Collection(
        id=5,
        key="collection:17900",
        title="Reels ideas",
        url="https://www.instagram.com/mia/saved/reels-ideas/17900/",
        refresh="never",
        refresh_at=None,
        connection_id=3,
        filters={},
        merged_into=None,
    )
    return replace(base, **changes)


def collection_view(one: Collection | None = None, **changes: Any) -> CollectionView:
    base = CollectionView(
        collection=one or collection(),
        posts=24,
        looked_at=NOW,
        account=connection(),
        unfinished=None,
        failed=None,
        head=None,
        parts=[],
    )
    return replace(base, **changes)


def outcome(**changes: Any) -> Outcome:
    base = Outcome(
        position=0,
        shortcode="C1a2b3",
        state="failed",
        error="http_404",
        charged=False,
        settled_at=NOW,
    )
    return replace(base, **changes)


def post(**changes: Any) -> LibraryPost:
    base = LibraryPost(
        id=7,
        shortcode="C1a2b3",
        kind="video",
        author="creator",
        caption="Sunset 🌇",
        taken_at=NOW - timedelta(days=3),
        added_at=NOW,
    )
    return replace(base, **changes)


def sample(**changes: Any) -> Sample:
    """An analysed film with sound."""
    base = Sample(
        id=9,
        post_id=7,
        position=1,
        kind="video",
        bytes=2_000_000,
        object_key="instagram/7/1-1.mp4",
        width=1080,
        height=1920,
        state="ready",
        failure=None,
        seconds=10.2,
        audio_key="instagram/7/1-1.m4a",
        waveform_key="instagram/7/1-1.wave.png",
        thumbnail_key=None,
        colour=None,
        bpm=122.03,
        bpm_alternative=61.0,
        bpm_confidence=0.5,
        no_bpm=None,
        key="A minor",
        key_second="C major",
        key_confidence=0.7,
        key_sure=True,
        no_key=None,
    )
    return replace(base, **changes)


def silent_film(**changes: Any) -> Sample:
    nothing: dict[str, Any] = {"bpm": None, "key": None, "no_bpm": "no_audio", "no_key": "no_audio"}
    return sample(**nothing, audio_key=None, waveform_key=None, **changes)


def photo(**changes: Any) -> Sample:
    nothing: dict[str, Any] = {"bpm": None, "key": None, "seconds": None, "key_second": None}
    base = sample(**nothing, audio_key=None, waveform_key=None, kind="image")
    made = replace(
        base,
        object_key="instagram/7/1-1.jpg",
        thumbnail_key="instagram/7/1-1.thumb.jpg",
        colour="#1b2a55",
        width=1080,
        height=1350,
    )
    return replace(made, **changes)
