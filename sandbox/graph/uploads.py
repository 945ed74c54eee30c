"""Bytes of a resumable upload, how far they are, and its refusals. Called by `api`.

Source: Meta's page on resumable uploads (2026-03-15).
"""

from __future__ import annotations

import re

from aiohttp import web

from sandbox.graph.containers import Container, Status
from sandbox.graph.media import VIDEO_BYTES
from sandbox.graph.refusals import Json

NUMBER = re.compile(r"[0-9]{1,12}")


class UploadRefused(Exception):
    """rupload.facebook.com answers in a shape of its own, with `debug_info`."""

    def __init__(self, type_: str, message: str, *, retriable: bool = False) -> None:
        super().__init__(message)
        self.type = type_
        self.retriable = retriable

    def body(self) -> Json:
        info = {"retriable": self.retriable, "type": self.type, "message": str(self)}
        return {"debug_info": info}


def video_status(container: Container, status: Status) -> Json:
    """`bytes_transferred` is from where a broken upload goes on."""
    if container.uploaded is not None:
        received = len(container.uploaded)
    else:
        received = len(container.media.data) if container.media else 0
    uploading: Json = {"status": "complete", "bytes_transferred": received}
    if container.size:
        uploading["source_file_size"] = container.size
    if container.ready_at is None:
        uploading["status"] = "in_progress" if received else "not_started"
        return {"uploading_phase": uploading, "processing_phase": {"status": "not_started"}}
    processing = {Status.ERROR: "error", Status.IN_PROGRESS: "in_progress"}.get(status, "complete")
    return {"uploading_phase": uploading, "processing_phase": {"status": processing}}


async def receive(request: web.Request, container: Container) -> None:
    """Keeps what came even when the sender goes away. Errors: UploadRefused."""
    offset, size = request.headers.get("offset", ""), request.headers.get("file_size", "")
    if not NUMBER.fullmatch(offset) or not NUMBER.fullmatch(size):
        raise UploadRefused("HeaderError", "The headers offset and file_size are required")
    assert container.uploaded is not None
    if int(size) > VIDEO_BYTES:
        raise UploadRefused("ProcessingFailedError", "The file is too large")
    if int(offset) != len(container.uploaded):
        raise UploadRefused(
            "OffsetInvalidError", f"The offset must be {len(container.uploaded)}", retriable=True
        )
    container.size = int(size)
    async for piece in request.content.iter_chunked(1 << 16):
        container.uploaded += piece
        if len(container.uploaded) > container.size:
            raise UploadRefused("ProcessingFailedError", "More bytes than file_size says")
    if len(container.uploaded) < container.size:
        raise UploadRefused(
            "PartialRequestError",
            "Partial request (did not match length of file)",
            retriable=True,
        )
