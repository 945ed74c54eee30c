"""GET /{ig-media-id}/insights of posts and reels: what Meta measures of which, and its refusals.

Called by `api`; the figures are those of `own_posts`, and of stories those of `insights`.
"""

from __future__ import annotations

from datetime import datetime

from sandbox.graph.account_insights import check_names, listed
from sandbox.graph.figures_of_days import split
from sandbox.graph.insights import ACTIVITY
from sandbox.graph.own_posts import FEED, REELS, OwnPost, figure
from sandbox.graph.refusals import Json, Refused, documented, invalid
from sandbox.graph.rules import FACEBOOK

OF_BOTH = ("reach", "views", "likes", "comments", "saved", "shares", "reposts")
MEASURED = {
    REELS: (
        *(*OF_BOTH, "total_interactions", "reels_skip_rate"),
        *("ig_reels_avg_watch_time", "ig_reels_video_view_total_time"),
    ),
    FEED: (*OF_BOTH, "total_interactions", "follows", "profile_visits", "profile_activity"),
}
TOTALS = {"total_views": "views", "total_likes": "likes", "total_comments": "comments"}
OF_FACEBOOK = ("crossposted_views", "facebook_views")  # nothing here was shared there
OLD = ("impressions", "plays", "video_views", "clips_replays_count")
OLD_REELS = "ig_reels_aggregated_all_plays_count"
OF_STORIES = ("link_clicks", "navigation", "replies", "content_views")
NAMES = sorted({*MEASURED[REELS], *MEASURED[FEED], *TOTALS, *OF_FACEBOOK, *OF_STORIES} | {*OLD})


def of_post(post: OwnPost, params: dict[str, str], host: str, now: datetime) -> Json:
    """Errors: Refused with 100, or -1/2207086."""
    names = listed(params["metric"])
    check_names(names, [*NAMES, OLD_REELS])
    breakdown = params.get("breakdown", "")
    for name in names:
        if name in (*OLD, OLD_REELS):
            raise invalid(f"The {name} metric is no longer supported for the queried media")
        if name in OF_FACEBOOK:
            raise Refused(documented(-1, 2207086))
        if not _is_measured(post, name, host):
            raise invalid(
                f"The Media Insights API does not support the {name} metric for this media"
                " product type."
            )
        if breakdown and (name, breakdown) != ("profile_activity", "action_type"):
            raise invalid(f"Incompatible breakdowns ({breakdown}) for metric ({name})")
    return {"data": [_figure(post, name, breakdown, now) for name in names]}


def _is_measured(post: OwnPost, name: str, host: str) -> bool:
    if name in TOTALS:
        return host == FACEBOOK
    is_old_video = (post.type, post.product) == ("VIDEO", FEED)
    return name in MEASURED[post.product] and not (is_old_video and name == "views")


def _figure(post: OwnPost, name: str, breakdown: str, now: datetime) -> Json:
    value = figure(post, TOTALS.get(name, name), now - post.at)
    words = name.replace("_", " ")
    told: Json = {
        "name": name,
        "period": "lifetime",
        "values": [{"value": value}],
        "title": words.capitalize(),
        "description": f"The {words} of your post.",
        "id": f"{post.id}/insights/{name}/lifetime",
    }
    if breakdown:
        results = [
            {"dimension_values": [kind], "value": part}
            for kind, part in split(int(value), ACTIVITY).items()
        ]
        parts = {"dimension_keys": [breakdown], "results": results}
        told["total_value"] = {"value": value, "breakdowns": [parts]}
    return told
