"""The parts of logging in, built and joined. Called by bot/app.py."""

from __future__ import annotations

from collections.abc import Set
from datetime import timedelta

from bot.accounts.login import LoginScreen
from bot.ground import Ground
from bot.settings import Role
from services.accounts.logging_in import LoggingIn
from services.accounts.login_job import LoginJob
from services.accounts.login_secrets import LoginSecrets
from services.jobs.clock import Clock

MINUTE = timedelta(minutes=1)
OFTEN = timedelta(seconds=15)  # until there is an owner, whom the settings may log in


class LoginParts:
    def __init__(self, ground: Ground) -> None:
        secrets = LoginSecrets(ground.vault, ground.settings.log_in)
        self.service = LoggingIn(ground.database, secrets, ground.engine, ground.pacer, ground.now)
        self._job = LoginJob(
            ground.database, secrets, ground.connecting, ground.pacer, ground.mobile, ground.now
        )
        self.screen = LoginScreen(self.service)

    @property
    def kinds(self) -> tuple[LoginJob]:
        return (self._job,)

    @property
    def screens(self) -> tuple[LoginScreen]:
        return (self.screen,)

    def register_loops(self, clock: Clock, roles: Set[Role]) -> None:
        if "clock" in roles:
            clock.every(OFTEN, "log-in of the settings", self._use_settings)
            clock.every(MINUTE, "old log-ins", self.service.tidy)

    async def _use_settings(self) -> None:
        await self.service.use_settings()
