"""Whatever arrives: no handler ends in an unhandled exception, no row is left half-written.

`make faults` runs these with REELAY_EXAMPLES=20000; the parsers of cookies and links have their own
properties in tests/services/instagram.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.menu import ADMIN_COMMANDS
from tests.bot.fuzzing import GROUP, LEO, MIA, STRANGER, Rig, message, tap
from tests.services.instagram.examples import EXAMPLES

VERBS = {
    "menu": "home help topic",
    "imp": "ask jobs again with all newest pause resume cancel cancel_yes acted retry failures "
    "csv result open show",
    "con": "begin list cancel one forget forget_yes",
    "cre": "show history page audit",
    "set": "zones zone quiet quiet_set notices mute show",
    "exp": "ask csv json sound cancel",
    "lib": "show page clear off filter authors tags from tempos keys dates kind author tag bpm key "
    "since collection open play wav mpeg files similar delete undo",
    "pri": "export delete keep undo show",
    "feed": "show on off now confirmed new readers reader rotate rotate_yes revoke revoke_yes qr "
    "hook hook_ask hook_test hook_off hook_off_yes keep keep_ask keep_yes cancel",
    "ana": "ask named again anew open theme cancel resume acted delete delete_yes last other "
    "beside top tiers trend when tags names",
    "ins": "open show theme pick pick_more accounts overview best audience engaged csv json xlsx "
    "page page_new page_off page_off_yes digest_on digest_off",
    "sync": "now open cancel detail log forget forget_yes",
    "rep": "list csv json xlsx fields stop files file page page_new page_off page_off_yes",
    "adm": "show people person block let_in grant grant_ask invite health stuck retry refund audit",
    "col": "list one daily weekly never now merge join unmerge filters range tags anykind video "
    "photo anytag anytime week month year everything",
    "nosuch": "show",
}
BUTTONS = [f"v1:{area}:{verb}" for area, verbs in VERBS.items() for verb in verbs.split()]

users = st.sampled_from((MIA, MIA, MIA, LEO, LEO, STRANGER))
numbers = st.one_of(st.integers(0, 40), st.sampled_from((MIA, LEO, 2**31, 2**63 - 1, 10**18)))
refs = st.one_of(
    numbers.map(str),
    st.tuples(numbers, numbers).map(lambda pair: f"{pair[0]}-{pair[1]}"),
    st.sampled_from(("", "22-8", "off", "import_done", "alerts", "cookies", "-1", "9" * 24)),
    st.from_regex(r"[A-Za-z0-9_.-]{1,24}", fullmatch=True),
)
taps = st.one_of(
    st.builds("{}:{}".format, st.sampled_from(BUTTONS), refs),
    st.sampled_from(BUTTONS),
    st.text(max_size=64),
)
links = st.sampled_from(
    (
        "https://www.instagram.com/mia/saved/c/17900000000000/",
        "https://www.instagram.com/p/C1a2b3c4d5/",
        "https://www.instagram.com/mia/",
        "sessionid=1; ds_user_id=2",
        "DELETE",
        "250",
        "999999999999999999999",
        "Europe/Berlin",
        "../../etc/passwd",
    )
)
texts = st.one_of(links, st.text(max_size=200), st.text("0123456789.,-² ٣", max_size=12))
commands = st.one_of(
    st.builds("/{}{}{}".format, st.sampled_from(tuple(ADMIN_COMMANDS)),
              st.sampled_from(("", " ", "@reelay_bot ", "@other ")), texts),
    texts,
)  # fmt: skip
headers = st.sampled_from(
    (
        b"",
        b"# Netscape HTTP Cookie File\n",
        b"\xef\xbb\xbf# Netscape HTTP Cookie File\r\n",
        b"PK\x03\x04",
        b"<!DOCTYPE html>",
        b'[{"domain":".instagram.com","name":"sessionid","value":"',
        b".instagram.com\tTRUE\t/\tTRUE\t1999999999\tsessionid\t70000000001%3Aabc%3A1%3AAY\n",
    )
)
uploads = st.tuples(headers, st.binary(max_size=300)).map(b"".join)
names = st.one_of(st.none(), st.text(max_size=40))
sizes = st.one_of(st.none(), st.integers(0, 2**40))


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(scope="module")
def rig(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    async def make() -> Rig:
        return Rig(tmp_path_factory.mktemp("fuzz"))

    made = runner.run(make())
    runner.run(made.start())
    yield made
    runner.run(made.stop())


@given(users, st.booleans(), taps)
@EXAMPLES
def test_any_callback_data(
    runner: asyncio.Runner, rig: Rig, user: int, in_group: bool, data: str
) -> None:
    runner.run(rig.case(tap(user, GROUP if in_group else user, data)))


@given(users, st.booleans(), st.lists(commands, min_size=1, max_size=3))
@EXAMPLES
def test_any_commands(
    runner: asyncio.Runner, rig: Rig, user: int, in_group: bool, said: list[str]
) -> None:
    """Several in a row: the first may open a dialogue that the next one answers."""
    for text in said:
        runner.run(rig.case(message(user, GROUP if in_group else user, text=text)))


@given(users, uploads, names, sizes, st.booleans())
@EXAMPLES
def test_any_upload(
    runner: asyncio.Runner, rig: Rig, user: int, data: bytes, name: str | None, size: int | None,
    asked: bool,
) -> None:  # fmt: skip
    if asked:
        runner.run(rig.case(tap(user, user, "v1:con:begin")))
    document = {"file_id": "f", "file_unique_id": "u", "file_name": name, "file_size": size}
    runner.run(rig.case(message(user, user, document=document), data))
