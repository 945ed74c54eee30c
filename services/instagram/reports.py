"""Keeps the answers that nobody could read, so that a person can report them. No secrets in them.

Called by the gallery-dl adapter; the chat names the file, the guide says where it lies.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

from services.clock import utc_now

_KEPT = 20
_MAX_LENGTH = 64 << 10
_SHORTEST_SECRET = 6  # "1" and "en" are cookie values too; removing those would ruin the report
_TOKENS = re.compile(
    r"((?:sessionid|csrf_?token|fb_dtsg|dtsg|lsd|token|jazoest)\\?[\"']?\s*[=:]\s*\\?[\"']?)"
    r"[^\s\"'&;,\\]+",
    re.IGNORECASE,
)
# Where Instagram's web page carries its form tokens, under one-letter names.
_PAGE_TOKENS = re.compile(r"(id=\"__eqmc\">)[^<]*")


def keep_report(folder: Path, text: str, hidden: Iterable[str]) -> str:
    """Write `text` without the `hidden` strings; returns the file's name, "" if that failed.

    The newest 20 reports stay, each at most 64 kB.
    """
    name = f"{utc_now():%Y%m%d-%H%M%S-%f}-{secrets.token_hex(2)}.txt"
    content = without_secrets(text, hidden)[:_MAX_LENGTH]
    # A report is a courtesy: a full disk here must not hide the failure that it is about.
    with contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(content)
        for old in sorted(folder.glob("*.txt"))[:-_KEPT]:
            old.unlink(missing_ok=True)
        return name
    return ""


def without_secrets(text: str, hidden: Iterable[str]) -> str:
    """`text` with each hidden string, plain or URL-decoded, and everything like a token removed."""
    forms = {form for secret in hidden for form in (secret, unquote(secret))}
    for form in sorted(forms, key=len, reverse=True):
        if len(form) >= _SHORTEST_SECRET:
            text = text.replace(form, "[removed]")
    return _TOKENS.sub(r"\1[removed]", _PAGE_TOKENS.sub(r"\1[removed]", text))


def values_of(cookies: str) -> list[str]:
    """The secret values of a Netscape cookies.txt."""
    return [line.rsplit("\t", 1)[1] for line in cookies.splitlines() if line.count("\t") == 6]
