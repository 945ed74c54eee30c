"""How the feeds are, as JSON: /status for operators, /f/<token>/status for a reader. Pure."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from services.feed.status import FeedStatus, trouble
from storage.feed_status import Account
from storage.followed_stories import Tally


def of_feed(status: FeedStatus, now: datetime) -> dict[str, Any]:
    """Times as ISO 8601 in UTC. Sums of what its accounts count, so that one number can be
    watched; each account by itself below."""
    accounts, holdings = status.accounts, status.holdings
    on = [account for account in accounts if account.on]
    last = [account.last_good_at for account in on if account.last_good_at]
    following = [account.next_at for account in on if account.next_at]
    return {
        "feed": status.feed.title,
        "lists": status.feed.lists,
        "ill": any(trouble(account, now) for account in on),
        "last_poll": _iso(min(last, default=None) if len(last) == len(on) else None),
        "next_poll": _iso(min(following, default=None)),
        "posts": holdings.posts,
        "posts_without_media": holdings.missing,
        "posts_waiting": holdings.waiting,
        "media": holdings.files,
        "bytes": holdings.bytes,
        "unparsed": sum(account.unparsed for account in accounts),
        "gaps": sum(account.gaps for account in accounts),
        "ads_skipped": sum(account.ads_skipped for account in accounts),
        "stories": _stories(status.stories),
        "changed_at": _iso(status.feed.changed_at),
        "accounts": [_account(account, now) for account in accounts],
    }


def of_all(statuses: list[FeedStatus], now: datetime) -> dict[str, Any]:
    return {"now": _iso(now), "feeds": [of_feed(status, now) for status in statuses]}


def _account(account: Account, now: datetime) -> dict[str, Any]:
    return {
        "account": account.label,
        "state": account.state,
        "ill": trouble(account, now),
        "ill_since": _iso(account.ill_since),
        "last_error": account.last_error,
        "last_poll": _iso(account.last_good_at),
        "next_poll": _iso(account.next_at) if account.on else None,
        "polls": account.polled,
        "found": account.found,
        "ads_skipped": account.ads_skipped,
        "unparsed": account.unparsed,
        "gaps": account.gaps,
        "next_stories": _iso(account.stories_at),
        "stories_error": account.stories_error,
    }


def _stories(tally: Tally | None) -> dict[str, int] | None:
    """None of a feed of posts."""
    return asdict(tally) if tally else None


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
