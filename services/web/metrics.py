"""/metrics for Prometheus, read from the database: right after a restart and across processes.

Every name is in the table of docs/guide.md (a test compares).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from services.errors import GalleryDlFailed, RateLimited, SessionRefused, UpstreamChanged
from storage import credits, figures, pace
from storage.database import Database

BUCKETS = (30, 60, 300, 900, 1800, 3600, 7200)  # seconds from the start of an import to its end
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
    settled = {state: n for state, n in posts.items() if state != "pending"}
    ended = {state: n for state, n in imports.items() if state in ("done", "cancelled", "failed")}

    def outcomes(*names: str, purpose: str | None = None) -> int:
        return sum(
            n
            for (made_for, outcome), n in calls.items()
            if outcome in names and purpose in (None, made_for)
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
            "reelay_gallery_dl_failures", "Calls that gallery-dl failed", outcomes(*FAILED_CALLS)
        ),
        _counter("reelay_refunds", "Credits given back", refunds),
        _labelled(
            "reelay_instagram_requests",
            "Requests to Instagram, by identity",
            "identity",
            requests.items(),
        ),
    ]


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
