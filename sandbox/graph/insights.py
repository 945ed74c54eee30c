"""The figures of a story while it is live: they grow with its hours and are never stored.

`api` answers with them. Rules and shapes are those of Meta's page on media insights: story metrics
exist for 24 hours only, and not before five people have seen it.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from sandbox.graph.containers import Story
from sandbox.graph.refusals import Json, Refusal, Refused, invalid
from sandbox.graph.rules import FACEBOOK

FEW_VIEWERS = Refusal(10, "(#10) Not enough viewers for the media to show insights", status=403)
FEWEST = 5
METRICS = {  # share of the final reach
    "reach": 1.0,
    "views": 1.24,
    "replies": 0.01,
    "shares": 0.02,
    "total_interactions": 0.05,
    "follows": 0.004,
    "profile_visits": 0.03,
    "profile_activity": 0.02,
    "navigation": 0.9,
    "reposts": 0.003,
}
FACEBOOK_METRICS = {"link_clicks": 0.01, "facebook_views": 0.1, "total_views": 1.34}
NAVIGATION = {"tap_forward": 0.6, "tap_exit": 0.2, "swipe_forward": 0.15, "tap_back": 0.05}
ACTIVITY = {"BIO_LINK_CLICKED": 0.7, "OTHER": 0.3}
BREAKDOWNS = {
    "story_navigation_action_type": ("navigation", NAVIGATION),
    "action_type": ("profile_activity", ACTIVITY),
}
HOURS = 6.0  # after so many, 63 % of the reach is there


def of_story(story: Story, params: dict[str, str], host: str, now: datetime) -> Json:
    """The answer to /insights. Errors: Refused with 100 or 10."""
    names = params["metric"].strip("[]").replace('"', "").split(",")
    known = METRICS | (FACEBOOK_METRICS if host == FACEBOOK else {})
    for place, name in enumerate(names):
        if name not in known:
            wanted = ", ".join(sorted(known))
            raise invalid(f"metric[{place}] must be one of the following values: {wanted}")
    breakdown = params.get("breakdown")
    for name in names:
        if breakdown and BREAKDOWNS.get(breakdown, ("",))[0] != name:
            raise invalid(f"Incompatible breakdowns ({breakdown}) for metric ({name})")
    if reach(story, now - story.at) < FEWEST:
        raise Refused(FEW_VIEWERS)
    return {"data": [_figure(story, name, known[name], breakdown, now) for name in names]}


def reach(story: Story, age: timedelta) -> int:
    """How many people have seen it after so long."""
    most = story.account.followers * (30 + int(story.id) % 20) / 100
    return int(most * (1 - math.exp(-age.total_seconds() / 3600 / HOURS)))


def _figure(story: Story, name: str, share: float, breakdown: str | None, now: datetime) -> Json:
    value = int(reach(story, now - story.at) * share)
    figure: Json = {
        "name": name,
        "period": "lifetime",
        "values": [{"value": value}],
        "title": name.replace("_", " ").capitalize(),
        "description": f"The {name.replace('_', ' ')} of your story.",
        "id": f"{story.id}/insights/{name}/lifetime",
    }
    if breakdown:
        shares = BREAKDOWNS[breakdown][1]
        results = [
            {"dimension_values": [kind], "value": int(value * part)}
            for kind, part in shares.items()
        ]
        total = {"dimension_keys": [breakdown], "results": results}
        figure["total_value"] = {"value": value, "breakdowns": [total]}
    return figure
