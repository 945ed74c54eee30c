"""Of whom an account's audience is, and at which hours its followers are there. Pure.

Called by `account_insights`. Meta tells of those only whom it knows something about, so the parts
are less than the whole.
"""

from __future__ import annotations

from datetime import datetime

from sandbox.graph import figures_of_days as days
from sandbox.graph.people import Account

KNOWN = 0.94  # of the people; of the others Meta knows neither age nor place
PEOPLE = {  # metric -> the share of the followers that it counts
    "follower_demographics": 1.0,
    "engaged_audience_demographics": 0.22,
    "reached_audience_demographics": 2.1,
}
GROUPS = {
    "age": {
        "13-17": 0.04,
        "18-24": 0.27,
        "25-34": 0.38,
        "35-44": 0.18,
        "45-54": 0.08,
        "55-64": 0.035,
        "65+": 0.015,
    },
    "gender": {"F": 0.56, "M": 0.37, "U": 0.07},
    "country": {"US": 0.34, "DE": 0.17, "BR": 0.15, "ES": 0.12, "GB": 0.1, "IN": 0.08, "JP": 0.04},
    "city": {
        "Berlin, Berlin": 0.21,
        "São Paulo, São Paulo (state)": 0.2,
        "New York, New York": 0.19,
        "Madrid, Comunidad de Madrid": 0.17,
        "London, England": 0.14,
        "Mumbai, Maharashtra": 0.09,
    },
}
FRAMES = {"this_month": 1.0, "this_week": 0.6}  # how many of a month's people come in a week
FEWEST = 100


def audience(
    account: Account, metric: str, breakdown: str, timeframe: str, at: datetime
) -> dict[str, int]:
    """{} where there are too few people. KeyError for what is none of Meta's words."""
    people = days.followers(account, at) * PEOPLE[metric]
    if metric != "follower_demographics":
        people *= FRAMES[timeframe]
    if people < FEWEST:
        return {}
    return days.split(int(people * KNOWN), GROUPS[breakdown])


def online(account: Account, at: datetime) -> dict[str, int]:
    """Followers that are there at each hour of the day, "0" to "23"."""
    there = days.followers(account, at)
    return {str(hour): int(there * (0.1 + 0.5 * (8 <= hour <= 22))) for hour in range(24)}
