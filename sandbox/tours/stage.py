"""What a tour is played on. Made by the command line, given to each tour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TextIO

from sandbox.demo import Bot, Sandbox
from sandbox.machine_clock import MachineClock
from sandbox.tours.visitor import PATIENCE, Visitor

OWNER = "mia"


@dataclass(frozen=True, slots=True)
class Stage:
    """`clock`: of the sandbox and of the bot. `out`: for the conversation, as text."""

    sandbox: Sandbox
    bot: Bot
    clock: MachineClock
    out: TextIO

    def visitor(self, *, patience: float = PATIENCE) -> Visitor:
        """Mia, before her first word."""
        user_id = self.sandbox.users[OWNER]
        return Visitor(self.sandbox.telegram, user_id, self.out, patience=patience)

    async def owner(self, *, patience: float = PATIENCE) -> Visitor:
        """Mia, who has claimed the bot. Errors: TourFailed."""
        mia = self.visitor(patience=patience)
        mia.say(f"/start {self.bot.claim_code}")
        await mia.sees("this is Reelay")
        return mia
