"""/metrics for Prometheus, read from the database: right after a restart and across processes.

Every name is in the table of docs/guide.md (a test compares).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from services.errors import GalleryDlFailed, RateLimited, SessionRefused, UpstreamChanged
from storage import credits, feed_status, figures, meta_accounts, pace, story_history
from storage.database import Database
from storage.feed_status import Account, Counts
from storage.meta_accounts import MetaAccount
from storage.story_history import Totals

BUCKETS = (30, 60, 300, 900, 1800, 3600, 7200)  # seconds from the start of an import to its end
STORY_ENDS = {"published": "api", "posted": "manual", "skipped": "skipped"}  # state -> outcome
FAILED_CALLS = {GalleryDlFailed.__name__, UpstreamChanged.__name__}


class _Snapshot(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


async def render(database: Database) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Snapshot(await read(database)))
    return generate_latest(registry)


async def read(database: Database) -> list[Metric]:
    """One snapshot of all metrics."""
    async with database.read() as db:
        imports = await figures.imports_by_state(db)
        durations = await figures.import_seconds(db)
        posts = await figures.items_by_state(db)
        calls = await pace.calls_by_outcome(db)
        requests = await pace.requests_by_identity(db)
        refunds = await credits.refunds_ever(db)
        accounts = await feed_status.accounts(db)
        feed_counts = await feed_status.counts(db)
        stories = await story_history.totals(db)
        metas = await meta_accounts.everyones(db)
        syncs = await figures.syncs_by_state(db)
        last_syncs = await figures.last_syncs(db)
    settled = {state: n for state, n in posts.items() if state != "pending"}
    ended = {state: n for state, n in imports.items() if state in ("done", "cancelled", "failed")}

    def outcomes(*names: str, purpose: str | None = None, besides: tuple[str, ...] = ()) -> int:
        return sum(
            n
            for (made_for, outcome), n in calls.items()
            if outcome in names and purpose in (None, made_for) and made_for not in besides
        )

    return [
        _counter("reelay_imports_started", "Imports begun", sum(imports.values())),
        _labelled("reelay_imports_ended", "Imports ended, by outcome", "outcome", ended.items()),
        _labelled("reelay_posts", "Posts of imports, by outcome", "outcome", settled.items()),
        _histogram("reelay_import_seconds", "From start to end of an import", durations),
        _counter(
            "reelay_cookies_refused",
            "Sessions refused in the middle of an import",
            outcomes(SessionRefused.__name__, purpose="import"),
        ),
        _counter(
            "reelay_rate_limits",
            "Times Instagram asked to slow down",
            outcomes(RateLimited.__name__),
        ),
        _counter(
            "reelay_gallery_dl_failures",
            "Calls that gallery-dl failed",
            outcomes(*FAILED_CALLS, besides=pace.MOBILE),
        ),
        _counter("reelay_refunds", "Credits given back", refunds),
        _labelled(
            "reelay_instagram_requests",
            "Requests to Instagram, by identity",
            "identity",
            requests.items(),
        ),
        *_of_the_feeds(accounts, feed_counts),
        *_of_the_stories(stories, metas),
        _gauge("reelay_syncs", "Syncs of accounts' own figures, by state", syncs),
        GaugeMetricFamily(
            "reelay_sync_last_good_seconds",
            "When the account that has waited longest was last synced to the end (Unix time)",
            value=min((at.timestamp() for _, at in last_syncs), default=0),
        ),
    ]


def _of_the_feeds(accounts: list[Account], counts: Counts) -> list[Metric]:
    last = [one.last_good_at for one in accounts if one.on and one.last_good_at]
    states = Counter(one.state for one in accounts)

    def summed(what: Callable[[Account], int]) -> int:
        return sum(what(one) for one in accounts)

    return [
        _gauge("reelay_feed_accounts", "Connected accounts, by the state of their feed", states),
        GaugeMetricFamily(
            "reelay_feed_last_good_poll_seconds",
            "When the account that has waited longest was last read well (Unix time)",
            value=min(last).timestamp() if last else 0,
        ),
        _counter("reelay_feed_polls", "Good polls", summed(lambda one: one.polled)),
        _counter("reelay_feed_posts", "Posts found", summed(lambda one: one.found)),
        _counter(
            "reelay_feed_ads_skipped",
            "Ads and suggestions skipped",
            summed(lambda one: one.ads_skipped),
        ),
        _counter(
            "reelay_feed_unparsed",
            "Items in a shape that nobody knew",
            summed(lambda one: one.unparsed),
        ),
        _counter("reelay_feed_gaps", "Polls that left a gap", summed(lambda one: one.gaps)),
        _counter("reelay_feed_fetches", "Answers to feed readers", counts.fetches),
        _counter("reelay_feed_not_modified", "Those of them that were 304", counts.not_modified),
        _gauge("reelay_webhook_deliveries", "Posts for webhooks, by state", counts.deliveries),
    ]


def _of_the_stories(totals: Totals, metas: list[MetaAccount]) -> list[Metric]:
    ended = {end: totals.states.get(state, 0) for state, end in STORY_ENDS.items()}
    open_ones = {state: n for state, n in totals.states.items() if state not in STORY_ENDS}
    log_ins = Counter("refused" if one.problem else "working" for one in metas)
    return [
        _gauge("reelay_stories", "Stories on their way, by state", open_ones),
        _labelled("reelay_stories_ended", "Stories ended, by outcome", "outcome", ended.items()),
        GaugeMetricFamily(
            "reelay_stories_failed",
            "Stories that an error kept from the API, and that nobody has posted",
            value=totals.failed,
        ),
        _counter("reelay_story_troubles", "Errors on the way of stories", totals.troubles),
        _gauge("reelay_meta_accounts", "Accounts connected at Meta, by state", log_ins),
    ]


def _gauge(name: str, help_text: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=["state"])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family


def _counter(name: str, help_text: str, value: float) -> Metric:
    return CounterMetricFamily(name, help_text, value=value)


def _labelled(name: str, help_text: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family: CounterMetricFamily | GaugeMetricFamily = CounterMetricFamily(
        name, help_text, labels=[label]
    )
    for key, value in sorted(values):
        family.add_metric([key], value)
    return family


def _histogram(name: str, help_text: str, seconds: list[float]) -> Metric:
    buckets = [(str(top), sum(one <= top for one in seconds)) for top in BUCKETS]
    buckets.append(("+Inf", len(seconds)))
    return HistogramMetricFamily(name, help_text, buckets=buckets, sum_value=sum(seconds))
