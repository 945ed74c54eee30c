"""Makes the pictures of the README: `python -m tests.e2e.picture docs`.

The real bot against the sandbox, in a wide and light window: `chat.png` after an import,
`library.png` with a sample's card; of `insights.png`, only the card of a chart.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import click
from playwright.async_api import Locator

from sandbox.demo import Sandbox, sandbox_with_bot
from tests.e2e.visit import DESKTOP, Visit, visiting

Scene = Callable[[Visit, Sandbox], Awaitable[Locator | None]]

LOOKS = 120  # at a card whose film is still analysed


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, exists=True, path_type=Path))
@click.argument("names", nargs=-1)
def main(folder: Path, names: tuple[str, ...]) -> None:
    for name in names or SCENES:
        path = folder / f"{name}.png"
        asyncio.run(_take(SCENES[name], path))
        click.echo(f"{path}: {path.stat().st_size // 1000} kB")


async def _take(scene: Scene, path: Path) -> None:
    """Of the whole page, or of the part of it that the scene returns."""
    async with sandbox_with_bot() as (sandbox, bot), visiting(DESKTOP, "light") as visit:
        await visit.open(f"{sandbox.page_url}?start={bot.claim_code}")
        await visit.press_start()
        await visit.tap("Connect Instagram")
        await visit.sees("Send your cookies.txt")
        await visit.send_from_panel("cookies.txt of @mia")
        await visit.sees("Connected as @mia")
        part = await scene(visit, sandbox)
        await visit.page.locator("#panel").evaluate("panel => panel.scrollTo(0, 0)")
        await visit.page.mouse.move(600, 30)  # no button looks hovered
        await (part or visit.page).screenshot(path=path)


async def _import(visit: Visit, _sandbox: Sandbox) -> None:
    await visit.send_from_panel("Reels ideas")
    await visit.tap("Import all")
    await visit.sees("posts saved")


async def _library(visit: Visit, _sandbox: Sandbox) -> None:
    await visit.send_from_panel("Beats")
    await visit.tap("Import all")
    await visit.sees("posts saved")
    await visit.say("/library")
    shelf = re.compile("Library · ")
    await visit.sees(shelf)
    for _ in range(LOOKS):
        if "being analysed" not in await visit.bubble(shelf).inner_text():
            break
        await visit.tap("1/")
        await visit.page.wait_for_timeout(1000)
    # a film that has a tempo and a key
    film = re.search(r"(\d) 🎬[^\n]*\n\d+ BPM · \w", await visit.bubble(shelf).inner_text())
    await visit.tap(re.compile(f"^{film[1] if film else 1}$"))
    await visit.sees("post on Instagram")
    await visit.bubble("post on Instagram").locator("img").evaluate("picture => picture.decode()")


async def _insights(visit: Visit, sandbox: Sandbox) -> Locator:
    token = next(one.text for one in sandbox.notes() if one.name == "token-mia")
    await visit.say("/connect")
    await visit.tap("Meta")
    await visit.tap("Paste a token")
    await visit.sees("Paste a token of Meta")
    await visit.say(token)
    await visit.sees("Connected at Meta")
    await visit.say("/sync")
    await visit.sees("are read")
    await visit.say("/insights")
    await visit.sees("as Meta counts them")
    await visit.page.set_viewport_size({**DESKTOP, "height": 1100})  # the card is higher
    await visit.tap("Reach ▾")
    await visit.tap(re.compile("^Views$"))
    card = visit.bubble("how often posts, reels and stories were seen.")
    await visit.sees("how often posts, reels and stories were seen.")
    await card.locator("img").evaluate("picture => picture.decode()")
    return card


SCENES: dict[str, Scene] = {"chat": _import, "library": _library, "insights": _insights}


if __name__ == "__main__":
    main()
