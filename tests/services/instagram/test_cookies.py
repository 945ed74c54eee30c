"""Every form in which people send cookies, and every mistake with its own sentence."""

import io
import json
import zipfile
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.errors import BadCookies
from services.instagram.cookies import MAX_BYTES, InstagramCookies, read_cookies
from tests.services.instagram.examples import EXAMPLES

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LATER = 1_797_000_000  # 11 December 2026
EARLIER = 1_790_000_000  # 21 September 2026
SESSION = "70000000001%3Aabcdefghijklmn%3A12%3AAYdSecretSecretSecret"


def line(name, value, *, domain=".instagram.com", expires=LATER, secure="TRUE"):
    return "\t".join((domain, "TRUE", "/", secure, str(expires), name, value))


NETSCAPE = "\n".join(
    (
        "# Netscape HTTP Cookie File",
        "",
        line("csrftoken", "tokentoken"),
        line("sessionid", SESSION),
        line("ds_user_id", "70000000001"),
        line("rur", '"CLN\\05470000000001\\054:01f7"', expires=0),
        "",
    )
)


def read(text: str | bytes) -> InstagramCookies:
    return read_cookies(text.encode() if isinstance(text, str) else text, NOW)


def mistake(text: str | bytes) -> BadCookies:
    with pytest.raises(BadCookies) as caught:
        read(text)
    return caught.value


def values(cookies: InstagramCookies) -> dict[str, str]:
    return {cookie.name: cookie.value for cookie in cookies.jar}


# ------------------------------------------------------------------ forms


def test_netscape():
    cookies = read(NETSCAPE)
    assert cookies.user_id == "70000000001"
    assert cookies.expires_at == datetime.fromtimestamp(LATER, UTC)
    assert values(cookies)["rur"] == '"CLN\\05470000000001\\054:01f7"'
    assert len(cookies.fingerprint) == 4
    assert [cookie.expires for cookie in cookies.jar] == [LATER, LATER, LATER, None]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + NETSCAPE.encode(),
        NETSCAPE.replace("\n", "\r\n").encode(),
        NETSCAPE.encode("utf-16"),
        NETSCAPE.replace("\t", "   ").encode(),
        b"\n\n  " + NETSCAPE.encode(),
    ],
    ids=["bom", "crlf", "utf-16", "spaces", "leading blank lines"],
)
def test_spellings_of_the_same_file(data):
    assert read(data) == read(NETSCAPE)


def test_http_only_prefix_is_kept():
    cookies = read(NETSCAPE.replace(".instagram.com\tTRUE", "#HttpOnly_.instagram.com\tTRUE"))
    assert all(cookie.http_only for cookie in cookies.jar)
    assert read(cookies.netscape()) == cookies


@pytest.mark.parametrize("wrap", [lambda array: array, lambda array: {"cookies": array}])
@pytest.mark.parametrize("key", ["expirationDate", "expires", "expiry"])
def test_json_of_browser_extensions(wrap, key):
    entry = {"domain": ".instagram.com", "hostOnly": False, "path": "/", "secure": True}
    array = [
        {**entry, "name": "sessionid", "value": SESSION, "httpOnly": True, key: LATER + 0.25},
        {**entry, "name": "ds_user_id", "value": "70000000001", "session": True},
    ]
    cookies = read(json.dumps(wrap(array)))
    assert cookies.expires_at == datetime.fromtimestamp(LATER, UTC)
    assert [cookie.http_only for cookie in cookies.jar] == [True, False]
    assert cookies.fingerprint == read(NETSCAPE).fingerprint


@pytest.mark.parametrize("prefix", ["", "Cookie: ", "cookie:"])
@pytest.mark.parametrize("end", ["", ";", " ;\n"])
def test_header_line(prefix, end):
    cookies = read(f"{prefix}mid=abc; sessionid={SESSION}; ds_user_id=70000000001{end}")
    assert values(cookies) == {"mid": "abc", "sessionid": SESSION, "ds_user_id": "70000000001"}
    assert cookies.expires_at is None
    assert {cookie.domain for cookie in cookies.jar} == {".instagram.com"}


def test_the_session_names_its_user_plain_or_encoded():
    encoded = read(f"sessionid={SESSION}")
    plain = read(f"sessionid={SESSION.replace('%3A', ':')}")
    assert encoded.user_id == plain.user_id == "70000000001"
    assert encoded.fingerprint == plain.fingerprint


def test_a_session_without_a_number_needs_ds_user_id():
    assert read("sessionid=IGSCabcdef; ds_user_id=42424242").user_id == "42424242"


def test_milliseconds_are_understood():
    text = NETSCAPE.replace(str(LATER), str(LATER * 1000))
    assert read(text).expires_at == datetime.fromtimestamp(LATER, UTC)


def test_other_sites_are_left_out():
    foreign = line("token", "foreign", domain=".example.org")
    lookalike = line("sessionid", "9%3Aevil", domain=".notinstagram.com")
    cookies = read("\n".join((foreign, lookalike, NETSCAPE)))
    assert cookies == read(NETSCAPE)
    assert "foreign" not in cookies.netscape()


def test_a_later_cookie_replaces_an_earlier_one():
    assert read(f"sessionid=1%3Aold; sessionid={SESSION}").user_id == "70000000001"


def test_nothing_secret_is_printed():
    cookies = read(NETSCAPE)
    for text in (repr(cookies), str(cookies), repr(cookies.jar[1]), f"{cookies}"):
        assert "Secret" not in text
        assert "tokentoken" not in text
    assert "70000000001" in repr(cookies)


# ------------------------------------------------------------------ mistakes


def packed() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("cookies.txt", NETSCAPE)
    return buffer.getvalue()


MISTAKES = {
    "too large": (b"#" * (MAX_BYTES + 1), "too large", "only the cookies of instagram.com"),
    "empty": (b"", "empty", "export"),
    "blank": (b"\xef\xbb\xbf \r\n\t", "empty", "export"),
    "binary": (b"SQLite format 3\x00\x10\x00\xff\xfe", "not text", "Netscape"),
    "zip": (packed(), "zip", "Unpack"),
    "html": (b"\n<!DOCTYPE html><html></html>", "web page", "Export button"),
    "wrong site": (line("sid", "x", domain=".example.org"), "example.org", "instagram.com"),
    "logged out": (line("csrftoken", "x"), "no sessionid", "Log in"),
    "empty session": (line("sessionid", ""), "no sessionid", "Log in"),
    "expired": (line("sessionid", SESSION, expires=EARLIER), "21 September 2026", "Log in"),
    "whose": ("sessionid=abc", "ds_user_id is missing", "all cookies"),
    "prose": ("here are my cookies", "can't find readable cookies", "Netscape"),
    "broken JSON": ('[{"name": "sessionid"', "can't find readable cookies", "JSON"),
    "other JSON": ('{"a": 1}', "can't find readable cookies", "JSON"),
    "deep JSON": ("[" * 100_000, "can't find readable cookies", "JSON"),
    "damaged session": (
        line("csrftoken", "x") + "\n" + line("sessionid", "1%3Aa;b=c"),
        "can't find readable cookies",
        "Netscape",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_has_its_own_sentence(name):
    data, message, next_step = MISTAKES[name]
    error = mistake(data)
    assert message in error.message
    assert next_step.lower() in error.next_step.lower()
    assert "Secret" not in f"{error} {error.next_step}"


def test_the_sentences_differ():
    kinds = set(MISTAKES) - {"blank", "empty session", "broken JSON", "other JSON", "deep JSON"}
    kinds -= {"damaged session"}
    assert len({mistake(MISTAKES[name][0]).message for name in kinds}) == len(kinds)


@pytest.mark.parametrize("evil", ["a\tb", "a\nb", "a\rb", "a\0b", "a\x1bb", "a;b", "ü", "a\x85b"])
@pytest.mark.parametrize("field", ["name", "value", "path", "domain"])
def test_what_could_forge_a_second_cookie_is_left_out(evil, field):
    good = {"domain": ".instagram.com", "path": "/", "name": "sessionid", "value": SESSION}
    bad = {"domain": ".instagram.com", "path": "/", "name": "other", "value": "other"}
    bad[field] = {"path": "/" + evil, "domain": evil + ".instagram.com"}.get(field, evil)
    cookies = read(json.dumps([good, bad]))
    assert [cookie.name for cookie in cookies.jar] == ["sessionid"]


def test_expiry_is_compared_with_the_given_clock():
    data = NETSCAPE.encode()
    with pytest.raises(BadCookies, match="expired on 11 December 2026"):
        read_cookies(data, datetime(2027, 1, 1, tzinfo=UTC))


# ------------------------------------------------------------------ properties

_word = st.text(max_size=12)
_field = st.one_of(
    _word,
    st.sampled_from(
        [".instagram.com", "TRUE", "FALSE", "/", "0", str(LATER), "sessionid", SESSION]
    ),
)
_number = st.one_of(st.integers(), st.floats(), st.none(), _word)
_entry = st.fixed_dictionaries(
    {},
    optional={
        "domain": st.one_of(_field, _number),
        "path": st.one_of(_field, _number),
        "name": st.one_of(_field, _number),
        "value": st.one_of(_field, _number),
        "expirationDate": _number,
        "expires": _number,
        "hostOnly": st.booleans(),
        "secure": st.booleans(),
    },
)
_files = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")),
    st.lists(st.lists(_field, min_size=5, max_size=8).map("\t".join), max_size=5).map(
        lambda lines: "\n".join(lines).encode("utf-8", "replace")
    ),
    st.lists(st.one_of(_entry, _number), max_size=4).map(lambda array: json.dumps(array).encode()),
    st.lists(st.tuples(_field, _field), max_size=4).map(
        lambda pairs: "; ".join(f"{a}={b}" for a, b in pairs).encode("utf-8", "replace")
    ),
)


@given(_files)
@EXAMPLES
def test_any_bytes_give_cookies_or_bad_cookies(data):
    try:
        cookies = read_cookies(data, NOW)
    except BadCookies:
        return
    assert read_cookies(cookies.netscape().encode(), NOW) == cookies


_name = st.from_regex(r"[A-Za-z0-9_.-]{1,20}", fullmatch=True)
_value = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters=";"))
_more = st.lists(
    st.builds(
        lambda name, value, expires, http_only, domain: {
            "domain": domain,
            "hostOnly": not domain.startswith("."),
            "name": name,
            "value": value,
            "expirationDate": expires,
            "httpOnly": http_only,
        },
        _name.filter(lambda name: name != "sessionid"),
        _value,
        st.one_of(st.none(), st.integers(1, 10**10)),
        st.booleans(),
        st.sampled_from([".instagram.com", "www.instagram.com", "instagram.com"]),
    ),
    max_size=6,
)


@given(_more)
@EXAMPLES
def test_every_cookie_survives_the_round_trip(more):
    session = {"domain": ".instagram.com", "name": "sessionid", "value": SESSION}
    cookies = read(json.dumps([session, *more]))
    expected = {entry["name"]: entry["value"].strip() for entry in more}
    assert set(values(cookies)) == {*expected, "sessionid"}
    assert read(cookies.netscape()) == cookies
    assert len(cookies.netscape().splitlines()) == len(cookies.jar) + 1
