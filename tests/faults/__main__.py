"""`make faults`: kills, bad input, spoilt media and planted secrets, against the real bot.

Prints its seed and a table of figures; exits with 1 when a bar is missed.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import time

import click

from tests.faults import (
    analysis,
    captions,
    feed,
    fuzz,
    insights,
    kill,
    media,
    move,
    planted,
    stories,
)
from tests.faults.table import Figure, table

PARTS = (
    *("kill", "feed", "stories", "analysis", "insights"),
    *("move", "fuzz", "captions", "media", "secrets"),
)
RUNS = {
    "kill": 100,
    "feed": 100,
    "stories": 200,
    "analysis": 50,
    "insights": 50,
    "move": 60,
    "captions": 2_000,
    "media": 2_000,
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--runs", type=int, help=f"Kills, and spoilt media files.  [default: {RUNS}]")
@click.option("--seed", type=int, help="Of the moments and of the inputs; drawn if not given.")
@click.option("--examples", default=20_000, show_default=True, help="Cases of each kind of input.")
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="Leave out the others.")
@click.option(
    "--day",
    type=click.Choice([*stories.NAMES, *insights.NAMES]),
    multiple=True,
    help="Of the stories, or of the insights.",
)
def main(
    runs: int | None, seed: int | None, examples: int, only: tuple[str, ...], day: tuple[str, ...]
) -> None:
    """Disturb Reelay in every way that its specification names, and print what came of it."""
    seed = secrets.randbelow(10**6) if seed is None else seed
    click.echo(f"seed {seed}")
    began = time.monotonic()
    figures: list[Figure] = []
    for part in only or PARTS:
        click.echo(f"\n{part}")
        match part:
            case "kill":
                figures += asyncio.run(kill.run(runs or RUNS[part], seed))
            case "feed":
                figures += asyncio.run(feed.run(runs or RUNS[part], seed))
            case "move":
                figures += asyncio.run(move.run(runs or RUNS[part], seed))
            case "stories":
                figures += asyncio.run(stories.run(runs or RUNS[part], seed, day))
            case "analysis":
                figures += asyncio.run(analysis.run(runs or RUNS[part], seed))
            case "insights":
                figures += asyncio.run(insights.run(runs or RUNS[part], seed, day))
            case "fuzz":
                figures += asyncio.run(fuzz.run(examples, seed))
            case "captions":
                figures += asyncio.run(captions.run(runs or RUNS[part], seed))
            case "media":
                figures += asyncio.run(media.run(runs or RUNS[part], seed))
            case "secrets":
                figures += asyncio.run(planted.run())
    minutes = (time.monotonic() - began) / 60
    click.echo(f"\nseed {seed}, {minutes:.1f} min\n\n{table(figures)}")
    if not all(figure.good for figure in figures):
        sys.exit(1)


if __name__ == "__main__":
    main()
