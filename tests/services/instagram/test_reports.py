"""Reports keep what helps and nothing secret; there are never many of them."""

from services.instagram.reports import keep_report, values_of, without_secrets

COOKIES = "# Netscape\n.instagram.com\tTRUE\t/\tTRUE\t0\tsessionid\t7%3Aabcdef%3A1\n"


def test_secrets_are_removed_in_every_spelling():
    text = (
        'Cookie sessionid=7%3Aabcdef%3A1; body {"session": "7:abcdef:1", "csrf_token":"tok123"} '
        'csrftoken=other&x=1 {\\"fb_dtsg\\":\\"NAc123\\"} <script id="__eqmc">{"f":"NAc"}</script>'
    )
    clean = without_secrets(text, values_of(COOKIES))
    for secret in ("abcdef", "tok123", "other", "NAc"):
        assert secret not in clean
    assert "&x=1" in clean


def test_short_values_do_not_eat_the_report():
    assert without_secrets("page 1 of 1", ["1", ""]) == "page 1 of 1"


def test_a_report_is_private_and_limited(tmp_path):
    name = keep_report(tmp_path / "reports", "x" * 1_000_000 + "\ud800", [])
    file = tmp_path / "reports" / name
    assert file.stat().st_size == 64 << 10
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_the_newest_twenty_stay(tmp_path):
    names = [keep_report(tmp_path, str(number), []) for number in range(25)]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)[-20:]
    assert (tmp_path / names[-1]).read_text() == "24"


def test_a_report_that_can_not_be_written_is_no_failure(tmp_path):
    (tmp_path / "file").touch()
    assert keep_report(tmp_path / "file", "text", []) == ""
