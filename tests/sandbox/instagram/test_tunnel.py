"""The proxy tunnels CONNECT to the stand-in and refuses everything else."""

from __future__ import annotations

import ssl

import aiohttp

from sandbox.instagram import Instagram


async def test_any_instagram_host_leads_to_the_stand_in(instagram: Instagram) -> None:
    context = ssl.create_default_context(cafile=str(instagram.ca_file))
    async with aiohttp.ClientSession() as client:
        for host, path in (
            ("www.instagram.com", "/"),
            ("instagram.com", "/"),
            ("static.cdninstagram.com", "/rsrc.php/v4/sandbox.js"),
        ):
            url = f"https://{host}{path}"
            async with client.get(url, proxy=instagram.proxy_url, ssl=context) as response:
                assert response.status == 200
    seen = [(request.host, request.to_application) for request in instagram.requests]
    assert seen == [
        ("www.instagram.com", True),
        ("instagram.com", True),
        ("static.cdninstagram.com", False),
    ]


async def test_plain_http_is_refused(instagram: Instagram) -> None:
    async with (
        aiohttp.ClientSession() as client,
        client.get("http://www.instagram.com/", proxy=instagram.proxy_url) as response,
    ):
        assert response.status == 501
    assert len(instagram.requests) == 0


async def test_log_is_reset(instagram: Instagram) -> None:
    async with aiohttp.ClientSession() as client, client.get(instagram.http_url) as response:
        assert response.status == 404
    assert len(instagram.requests) == 1
    instagram.reset_log()
    assert (len(instagram.requests), instagram.api_requests()) == (0, 0)
