"""Telegram's "too many requests", as seconds. Used by whoever talks to Telegram."""

from __future__ import annotations

from datetime import timedelta

from telegram.error import RetryAfter


def seconds(error: RetryAfter) -> float:
    """python-telegram-bot gives a number or a timedelta, depending on its own settings."""
    wait = error.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
