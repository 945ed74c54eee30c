"""The log-in calls: the current Android flow ("CAA", on b.i.instagram.com) and the older one.

`app` mounts it. The answers hold what instagrapi 3.2.2 reads, in the forms that it reads: "bloks"
programs are text in which a value stands behind the name of the screen that needs it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from aiohttp import web

from sandbox.instagram.answers import BAD_PASSWORD, json_answer
from sandbox.instagram.mobile.challenge import challenge_body
from sandbox.instagram.mobile.doors import (
    KEY_ID,
    SECOND_FACTORS,
    Door,
    Doors,
    please_wait,
    public_key,
    short_account,
)
from sandbox.instagram.mobile.users import signed_body
from sandbox.world.media_json import Json
from sandbox.world.people import PEOPLE, Person

CAA, AP = "com.bloks.www.bloks.caa.login.", "com.bloks.www.ap.two_step_verification."
TWO_STEP = "com.bloks.www.two_step_verification."
OLD_LOGIN_DOORS = {
    Door.SMS,
    Door.WHATSAPP,
}  # the current flow sends these accounts to the older one
METHODS = {Door.SMS: "1", Door.TOTP: "3", Door.WHATSAPP: "6"}  # 2 is a backup code
AAC = '{"aac_init_timestamp":1,"aacjid":"sandbox"}'
NONCE = "c2FuZGJveA"
WRONG_CODE: Json = {
    "message": "Please check the security code and try again.",
    "error_type": "sms_code_validation_code_invalid",
    "status": "fail",
}
NULL_PAYLOAD: Json = {
    "message": "Payload returned is null",
    "error_type": "field_exception",
    "status": "fail",
}


class Login:
    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v1/qe/sync/", self.qe_sync),
            web.post("/api/v1/qe/sync/", self.qe_sync),
            web.post("/api/v1/launcher/sync/", self.qe_sync),
            web.post("/graphql_www", self.register_device),
            web.post("/api/v1/attestation/create_android_keystore/", self.keystore),
            web.post("/api/v1/bloks/async_action/{action}/", self.bloks),
            web.post("/api/v1/bloks/apps/{action}/", self.bloks),
            web.post("/api/v1/accounts/login/", self.old_login),
            web.post("/api/v1/accounts/two_factor_login/", self.old_two_factor),
        ]

    # ------------------------------------------------------------------ before the password

    async def qe_sync(self, request: web.Request) -> web.Response:
        response = json_answer({"status": "ok"})
        response.headers["ig-set-password-encryption-key-id"] = str(KEY_ID)
        response.headers["ig-set-password-encryption-pub-key"] = public_key()
        return response

    async def register_device(self, request: web.Request) -> web.Response:
        data = {"1$usdid_registration(input:$input)": {"success": True}}
        return json_answer({"data": data, "status": "ok"})

    async def keystore(self, request: web.Request) -> web.Response:
        return json_answer({"challenge_nonce": NONCE, "key_nonce": "a", "status": "ok"})

    # ------------------------------------------------------------------ the current flow

    async def bloks(self, request: web.Request) -> web.Response:
        action = request.match_info["action"]
        try:
            params = json.loads(str((await request.post())["params"]))
            asked = {**params.get("client_input_params", {}), **params.get("server_params", {})}
        except (KeyError, ValueError, AttributeError):
            return json_answer(NULL_PAYLOAD, 404)
        if action == f"{CAA}process_client_data_and_redirect":
            access = {"key": "CAA_ACCOUNT_ACCESS_CONTEXT:aac", "initial": AAC}
            return _bloks("", data=[{"data": access}])
        if action == f"{CAA}async.send_login_request":
            return self._send_login(request, asked)
        if action == f"{TWO_STEP}verify_code.async":
            return self._two_step_code(request, asked)
        context = str(asked.get("context_data"))
        if action == f"{AP}entrypoint_async":
            return _bloks(_screen(f"{AP}code_entry", "context_data", context))
        if action == f"{AP}code_entry":
            return _bloks(_screen(f"{AP}code_entry_async", "context_data", context))
        if action == f"{AP}code_entry_async":
            return self._profile_code(request, asked)
        return _bloks("")

    def _send_login(self, request: web.Request, asked: Json) -> web.Response:
        username = str(asked.get("contact_point"))
        attested = NONCE in request.headers.get("X-IG-Attest-Params", "")
        if asked.get("aac") != AAC or not attested:
            return json_answer(NULL_PAYLOAD, 404)
        if self._doors.is_throttled(username):
            return please_wait()
        door = self._doors.door(username)
        if door in OLD_LOGIN_DOORS:
            return _bloks("", data=[{"data": {"key": "CAA_LOGIN_FALLBACK:legacy", "initial": ""}}])
        if username in PEOPLE and door in (Door.CHALLENGE, Door.APP):
            return json_answer(challenge_body(PEOPLE[username], in_app=door is Door.APP), 400)
        person = self._doors.person(username, str(asked.get("password")))
        if person is None:
            return _bloks('(bk.action.caa.PresentErrorDialog "Incorrect password")')
        context = self._context(person)
        if door is Door.TOTP:
            screen = f"{TWO_STEP}entrypoint"
            return _bloks(_screen(screen, "two_step_verification_context", context))
        if door is Door.PROFILE_CODE:
            return _bloks(_screen(f"{AP}entrypoint_async", "context_data", context))
        return self._let_in(request, person)

    def _two_step_code(self, request: web.Request, asked: Json) -> web.Response:
        person = self._person_of(str(asked.get("two_step_verification_context")))
        if person is None:
            return json_answer(NULL_PAYLOAD, 404)
        if not self._doors.fits(person.username, str(asked.get("code")), Door.TOTP):
            return _bloks('(bk.action.caa.PresentErrorDialog "Please check the security code")')
        return self._let_in(request, person)

    def _profile_code(self, request: web.Request, asked: Json) -> web.Response:
        person = self._person_of(str(asked.get("context_data")))
        if person is None:
            return json_answer(NULL_PAYLOAD, 404)
        if not self._doors.fits(person.username, str(asked.get("code")), Door.PROFILE_CODE):
            return _bloks('(bk.action.caa.PresentErrorDialog "This code is not right")')
        return self._let_in(request, person)

    def _let_in(self, request: web.Request, person: Person) -> web.Response:
        headers = self._doors.session_headers(request, person)
        headers["IG-Set-Authorization"] = headers.pop("ig-set-authorization")
        content = {
            "login_response": json.dumps({"logged_in_user": short_account(person), "status": "ok"}),
            "headers": json.dumps(headers),
            "cookies": "",
        }
        return _bloks(f"(bk.action.caa.HandleLoginResponse {json.dumps(json.dumps(content))})")

    # ------------------------------------------------------------------ the older flow

    async def old_login(self, request: web.Request) -> web.Response:
        asked = await signed_body(request)
        username = str(asked.get("username"))
        if self._doors.is_throttled(username):
            return please_wait()
        door = self._doors.door(username)
        if username in PEOPLE and door in (Door.CHALLENGE, Door.APP):
            return json_answer(challenge_body(PEOPLE[username], in_app=door is Door.APP), 400)
        person = self._doors.person(username, str(asked.get("enc_password")))
        if person is None:
            return json_answer(BAD_PASSWORD, 400)
        if door in SECOND_FACTORS:
            info = {
                "pk": person.pk,
                "username": username,
                "two_factor_identifier": self._context(person),
                "sms_two_factor_on": door is Door.SMS,
                "totp_two_factor_on": door is Door.TOTP,
                "whatsapp_two_factor_on": door is Door.WHATSAPP,
                "obfuscated_phone_number": "42",
            }
            refusal = {
                "message": "",
                "error_type": "two_factor_required",
                "two_factor_required": True,
                "two_factor_info": info,
                "status": "fail",
            }
            return json_answer(refusal, 400)
        return self._old_let_in(request, person)

    async def old_two_factor(self, request: web.Request) -> web.Response:
        asked = await signed_body(request)
        person = self._person_of(str(asked.get("two_factor_identifier")))
        if person is None or asked.get("username") != person.username:
            return json_answer({"message": "Invalid parameters", "status": "fail"}, 400)
        door = self._doors.door(person.username)
        code = str(asked.get("verification_code"))
        backup = code == self._doors.backup_code(person.username)
        method = "2" if backup else METHODS.get(door)
        # instagrapi says 3 whatever it is, and real Instagram takes an SMS code so [U]
        right = self._doors.fits(person.username, code, door)
        if asked.get("verification_method") not in (method, "3") or not right:
            return json_answer(WRONG_CODE, 400)
        return self._old_let_in(request, person)

    def _old_let_in(self, request: web.Request, person: Person) -> web.Response:
        response = json_answer({"logged_in_user": short_account(person), "status": "ok"})
        response.headers.update(self._doors.session_headers(request, person))
        return response

    # ------------------------------------------------------------------ contexts

    def _context(self, person: Person) -> str:
        """Opaque; says who has proved their password."""
        return f"{person.username}:" + hashlib.sha256(f"sandbox {person.pk}".encode()).hexdigest()

    def _person_of(self, context: str) -> Person | None:
        person = PEOPLE.get(context.partition(":")[0])
        return person if person and context == self._context(person) else None


def _bloks(action: str, **payload: Any) -> web.Response:
    return json_answer({"layout": {"bloks_payload": {"action": action, **payload}}, "status": "ok"})


def _screen(name: str, key: str, value: str) -> str:
    """The program that opens a screen with one server parameter."""
    inner = f"(f4i (dkc {json.dumps(key)}) (dkc {json.dumps(value)}))"
    return (
        f"(bk.action.bloks.AsyncActionWithDataManifestV2 {json.dumps(name)}"
        f' (f4i (dkc "server_params") (dkc {inner})))'
    )
