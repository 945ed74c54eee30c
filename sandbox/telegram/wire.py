"""The JSON objects of the Bot API (User, Message, Update…) stay what they are on the wire."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
