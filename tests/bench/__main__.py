"""Runs every benchmark, prints tables, and fails where a result is wrong or an import or analysis
would hold up the chat; never for slowness.

The stand-ins and the visitor live in this process; the bot and gallery-dl in their own.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from functools import partial

import click

from sandbox.world import World
from tests.bench import (
    accuracy,
    analysis,
    answers,
    feed,
    fitting,
    footprint,
    importing,
    insights,
    media,
    profile,
    stories,
)
from tests.bench.table import Result, show

NAMES = (
    "import",
    "answers",
    "footprint",
    "feed",
    "media",
    "accuracy",
    "fitting",
    "stories",
    "analysis",
    "profile",
    "insights",
)


@click.command()
@click.option("--only", type=click.Choice(NAMES), help="One of them.")
@click.option("--librosa", metavar="PYTHON", help="An interpreter with librosa, to compare with.")
def main(only: str | None, librosa: str | None) -> None:
    missed = asyncio.run(_run(only, librosa))
    for bar in missed:
        click.echo(f"MISSED: {bar}")
    sys.exit(bool(missed))


async def _run(only: str | None, librosa: str | None) -> list[str]:
    click.echo(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    world = World()
    missed = []
    for name, benchmark in (
        ("import", importing.run),
        ("answers", answers.run),
        ("footprint", footprint.run),
        ("feed", feed.run),
        ("media", partial(media.run, librosa=librosa)),
        ("accuracy", accuracy.run),
        ("fitting", fitting.run),
        ("stories", stories.run),
        ("analysis", analysis.run),
        ("profile", profile.run),
        ("insights", insights.run),
    ):
        if only in (None, name):
            result: Result = await benchmark(world)
            click.echo(show(result))
            missed += result.missed
    return missed


if __name__ == "__main__":
    main()
