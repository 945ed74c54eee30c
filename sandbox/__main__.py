"""`reelay demo`: the sandbox, the real bot against it, and the chat page; or a scripted tour."""

from __future__ import annotations

import asyncio
import errno
import json
import signal
import sys
from collections.abc import Callable

import click

from sandbox.cloudinary.server import DAYS as CLOUDINARY_DAYS
from sandbox.demo import BotFailed, Sandbox, sandbox_with_bot
from sandbox.graph.bad_days import DAYS as META_DAYS
from sandbox.instagram.bad_days import DAYS as INSTAGRAM_DAYS
from sandbox.machine_clock import MachineClock
from sandbox.tours import TOURS
from sandbox.tours.stage import Stage
from sandbox.tours.visitor import TourFailed


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--tour", type=click.Choice(sorted(TOURS)), help="Play a scripted visit and end.")
@click.option(
    "--bad-day",
    "bad_days",
    type=click.Choice([day.name for day in (*INSTAGRAM_DAYS, *META_DAYS, *CLOUDINARY_DAYS)]),
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
    except (TourFailed, BotFailed) as failed:
        raise click.ClickException(str(failed)) from None
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise click.ClickException(
            f"Port {port} is in use, perhaps by another demo. Try: reelay demo --port 0"
        ) from None


def _switch_on(sandbox: Sandbox, bad_days: tuple[str, ...]) -> None:
    for name in bad_days:
        sandbox.switch(name, True)


async def _tour(name: str, bad_days: tuple[str, ...], *, quiet: bool) -> dict[str, object]:
    with MachineClock() as clock:
        async with sandbox_with_bot(clock=clock) as (sandbox, bot):
            _switch_on(sandbox, bad_days)
            # the chat goes to stderr where stdout is to end with JSON
            out = sys.stderr if quiet else sys.stdout
            return await TOURS[name](Stage(sandbox, bot, clock, out))


async def _serve(bad_days: tuple[str, ...], port: int) -> None:
    """Until Ctrl-C, SIGTERM, or the end of the bot."""
    serving = asyncio.create_task(_visit(bad_days, port))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _once(serving))
    await asyncio.wait({serving})
    if not serving.cancelled():
        serving.result()


def _once(task: asyncio.Task[None]) -> Callable[[], None]:
    """Cancels the task; an impatient second Ctrl-C does not disturb its tidying up."""

    def cancel() -> None:
        if not task.cancelling():
            task.cancel()

    return cancel


async def _visit(bad_days: tuple[str, ...], port: int) -> None:
    async with sandbox_with_bot(port=port) as (sandbox, bot):
        _switch_on(sandbox, bad_days)
        click.echo(f"\n  Open {sandbox.page_url}?start={bot.claim_code}\n\n  Ctrl-C ends it.\n")
        exit_code = await bot.wait()
    raise BotFailed(f"The bot has ended by itself (exit code {exit_code}).")


if __name__ == "__main__":
    main()
