"""(b) From an update to the bot's answer: at rest, and while two imports are at work.

A third person asks for help (a new message) and taps a topic (an edit), some twenty times a second.
"""

from __future__ import annotations

import asyncio
import io
import re
import time
from collections.abc import Callable
from statistics import quantiles

from sandbox.demo import Bot, Sandbox, sandbox_with_bot
from sandbox.tours.importing import connect
from sandbox.tours.visitor import Visitor
from sandbox.world import World
from tests.bench.importing import UNPACED, warm
from tests.bench.table import Result

ROUNDS = 3  # the shorter import is over in seconds
AT_REST = 70
PAUSE = 0.05  # seconds between two questions, below the bot's own limit of 30 messages a second
PATIENCE = 60
MOST = 600  # questions during the imports
INVITATION = re.compile(r"start=([\w-]+)")


async def run(world: World) -> Result:
    warm(world, "studio", "recipes")
    rest: list[float] = []
    busy: list[float] = []
    for _ in range(ROUNDS):
        async with sandbox_with_bot(world=world, settings=UNPACED) as (sandbox, bot):
            asker = await guests(sandbox, bot)
            await asker.once()  # the first answer of all is the slowest, and nobody's everyday
            rest += await asker.until(AT_REST, lambda: False)
            imports = asyncio.create_task(_two_imports(sandbox))
            await asyncio.sleep(1)
            busy += await asker.until(MOST, imports.done)
            await imports
    rows: list[tuple[str, ...]] = [
        (name, str(len(times)), f"{at(times, 50):.1f}", f"{at(times, 99):.1f}")
        for name, times in (("at rest", rest), ("during two imports", busy))
    ]
    ratios = [at(busy, share) / at(rest, share) for share in (50, 99)]
    rows.append(("ratio", "", *(f"{ratio:.2f}" for ratio in ratios)))
    return Result(
        "(b) From an update to its answer, in milliseconds", ("", "n", "p50", "p99"), rows
    )


def at(times: list[float], percent: int) -> float:
    """Milliseconds that `percent` of the answers do not exceed."""
    return 1000 * quantiles(times, n=100, method="inclusive")[percent - 1]


# ---------------------------------------------------------------- the people


class Asker:
    """Somebody with no import, whose every event is an answer."""

    def __init__(self, sandbox: Sandbox, user_id: int) -> None:
        self._telegram = sandbox.telegram
        self._user_id = user_id
        self._events = sandbox.telegram.subscribe()
        self._turn = 0

    async def once(self) -> float:
        """Seconds from one act to its answer: /help, or a tap on its first topic."""
        while not self._events.empty():
            self._events.get_nowait()
        self._turn += 1
        began = time.perf_counter()
        if self._turn % 2:
            self._telegram.say(self._user_id, "/help")
            await self._answer("message")
        else:
            card = self._telegram.history(self._user_id)[-1]
            key = card["reply_markup"]["inline_keyboard"][0][0]
            self._telegram.tap(self._user_id, card["message_id"], key["callback_data"])
            await self._answer("edit")
        return time.perf_counter() - began

    async def _answer(self, kind: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                event = await self._events.get()
                bot = event.kind == kind and event.payload["from"]["is_bot"]
                if bot and event.chat_id == self._user_id:
                    return

    async def until(self, count: int, stop: Callable[[], bool]) -> list[float]:
        times: list[float] = []
        while len(times) < count and not stop():
            times.append(await self.once())
            await asyncio.sleep(PAUSE)
        return times


async def guests(sandbox: Sandbox, bot: Bot) -> Asker:
    """Mia owns the bot, Leo and Zoe have followed her invitations; Mia and Leo are connected."""
    mia = Visitor(sandbox.telegram, sandbox.users["mia"], io.StringIO())
    await connect(mia, sandbox, bot.claim_code)
    mia.say("/admin")
    for name in ("leo", "zoe"):
        guest = Visitor(sandbox.telegram, sandbox.users[name], io.StringIO())
        await mia.tap("Invite")
        invitation = await mia.sees(r"It works once")
        code = INVITATION.search(invitation["text"])
        assert code is not None
        guest.say(f"/start {code[1]}")
        await guest.sees("this is Reelay")
        await mia.tap("‹ Admin")  # the same message: the used invitation is gone from the chat
        await mia.sees("Administration")
        if name == "leo":
            guest.say("/connect")
            await guest.sees("Send your cookies.txt")
            guest.send_file("cookies.txt", sandbox.world.cookies_txt("leo").encode())
            await guest.sees("Connected as @leo")
    return Asker(sandbox, sandbox.users["zoe"])


async def _two_imports(sandbox: Sandbox) -> None:
    """At the same time, until the shorter one is done."""

    async def bring(name: str, slug: str) -> None:
        visitor = Visitor(sandbox.telegram, sandbox.users[name], io.StringIO())
        visitor.say(sandbox.world.collection_url(name, slug))
        await visitor.tap("Import all")
        await visitor.sees("✅ Done:")

    both = (bring("mia", "studio"), bring("leo", "recipes"))
    tasks = [asyncio.create_task(one) for one in both]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
