"""Sends a message to an address that a person typed, and to nothing inside our own network.

The name is resolved first, every address it has is checked, and the connection goes to the address
that was checked: a name that means something else a moment later leads nowhere. Used by
services/web/webhooks.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import httpx

from services.errors import BadInput

MAX_ADDRESS = 2000  # characters
SECONDS = 10.0  # for everything: name, connection, answer

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""(host, port) to its IP addresses. Errors: OSError."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class NotSent(Exception):
    """`reason`: timeout, network, tls or private. `final`: another try can't change it."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final


@dataclass(frozen=True, slots=True)
class Answer:
    """`retry_after`: seconds, where the other side names them."""

    status: int
    retry_after: int | None


class Outgoing:
    """`private`: addresses in private networks and plain http are allowed too."""

    def __init__(
        self,
        *,
        private: bool = False,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._private = private
        self._resolve = resolve or _resolve
        self._tls = tls
        self._seconds = seconds

    def read(self, address: str) -> httpx.URL:
        """What may be an address to send to. Errors: BadInput."""
        wrong = "That is not an address that I can send to."
        schemes = ("https", "http") if self._private else ("https",)
        try:
            url = httpx.URL(address)
        except (httpx.InvalidURL, ValueError):
            url = httpx.URL("")
        port_is_one = url.port is None or 0 < url.port < 1 << 16
        if (
            len(address) > MAX_ADDRESS
            or url.scheme not in schemes
            or not url.host
            or not port_is_one
        ):
            raise BadInput(wrong, "Send one that begins with https://, as its service gave it.")
        if url.userinfo:
            raise BadInput(wrong, "Send one without a name and password before the host.")
        return url

    async def check(self, url: httpx.URL) -> None:
        """That the name leads somewhere outside. Errors: BadInput."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._target(url)
        except (TimeoutError, NotSent) as error:
            if isinstance(error, NotSent) and error.final:
                raise BadInput(
                    "That address is inside a private network.",
                    "Send a public one, or ask the owner to allow it: WEBHOOK_PRIVATE=true.",
                ) from None
            wrong = BadInput("I can't find that host.", "Check the address, and send it again.")
            raise wrong from None

    async def post(self, url: httpx.URL, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One try; no redirects, no cookies, no proxy, and the answer's body is not read.
        Errors: NotSent."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post(url, body, headers)
        except (TimeoutError, httpx.TimeoutException):
            raise NotSent("timeout") from None
        except ssl.SSLError:
            raise NotSent("tls") from None
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            raise NotSent("tls" if "CERTIFICATE" in str(error) else "network") from None

    async def _post(self, url: httpx.URL, body: bytes, headers: Mapping[str, str]) -> Answer:
        target = url.copy_with(host=await self._target(url))
        if self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        # a client for each: connections are pooled by address, and one address has many names
        async with httpx.AsyncClient(
            verify=self._tls, trust_env=False, follow_redirects=False, timeout=self._seconds
        ) as client:
            request = client.build_request(
                "POST",
                target,
                content=body,
                headers={**headers, "Host": url.netloc.decode("ascii")},
                extensions={"sni_hostname": url.raw_host.decode("ascii")},
            )
            response = await client.send(request, stream=True)
            await response.aclose()
        wait = response.headers.get("Retry-After", "")
        seconds = int(wait) if wait.isascii() and wait.isdigit() and len(wait) < 7 else None
        return Answer(response.status_code, seconds)

    async def _target(self, url: httpx.URL) -> str:
        """The address to connect to. Errors: NotSent."""
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            found = await self._resolve(url.raw_host.decode("ascii"), port)
        except TimeoutError:
            raise
        except (OSError, UnicodeError):
            raise NotSent("network") from None
        if not found:
            raise NotSent("network")
        if not self._private and not all(is_public(address) for address in found):
            raise NotSent("private", final=True)
        return found[0]


def is_public(address: str) -> bool:
    """Somewhere in the internet, also behind the IPv6 forms of an IPv4 address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_unspecified


async def _resolve(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    return [str(where[4][0]) for where in found]
