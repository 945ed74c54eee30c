"""Rate headers: the fullest allowance counts; what can't be read counts as absent."""

from datetime import timedelta

import httpx
import pytest

from services.graph.usage import Pace, Usage, read_usage

APP = '{"call_count":28,"total_time":25,"total_cputime":20}'
BUSINESS = (
    '{"17841":[{"type":"instagram","call_count":40,"total_cputime":91,"total_time":25,'
    '"estimated_time_to_regain_access":0},{"type":"messenger","call_count":1}]}'
)


def read(**headers):
    return read_usage(httpx.Headers({name.replace("_", "-"): headers[name] for name in headers}))


def test_the_headers_of_metas_pages():
    assert read(X_App_Usage=APP) == Usage(28, 25, 20)
    assert read(X_Business_Use_Case_Usage=BUSINESS) == Usage(40, 25, 91)
    assert read(X_App_Usage=APP, X_Business_Use_Case_Usage=BUSINESS) == Usage(40, 25, 91)
    assert read() is None


def test_the_time_until_calls_are_taken_again():
    told = BUSINESS.replace('access":0', 'access":12')
    assert read(X_Business_Use_Case_Usage=told).regain == timedelta(minutes=12)
    endless = BUSINESS.replace('access":0', 'access":' + "9" * 400)
    assert read(X_Business_Use_Case_Usage=endless).regain == timedelta(days=1)


@pytest.mark.parametrize(
    ("usage", "pace"),
    [
        (Usage(74.9, 0, 0), Pace.GO),
        (Usage(0, 75, 0), Pace.SLOW),
        (Usage(0, 0, 90), Pace.STOP),
        (Usage(0, 0, 0, timedelta(minutes=1)), Pace.STOP),
    ],
)
def test_what_background_work_does(usage, pace):
    assert usage.pace is pace


@pytest.mark.parametrize("odd", ["", "{", "[]", "7", '{"1":7}', '{"1":[7]}', "[" * 100_000])
def test_what_cannot_be_read_counts_as_absent(odd):
    assert read(X_Business_Use_Case_Usage=odd) is None


@pytest.mark.parametrize("odd", ['"many"', "null", "-5", "NaN", "true", "[]"])
def test_odd_figures_count_as_none_used(odd):
    assert read(X_App_Usage=f'{{"call_count":{odd},"total_time":3}}') == Usage(0, 3, 0)
