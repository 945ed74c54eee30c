"""Small media for the chat page's tests."""

from __future__ import annotations

import io

from PIL import Image


def jpeg(width: int = 320, height: int = 200, colour: str = "#7c6cf6") -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(output, "JPEG")
    return output.getvalue()
