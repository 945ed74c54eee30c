"""The whole schema, table by table, in the words of the field. Read by the query modules beside it
and by Alembic.

Keys are integers so that they fit into a button. Times are aware UTC (`Moment`). Money, once-only
effects and "one running import per collection" are unique indexes, not habits.
"""

from __future__ import annotations

from storage.tables.analysis import analyses, profiles, reels, reports, unread_reels
from storage.tables.archive import (
    adoptions,
    downloads,
    library_views,
    media,
    post_tags,
    posts,
    samples,
    user_posts,
)
from storage.tables.base import Moment, metadata
from storage.tables.chat import cards, flows, notices, updates
from storage.tables.feed import (
    feed_items,
    feed_notices,
    feeds,
    followed_stories,
    polls,
    readers,
    retention,
    unread_items,
    webhook_deliveries,
    webhooks,
)
from storage.tables.house import audit, incidents, workers
from storage.tables.importing import calls, collections, import_items, imports, pace
from storage.tables.insights import (
    insight_accounts,
    insight_media,
    insight_pages,
    insight_revisions,
    insight_values,
    media_values,
    sync_results,
    syncs,
)
from storage.tables.meta import meta_accounts, meta_logins
from storage.tables.people import (
    connections,
    credit_entries,
    exports,
    invitations,
    logins,
    mobile_sessions,
    users,
)
from storage.tables.stories import (
    blackouts,
    categories,
    library_items,
    slots,
    stories,
    story_accounts,
    story_copies,
    story_events,
    story_metrics,
)

__all__ = [
    "Moment",
    "adoptions",
    "analyses",
    "audit",
    "blackouts",
    "calls",
    "cards",
    "categories",
    "collections",
    "connections",
    "credit_entries",
    "downloads",
    "exports",
    "feed_items",
    "feed_notices",
    "feeds",
    "flows",
    "followed_stories",
    "import_items",
    "imports",
    "incidents",
    "insight_accounts",
    "insight_media",
    "insight_pages",
    "insight_revisions",
    "insight_values",
    "invitations",
    "library_items",
    "library_views",
    "logins",
    "media",
    "media_values",
    "meta_accounts",
    "meta_logins",
    "metadata",
    "mobile_sessions",
    "notices",
    "pace",
    "polls",
    "post_tags",
    "posts",
    "profiles",
    "readers",
    "reels",
    "reports",
    "retention",
    "samples",
    "slots",
    "stories",
    "story_accounts",
    "story_copies",
    "story_events",
    "story_metrics",
    "sync_results",
    "syncs",
    "unread_items",
    "unread_reels",
    "updates",
    "user_posts",
    "users",
    "webhook_deliveries",
    "webhooks",
    "workers",
]
