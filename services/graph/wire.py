"""The one HTTP client for Meta: both flavours, a bearer header, limits of time and size.

Built once by the app; used by the typed operations of this package. A POST is sent once, whatever
happens to its answer; only a GET is tried again. Nothing here logs an address: those of a log-in
hold secrets, because Meta takes them only there.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import httpx

from services.clock import Now
from services.errors import MetaChanged, MetaError, MetaUnavailable, TokenRefused
from services.graph.reading import Fields, is_token, parsed
from services.graph.refusals import judge, read_said
from services.graph.usage import Usage, read_usage
from storage.vault import Secret

VERSION = "v25.0"
MAX_ANSWER = 4 << 20  # bytes
CALL_SECONDS = 30.0
PUBLISH_SECONDS = 90.0
UPLOAD_SECONDS = 900.0
_PAUSES = (0.5, 2.0)  # seconds before the second and the third try of a GET


class Flavour(StrEnum):
    """How an account is connected: by Facebook Login, with a Page, or by Instagram Login."""

    FACEBOOK = "facebook"
    INSTAGRAM = "instagram"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where Meta answers, without a slash at the end."""

    facebook: str = "https://graph.facebook.com"
    instagram: str = "https://graph.instagram.com"
    instagram_login: str = "https://api.instagram.com"
    uploads: str = "https://rupload.facebook.com"
    facebook_dialog: str = "https://www.facebook.com"
    instagram_dialog: str = "https://www.instagram.com"


@dataclass(frozen=True, slots=True)
class Answer:
    """`usage`: of the allowance of calls, where Meta told."""

    fields: Fields
    usage: Usage | None


class GraphClient:
    """`http` is closed by whoever made it. `version`: as "v25.0". `facebook_secret`: of the app,
    proves each call to graph.facebook.com, which an app's setting "Require App Secret" wants."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        now: Now,
        *,
        addresses: Addresses | None = None,
        version: str = VERSION,
        facebook_secret: Secret | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.addresses = addresses or Addresses()
        self.version = version
        self._facebook_secret = facebook_secret
        self._http = http
        self._now = now
        self._sleep = sleep

    def api(self, flavour: Flavour) -> str:
        """The versioned base address of a flavour."""
        facebook = flavour is Flavour.FACEBOOK
        base = self.addresses.facebook if facebook else self.addresses.instagram
        return f"{base}/{self.version}"

    async def get(
        self,
        url: str,
        params: Mapping[str, str],
        token: Secret | None = None,
        *,
        again: bool = True,
    ) -> Answer:
        """Three tries where Meta is not well. `again` is False where the answer comes only once.

        Errors: MetaError.
        """
        for pause in _PAUSES if again else ():
            try:
                return await self._get(url, params, token)
            except MetaUnavailable:
                await self._sleep(pause)
        return await self._get(url, params, token)

    async def _get(self, url: str, params: Mapping[str, str], token: Secret | None) -> Answer:
        query = self._proven(url, params, token)
        request = self._http.build_request("GET", url, params=query, headers=_bearer(token))
        return await self._once(request, CALL_SECONDS)

    async def post(
        self,
        url: str,
        form: Mapping[str, str],
        token: Secret | None = None,
        *,
        seconds: float = CALL_SECONDS,
    ) -> Answer:
        """Once. Addresses of media go into the body: Meta cuts them at "&" in a query.

        Errors: MetaError; MetaUnavailable and MetaChanged leave open whether it took effect.
        """
        proven = self._proven(url, form, token)
        request = self._http.build_request("POST", url, data=proven, headers=_bearer(token))
        return await self._once(request, seconds)

    async def upload(
        self, url: str, content: AsyncIterable[bytes], headers: Mapping[str, str], token: Secret
    ) -> Answer:
        """Once. `headers` hold Content-Length. Errors: as post."""
        headers = {**headers, **_bearer(token, scheme="OAuth")}
        request = self._http.build_request("POST", url, content=content, headers=headers)
        return await self._once(request, UPLOAD_SECONDS)

    def _proven(
        self, url: str, params: Mapping[str, str], token: Secret | None
    ) -> Mapping[str, str]:
        """With appsecret_proof. Source: Meta's page "Secure Graph API calls"; for Instagram Login
        its use is not documented."""
        facebook = url.startswith(f"{self.addresses.facebook}/")
        if token is None or self._facebook_secret is None or not facebook:
            return params
        key, message = self._facebook_secret.reveal(), token.reveal()
        proof = hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()
        return {**params, "appsecret_proof": proof}

    async def _once(self, request: httpx.Request, seconds: float) -> Answer:
        """httpx's errors know the request, and so its secrets: none of them goes on from here."""
        try:
            async with asyncio.timeout(seconds):
                response = await self._http.send(request, stream=True, follow_redirects=False)
                try:
                    body = await _bounded(response)
                finally:
                    await response.aclose()
        except httpx.DecodingError:
            raise MetaChanged(subject=request.url.path) from None
        except (TimeoutError, httpx.HTTPError, httpx.StreamError, OSError):
            raise MetaUnavailable(subject=request.url.path) from None
        return self._read(response, body, request.url.path)

    def _read(self, response: httpx.Response, body: bytes, subject: str) -> Answer:
        usage = read_usage(response.headers)
        content = parsed(body)
        refusal = _refusal(content)
        good = response.is_success or (isinstance(content, dict) and "debug_info" in content)
        if refusal is None and good and isinstance(content, dict):  # debug_info: of an upload
            return Answer(Fields(content, subject), usage)
        if refusal is None and response.status_code < 500 and response.status_code != 429:
            raise MetaChanged(subject=subject)
        raise self._judged(refusal, response.status_code, usage, subject)

    def _judged(
        self, refusal: Fields | None, status: int, usage: Usage | None, subject: str
    ) -> MetaError:
        said = read_said(refusal or Fields({}, subject))
        until = self._now() + usage.regain if usage and usage.regain else None
        return judge(said, status=status, until=until, subject=subject)


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MAX_ANSWER:
            raise MetaChanged(subject=response.request.url.path)
    return bytes(body)


def _refusal(content: object) -> Fields | None:
    """Of {"error": {…}}, or of api.instagram.com's own {"error_type", "code", "error_message"}."""
    if not isinstance(content, dict):
        return None
    if isinstance(content.get("error"), dict):
        return Fields(content["error"], "error")
    return Fields({**content, "code": None}, "error") if "error_message" in content else None


def _bearer(token: Secret | None, scheme: str = "Bearer") -> dict[str, str]:
    if token is None:
        return {}
    if not is_token(token.reveal()):
        raise TokenRefused("This is not a token: it has spaces, or letters that tokens don't have.")
    return {"Authorization": f"{scheme} {token.reveal()}"}
