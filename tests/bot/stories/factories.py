"""Rows and views of stories: every field has a harmless value, the test names what matters."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

from services.stories.library import ItemView
from services.stories.views import Listing, StoryView, Which
from storage.meta_accounts import MetaAccount
from storage.stories import Story
from storage.story_accounts import Category, StoryAccount
from storage.story_history import Tally
from storage.story_items import StoryItem
from tests.bot.factories import NOW

CATEGORY = Category(id=4, account_id=2, name="Promo", share=1, mode="ask")


def account(**changes: Any) -> StoryAccount:
    base = StoryAccount(
        id=2,
        user_id=1001,
        meta_id=3,
        identity="17800",
        name="@mia",
        zone="UTC",
        by_api=True,
        lock_days=30,
        ask_minutes=30,
        warned_runway=None,
    )
    return replace(base, **changes)


def meta(**changes: Any) -> MetaAccount:
    base = MetaAccount(
        id=3,
        user_id=1001,
        identity="17800",
        username="mia",
        flavour="instagram",
        account_type="BUSINESS",
        scopes=["instagram_business_basic", "instagram_business_content_publish"],
        issued_at=NOW,
        expires_at=NOW + timedelta(days=40),
        unlimited=False,
        data_ends_at=None,
        refreshed_at=None,
        tried_at=None,
        warned_days=None,
        problem=None,
        created_at=NOW,
    )
    return replace(base, **changes)


def item(**changes: Any) -> StoryItem:
    base = StoryItem(
        id=5,
        account_id=2,
        category_id=4,
        state="ready",
        run=1,
        tries=1,
        kind="photo",
        source="chat",
        name="beach.jpg",
        sha256="a" * 64,
        fingerprint=None,
        original_key="stories/2/5/original.jpg",
        fitted_key="stories/2/5/story-5-1.jpg",
        preview_key="stories/2/5/preview-1.jpg",
        bytes=400_000,
        seconds=None,
        done=["redrawn", "padded"],
        problem=None,
        note="",
        interactive=False,
        locked_until=None,
        locked=False,
        last_used_at=None,
        uses=0,
        added_by=1001,
        added_at=NOW,
        removed_at=None,
    )
    return replace(base, **changes)


def story(**changes: Any) -> Story:
    """Asked about; due in an hour."""
    known: dict[str, Any] = {
        "id": 7,
        "account_id": 2,
        "item_id": 5,
        "category_id": 4,
        "mode": "ask",
        "state": "asking",
        "run": 1,
        "idle_runs": 0,
        "at_work": False,
        "due_at": NOW + timedelta(hours=1),
        "next_at": NOW,
        "containers": 0,
        "publishes": 0,
        "looks": 0,
        "tries": 0,
        "word": "",
        "detail": "",
        "permalink": "",
        "created_at": NOW,
        "changed_at": NOW,
        "user_id": 1001,
        "meta_id": 3,
        "zone": "UTC",
        "kind": "photo",
        "fitted_key": "stories/2/5/story-5-1.jpg",
        "preview_key": "stories/2/5/preview-1.jpg",
        "original_key": "stories/2/5/original.jpg",
        "name": "beach.jpg",
        "note": "",
    }
    nothing = {field.name: None for field in fields(Story)}
    return Story(**{**nothing, **known, **changes})


def story_view(**changes: Any) -> StoryView:
    base = StoryView(
        story=story(),
        item=item(),
        account=account(),
        category=CATEGORY,
        decided_by="",
        history=[],
        names={},
        figures=[],
        doubtful=False,
    )
    return replace(base, **changes)


def item_view(**changes: Any) -> ItemView:
    base = ItemView(item=item(), account=account(), category=CATEGORY, twins=[], story_id=None)
    return replace(base, **changes)


def listing(**changes: Any) -> Listing:
    base = Listing(
        account=account(),
        accounts=[account()],
        which=Which.QUEUE,
        stories=[story()],
        names={},
        page=0,
        total=1,
        tally=Tally(0, 0, 0, 0, 0, 0),
    )
    return replace(base, **changes)
