"""`reelay demo`: the sandbox, the real bot against it, and the chat page; or a scripted tour."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys

import click

from sandbox.demo import Sandbox, sandbox_with_bot
from sandbox.instagram.bad_days import DAYS
from sandbox.tours import TOURS
from sandbox.tours.visitor import TourFailed


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--tour", type=click.Choice(sorted(TOURS)), help="Play a scripted visit and end.")
@click.option(
    "--bad-day",
    "bad_days",
    type=click.Choice([day.name for day in DAYS]),
    multiple=True,
    help="Let something go wrong.",
)
@click.option("--json", "as_json", is_flag=True, help="With --tour: end with the facts as JSON.")
@click.option("--port", default=8090, show_default=True, help="Port of the chat page.")
def main(tour: str | None, bad_days: tuple[str, ...], as_json: bool, port: int) -> None:
    """Try Reelay offline: no account, no key, no internet."""
    try:
        if tour:
            facts = asyncio.run(_tour(tour, bad_days, quiet=as_json))
            if as_json:
                click.echo(json.dumps(facts))
        else:
            asyncio.run(_serve(bad_days, port))
    except TourFailed as failed:
        raise click.ClickException(str(failed)) from None


def _switch_on(sandbox: Sandbox, bad_days: tuple[str, ...]) -> None:
    for name in bad_days:
        sandbox.instagram.bad_days.switch(name, True)


async def _tour(name: str, bad_days: tuple[str, ...], *, quiet: bool) -> dict[str, object]:
    async with sandbox_with_bot() as (sandbox, bot):
        _switch_on(sandbox, bad_days)
        # the chat goes to stderr where stdout is to end with JSON
        out = sys.stderr if quiet else sys.stdout
        return await TOURS[name](sandbox, bot.claim_code, out)


async def _serve(bad_days: tuple[str, ...], port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        running = sandbox_with_bot(port=port)
        sandbox, bot = await running.__aenter__()
    except OSError as error:
        raise click.ClickException(
            f"The chat page can't listen on port {port} ({error.strerror}). Try --port 0."
        ) from None
    try:
        _switch_on(sandbox, bad_days)
        click.echo(f"\n  Open {sandbox.page_url}?start={bot.claim_code}\n\n  Ctrl-C ends it.\n")
        ended = asyncio.create_task(bot.wait())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        for task in (ended, stopped):
            task.cancel()
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await running.__aexit__(None, None, None)


if __name__ == "__main__":
    main()
