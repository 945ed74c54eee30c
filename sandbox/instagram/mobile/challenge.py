"""A challenge, step by step: choose how to get a code, enter it, and the session is there.

`app` mounts it; `login` answers with the address of one.
"""

from __future__ import annotations

import hashlib

from aiohttp import web

from sandbox.instagram.answers import json_answer
from sandbox.instagram.mobile.doors import Door, Doors, short_account
from sandbox.instagram.mobile.users import signed_body
from sandbox.world.media_json import Json
from sandbox.world.people import PEOPLE, Person

EMAIL = "m***@e******.org"
WRONG_CODE: Json = {
    "message": "Please check the code we sent you and try again.",
    "status": "fail",
}


class Challenges:
    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._sent: set[str] = set()  # who has asked for a code

    def routes(self) -> list[web.RouteDef]:
        path = "/api/v1/challenge/{pk}/{nonce}/"
        return [web.get(path, self.step), web.post(path, self.act)]

    async def step(self, request: web.Request) -> web.Response:
        person = _person(request)
        if person is None:
            return json_answer({"message": "Not found", "status": "fail"}, 404)
        return json_answer(
            {
                "step_name": "select_verify_method",
                "step_data": {"choice": "1", "email": EMAIL, "phone_number": "+00 *** *** 42"},
                "nonce_code": _nonce(person),
                "user_id": person.pk,
                "status": "ok",
            }
        )

    async def act(self, request: web.Request) -> web.Response:
        person = _person(request)
        if person is None:
            return json_answer({"message": "Not found", "status": "fail"}, 404)
        asked = await signed_body(request)
        if asked.get("choice") in ("0", "1"):
            self._sent.add(person.username)
            data = {"security_code": "None", "email": EMAIL, "resend_delay": "60"}
            return json_answer({"step_name": "verify_email", "step_data": data, "status": "ok"})
        code = str(asked.get("security_code"))
        if person.username not in self._sent or not self._doors.fits(
            person.username, code, Door.CHALLENGE
        ):
            return json_answer(WRONG_CODE, 400)
        self._doors.solve(person.username)
        response = json_answer(
            {"action": "close", "logged_in_user": short_account(person), "status": "ok"}
        )
        response.headers.update(self._doors.session_headers(request, person))
        return response


def challenge_body(person: Person, *, in_app: bool = False) -> Json:
    path = f"/challenge/{person.pk}/{_nonce(person)}/"
    return {
        "message": "challenge_required",
        "challenge": {
            "url": f"https://i.instagram.com{path}",
            "api_path": path,
            "hide_webview_header": True,
            "lock": True,
            "logout": False,
            "native_flow": in_app,
            "flow_render_type": 0,
        },
        "status": "fail",
    }


def _nonce(person: Person) -> str:
    return hashlib.sha256(f"challenge {person.pk}".encode()).hexdigest()[:10]


def _person(request: web.Request) -> Person | None:
    pk, nonce = request.match_info["pk"], request.match_info["nonce"]
    found = (person for person in PEOPLE.values() if str(person.pk) == pk)
    return next((person for person in found if nonce == _nonce(person)), None)
