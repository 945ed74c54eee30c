"""Runs every benchmark, prints tables, and fails only where a result is wrong, never for slowness.

The stand-ins and the visitor live in this process; the bot and gallery-dl in their own.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys

import click

from sandbox.world import World
from tests.bench import answers, footprint, importing
from tests.bench.table import Result, show


@click.command()
@click.option("--only", type=click.Choice(["import", "answers", "footprint"]), help="One of them.")
def main(only: str | None) -> None:
    missed = asyncio.run(_run(only))
    for bar in missed:
        click.echo(f"MISSED: {bar}")
    sys.exit(bool(missed))


async def _run(only: str | None) -> list[str]:
    click.echo(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )
    world = World()
    missed = []
    for name, benchmark in (
        ("import", importing.run),
        ("answers", answers.run),
        ("footprint", footprint.run),
    ):
        if only in (None, name):
            result: Result = await benchmark(world)
            click.echo(show(result))
            missed += result.missed
    return missed


if __name__ == "__main__":
    main()
