"""Makes the picture of the README: `python -m tests.e2e.picture docs/chat.png`.

The real bot against the sandbox, in a wide and light window, after an import.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from sandbox.demo import sandbox_with_bot
from tests.e2e.visit import DESKTOP, visiting


@click.command()
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
def main(path: Path) -> None:
    asyncio.run(_take(path))
    click.echo(f"{path}: {path.stat().st_size // 1000} kB")


async def _take(path: Path) -> None:
    async with sandbox_with_bot() as (sandbox, bot), visiting(DESKTOP, "light") as visit:
        await visit.open(f"{sandbox.page_url}?start={bot.claim_code}")
        await visit.press_start()
        await visit.tap("Connect Instagram")
        await visit.sees("Send your cookies.txt")
        await visit.send_from_panel("cookies.txt of @mia")
        await visit.sees("Connected as @mia")
        await visit.send_from_panel("Reels ideas")
        await visit.tap("Import all")
        await visit.sees("posts saved")
        await visit.page.locator("#panel").evaluate("panel => panel.scrollTo(0, 0)")
        await visit.page.mouse.move(600, 30)  # no button looks hovered
        await visit.page.screenshot(path=path)


if __name__ == "__main__":
    main()
