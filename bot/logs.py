"""Structured logs that hold no secret. Set up once, by the command line."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog

# what must never be printed, whatever message it slipped into
_SECRETS = re.compile(
    r"(?P<token>\d{5,12}:[A-Za-z0-9_-]{30,})"
    r"|(?P<name>sessionid|csrftoken|ds_user_id|mid|token|secret|password)(?P<sep>[=\t:\"' ]+)"
    r"(?P<value>[^\s;,\"'&]{6,})",
    re.IGNORECASE,
)


def clean(text: str) -> str:
    """The text with everything that looks like a secret replaced."""

    def replace(match: re.Match[str]) -> str:
        return "[removed]" if match["token"] else f"{match['name']}{match['sep']}[removed]"

    return _SECRETS.sub(replace, text)


def _clean_event(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    return {key: clean(value) if isinstance(value, str) else value for key, value in event.items()}


def set_up(level: str) -> None:
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _clean_event,
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
            ],
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("httpx", "httpcore", "apscheduler", "dbos", "telegram", "aiohttp", "alembic"):
        logging.getLogger(name).setLevel("WARNING")  # httpx's INFO lines hold the bot's token
