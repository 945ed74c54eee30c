"""The command line, `reelay`."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import NoReturn

import click
from pydantic import ValidationError

from bot import logs
from bot.settings import ROLES, Settings


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for problem in error.errors(include_input=False, include_url=False):
            name = ".".join(str(part) for part in problem["loc"]).upper() or "settings"
            lines.append(f"{name}: {problem['msg']}")
        raise click.ClickException("Wrong settings.\n" + "\n".join(lines)) from None


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Reelay: run your Instagram from one Telegram chat."""


@main.command()
@click.option("--roles", default=",".join(ROLES), show_default=True, help="Parts of the process.")
def run(roles: str) -> None:
    """Run the bot (TELEGRAM_BOT_TOKEN in .env is the only setting that is needed)."""
    from bot.app import App  # after the settings are known to be right: imports take a second
    from bot.telegram import SetupError
    from storage.objects import BadAddress

    settings = _settings()
    wanted = [role for role in ROLES if role in roles.split(",")]
    unknown = set(roles.split(",")) - set(ROLES)
    if unknown:
        raise click.ClickException(f"Unknown role: {', '.join(sorted(unknown))}")
    if "chat" in wanted and not settings.telegram_bot_token.get_secret_value():
        raise click.ClickException(
            "TELEGRAM_BOT_TOKEN is not set. Get a token from @BotFather and write it into .env, or "
            "try everything without one: reelay demo"
        )
    if len(wanted) < len(ROLES) and not settings.database_url.get_secret_value():
        raise click.ClickException(
            "Several processes need PostgreSQL: set DATABASE_URL, or run without --roles."
        )
    logs.set_up(settings.log_level)
    try:
        app = App(settings, wanted)
    except BadAddress as error:
        raise click.ClickException(f"MEDIA_STORE: {error}") from None
    try:
        asyncio.run(app.run())
    except SetupError as error:
        raise click.ClickException(str(error)) from None
    _leave()


def _leave() -> NoReturn:
    """Everything is stored and closed by now. What Python does at its end would only take time: it
    waits for threads in which a library still waits for Instagram, and collects all objects."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(0)


@main.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> None:
    """Try everything offline in the sandbox (see reelay demo --help)."""
    # the sandbox is a program of its own, which knows nothing of this one but its command line
    os.execv(sys.executable, [sys.executable, "-m", "sandbox", *arguments])  # noqa: S606


@main.command()
def migrate() -> None:
    """Bring the database to the newest revision."""
    from storage.migrate import upgrade

    settings = _settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    upgrade(settings.database)
    click.echo("The database is at the newest revision.")


@main.command()
def doctor() -> None:
    """Check everything that Reelay needs, also while it runs; exit code 1 if something is bad."""
    from bot import upkeep

    found = asyncio.run(upkeep.examine(_settings()))
    click.echo(upkeep.report(found))
    if not all(one.good for one in found):
        sys.exit(1)


@main.group()
def media() -> None:
    """The pictures, films and sounds."""


@media.command()
@click.option("--to", default="", metavar="ADDRESS", help="Copy from MEDIA_STORE to this store.")
@click.option("--from", "away", default="", metavar="ADDRESS", help="Copy from it to MEDIA_STORE.")
@click.option(
    "--options",
    default="",
    metavar="JSON",
    help="Of ADDRESS; better in the environment, see below.",
)
@click.option("--clean-old", is_flag=True, help="With --from: then delete everything there.")
def move(to: str, away: str, options: str, clean_old: bool) -> None:
    """Copy all media to another store and prove every file by its digest.

    It can be stopped at any time and run again. Nothing is deleted without --clean-old, and with it
    only after everything has been proved. Keys of ADDRESS are better kept out of the command line:
    put the JSON into MEDIA_STORE_TO_OPTIONS or MEDIA_STORE_FROM_OPTIONS.
    """
    from bot import upkeep

    if bool(to) == bool(away):
        raise click.UsageError("Give one of --to and --from.")
    if clean_old and not away:
        raise click.UsageError("--clean-old needs --from: first use the new store, then clean.")
    name = "MEDIA_STORE_TO_OPTIONS" if to else "MEDIA_STORE_FROM_OPTIONS"
    route = upkeep.Route(to, away, options or os.environ.get(name, ""), clean_old)
    try:
        asyncio.run(upkeep.move(_settings(), route, click.echo))
    except upkeep.Refused as refused:
        raise click.ClickException(str(refused)) from None


@main.group()
def keys() -> None:
    """The keys that seal secrets."""


@keys.command()
def rotate() -> None:
    """Make a new key and seal every secret with it anew; old keys stay, for backups."""
    from services.accounts.keys import reseal
    from storage.database import Database
    from storage.vault import Vault, add_key, load_keys

    settings = _settings()
    given, path = settings.reelay_keys.get_secret_value(), settings.data_dir / "secret.key"
    if not given:  # with REELAY_KEYS the operator has put the new key in front
        load_keys("", path)
        add_key(path)
    count = asyncio.run(reseal(Database(settings.database), Vault(load_keys(given, path))))
    click.echo(f"{count} secrets are sealed with the newest key. Back up your keys.")


if __name__ == "__main__":
    main()
