"""Every setting, from the environment or `.env`. Read once, by the command line.

Each has its line in docs/guide.md (a test compares). Only TELEGRAM_BOT_TOKEN is needed to start.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.clock import utc_now
from services.errors import BadInput
from services.graph.wire import VERSION
from services.instagram.cdn import CDN_HOSTS
from services.instagram.mobile_errors import Credentials, read_username
from services.instagram.mobile_wire import Transport
from services.instagram.pace import Policy
from services.instagram.totp import totp_code
from storage.database import sqlite_url

Role = Literal["chat", "web", "clock", "worker"]
ROLES: tuple[Role, ...] = ("chat", "web", "clock", "worker")


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    telegram_bot_token: SecretStr = SecretStr("")
    telegram_api: str = "https://api.telegram.org"
    telegram_webhook_url: str = ""
    telegram_webhook_secret: SecretStr = SecretStr("")

    data_dir: Path = Path("data")
    database_url: SecretStr = SecretStr("")  # holds a password
    reelay_keys: SecretStr = SecretStr("")

    media_store: str = "local"
    media_store_options: SecretStr = SecretStr("")  # JSON; may hold the bucket's keys

    web_host: str = "127.0.0.1"
    web_port: int = Field(default=8080, ge=0, le=65535)
    public_url: str = ""
    operator_token: SecretStr = SecretStr("")
    feed_public: bool = False
    webhook_private: bool = False
    feed_poll_minutes: float = Field(default=10, gt=0, le=1440)

    start_credits: int = Field(default=500, ge=0, le=1_000_000)
    import_post_limit: int = Field(default=500, ge=1, le=10_000)

    analyses_per_day: int = Field(default=10, ge=1, le=1000)
    analysis_reel_limit: int = Field(default=500, ge=1, le=10_000)
    analysis_keep_days: int = Field(default=90, ge=1, le=3650)
    insights_history_days: int = Field(default=365, ge=0, le=729)  # Meta: "within 2 years"

    instagram_username: str = ""
    instagram_password: SecretStr = SecretStr("")
    instagram_totp_secret: SecretStr = SecretStr("")
    instagram_pace_seconds: Annotated[tuple[float, float], NoDecode] = (6.0, 12.0)
    instagram_requests_per_minute: int = Field(default=30, ge=1)
    instagram_proxy: str = ""
    instagram_ca_file: Path | None = None
    instagram_transport: Transport = "curl"
    gallery_dl_timeout_seconds: float = Field(default=300, gt=0)
    media_hosts: Annotated[tuple[str, ...], NoDecode] = CDN_HOSTS

    meta_app_id: str = ""
    meta_app_secret: SecretStr = SecretStr("")
    instagram_app_id: str = ""
    instagram_app_secret: SecretStr = SecretStr("")
    meta_api_version: str = Field(default=VERSION, pattern=r"^v\d+\.\d+$")
    meta_access_token: SecretStr = SecretStr("")
    meta_origin: str = ""  # a stand-in's, which serves each of Meta's hosts below a path
    cloudinary_url: SecretStr = SecretStr("")  # cloudinary://key:secret@name
    cloudinary_api: str = ""
    public_store: str = ""
    public_store_options: SecretStr = SecretStr("")
    instagram_posts_per_hour: int = Field(default=25, ge=1, le=100)

    banner: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("instagram_pace_seconds", mode="before")
    @classmethod
    def _two_numbers(cls, value: object) -> object:
        """ "6-12": at least and at most."""
        if isinstance(value, str):
            low, _, high = value.partition("-")
            return float(low), float(high or low)
        return value

    @field_validator("media_hosts", mode="before")
    @classmethod
    def _list(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(host.strip() for host in value.split(",") if host.strip())
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        low, high = self.instagram_pace_seconds
        if not 0 <= low <= high:
            raise ValueError("INSTAGRAM_PACE_SECONDS: write it as 6-12, the smaller number first")
        self._check_log_in()
        if self.telegram_webhook_url and not self.telegram_webhook_secret.get_secret_value():
            raise ValueError(
                "TELEGRAM_WEBHOOK_SECRET must be set in webhook mode, or anyone could post updates"
            )
        return self

    def _check_log_in(self) -> None:
        password = bool(self.instagram_password.get_secret_value())
        if password != bool(self.instagram_username):
            raise ValueError("INSTAGRAM_USERNAME and INSTAGRAM_PASSWORD belong together")
        try:
            if self.instagram_username:
                read_username(self.instagram_username)
            if secret := self.instagram_totp_secret.get_secret_value():
                totp_code(secret, utc_now())
        except BadInput as error:  # it says nothing of what it was given
            raise ValueError(f"INSTAGRAM_USERNAME, INSTAGRAM_TOTP_SECRET: {error}") from None

    @property
    def log_in(self) -> Credentials | None:
        """Whom the owner is logged in as without being asked."""
        if not self.instagram_username:
            return None
        return Credentials(
            read_username(self.instagram_username),
            self.instagram_password.get_secret_value(),
            self.instagram_totp_secret.get_secret_value(),
        )

    @property
    def database(self) -> str:
        """The domain database's URL for SQLAlchemy."""
        given = self.database_url.get_secret_value()
        return given or sqlite_url(self.data_dir.resolve() / "reelay.db")

    @property
    def jobs(self) -> Path | str:
        """Where the job engine keeps its own tables."""
        given = self.database_url.get_secret_value()
        return given.replace("+psycopg", "") if given else self.data_dir.resolve() / "jobs.db"

    @property
    def pace_gap(self) -> float:
        """Seconds between two requests, on average."""
        return sum(self.instagram_pace_seconds) / 2

    @property
    def pace(self) -> Policy:
        return Policy(
            gap=self.instagram_pace_seconds, per_minute=self.instagram_requests_per_minute
        )
