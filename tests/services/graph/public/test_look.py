"""A public copy is fetched back as Meta would; whatever is wrong is said without the address."""

import httpx
import pytest

from services.errors import HostingFailed
from services.graph.public.look import look

URL = "https://x.example/public/1.jpg?X-Amz-Signature=planted"
PICTURE = b"\xff\xd8\xffpicture"
JPEG = {"Content-Type": "image/jpeg"}


async def unmeasured():
    yield PICTURE


async def looked(answer):
    seen = []

    def handle(request):
        seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as http:
        await look(http, URL, "image/jpeg", len(PICTURE))
    assert [(request.method, str(request.url)) for request in seen] == [("GET", URL)]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=PICTURE, headers=JPEG),
        httpx.Response(200, content=PICTURE, headers={"Content-Type": "Image/JPEG; q=1"}),
        httpx.Response(200, content=unmeasured(), headers=JPEG),
    ],
)
async def test_what_meta_will_find(answer):
    await looked(answer)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.Response(403, content=PICTURE, headers=JPEG), "answers 403"),
        (httpx.Response(206, content=PICTURE, headers=JPEG), "answers 206"),
        (httpx.Response(302, headers={"Location": URL}), "leads on"),
        (httpx.Response(200, content=PICTURE), "served as nothing"),
        (httpx.Response(200, html="<html>"), "served as text/html"),
        (httpx.Response(200, content=PICTURE[:3], headers=JPEG), "3 bytes lie there"),
        (httpx.Response(200, content=PICTURE * 2, headers=JPEG), "20 bytes lie there"),
        (httpx.ConnectTimeout("planted"), "nobody answers"),
    ],
)
async def test_what_meta_would_stumble_over(answer, told):
    with pytest.raises(HostingFailed, match=told) as caught:
        await looked(answer)
    assert "planted" not in str(caught.value)
    assert caught.value.__cause__ is None
