"""Every row of the contract's map of errors: Meta answers so, and the story does what the row says
and tells it in the chat in plain words.

A row that comes to the contract fails here until `SAYS` and `DOES` cover it.
"""

from __future__ import annotations

import json
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from bot.stories import cards, notices
from sandbox.graph import Call, documented
from sandbox.telegram.html import parse_html
from services.errors import MetaNotFound
from services.stories.machine import AT_WORK, Verdict
from services.stories.publishing import GIVEN_UP
from services.stories.views import StoryViews
from tests import contracts
from tests.services.stories.stage import STEPS, LocalStage
from tests.support.rows import MIA

Row = dict[str, Any]  # of the contract: code, subcode, where, action, meaning
Codes = tuple[int | None, int | None]

ROWS: dict[Codes, Row] = {
    (row["code"], row["subcode"]): row
    for row in json.loads((Path(contracts.__file__).parent / "graph.json").read_text())["_errors"]
}


class Does(Enum):
    """What a story does that meets an error once."""

    GOES_ON = "with the same container, if it has one"
    ANEW = "with a new container"
    LOGS_IN = "goes on once its person has connected the account again"
    BY_HAND = "a person posts it"
    NOTHING = "it is no error of a publication"


DOES = {
    "retry": Does.GOES_ON,
    "backoff": Does.GOES_ON,
    "wait_quota": Does.GOES_ON,
    "wait_and_retry_same": Does.GOES_ON,
    "unknown_state": Does.GOES_ON,
    "retry_same_30s_120s_then_check_status": Does.GOES_ON,
    # the status that is checked says FINISHED here: the container is not dead
    "check_status_then_new_container": Does.GOES_ON,
    "retry_new_container_after_status_check": Does.GOES_ON,
    "retry_new_container": Does.ANEW,
    "retry_then_give_up_media": Does.ANEW,
    "reauth": Does.LOGS_IN,
    "reauth_or_scope": Does.LOGS_IN,
    "manual": Does.BY_HAND,
    "give_up_media": Does.BY_HAND,
    "bug": Does.BY_HAND,
    "give_up": Does.BY_HAND,
    "skip_metric": Does.NOTHING,
}

# where the contract has met the error -> the calls that are answered with it
CALLS: dict[str, tuple[Call | None, ...]] = {
    "any": (Call.CREATE, Call.CONTAINER, Call.PUBLISH),
    "container": (Call.CREATE,),
    "read": (Call.CONTAINER,),
    "publish": (Call.PUBLISH,),
    "status": (None,),  # not an answer: what a dead container's status tells
    "insights": (Call.MEDIA_INSIGHTS,),
    "business_discovery": (Call.ACCOUNT,),
}

_CONNECT = "Connect the account again with /connect"
_DEAD = f"{_CONNECT}; what is queued waits for it."
_CONFIRM = "Log in there and confirm; then connect the account again with /connect."
_LOG_IN = f"Meta does not accept the log-in of this account any more. {_DEAD}"
_SCOPE = (
    f"A permission is missing from this account's log-in. {_CONNECT} and leave every box ticked."
)
_AWAY = "Meta could not be reached, or is not well. I try again by myself."
_SLOWER = "Meta asks for fewer calls. Nothing to do: it goes on by itself."
_APP = "Open Instagram's app, follow what it asks, and post this one by hand."
_DOUBT = (
    "Meta did not say whether the story went out. Nothing to do: I ask until it is certain, and "
    "never post it twice."
)
_AGAIN = "I try once more with the same file."
_FETCH = "I check the address and try again; if it stays, you post it by hand."
_REFIT = "Post it by hand, or send me the file again: it is fitted anew."
_BUG = (
    "Meta did not understand what Reelay asked of it. Post it by hand, and send the reference to "
    "whoever runs this bot."
)

SAYS: dict[Codes, str] = {
    (190, None): _LOG_IN,
    (190, 458): f"Reelay's app was removed from this account's apps at Meta. {_DEAD}",
    (190, 459): f"Meta wants to check on facebook.com that it is you. {_CONFIRM}",
    (190, 460): f"The account's password was changed, which ended the log-in. {_DEAD}",
    (190, 463): f"The log-in of this account has run out. {_DEAD}",
    (190, 464): f"The account at Facebook is not confirmed yet. {_CONFIRM}",
    (190, 467): _LOG_IN,
    (190, 492): f"The person who connected it has no role on the Page any more. {_DEAD}",
    (102, None): _LOG_IN,
    (10, None): _SCOPE,
    (200, None): _SCOPE,
    (3, None): _SCOPE,
    (1, None): _AWAY,
    (2, None): _AWAY,
    (-1, 2207001): _DOUBT,
    (4, None): _SLOWER,
    (17, None): _SLOWER,
    (32, None): _SLOWER,
    (341, None): _SLOWER,
    (613, None): _SLOWER,
    (80001, None): _SLOWER,
    (80002, None): _SLOWER,
    (9, 2207042): "Meta takes no more posts of this account within these 24 hours. It goes out "
    "when there is room again, or post it by hand.",
    (4, 2207051): "Meta took this for spam and refuses what the account does for now. Post it by "
    "hand, and give the account some rest from automatic posts.",
    (368, None): f"Meta has blocked this for some hours because of its policies. {_APP}",
    (25, 2207050): "Instagram has restricted the account, or wants to check that it is you. "
    + _APP,
    (9007, 2207027): "Meta is still preparing the story. Nothing to do: I look again in a moment.",
    (24, 2207008): _DOUBT,
    (24, 2207006): _DOUBT,
    (-2, 2207020): _DOUBT,
    (100, 33): _DOUBT,
    (-1, 2207032): f"Meta could not prepare the story. {_AGAIN}",
    (-1, 2207053): f"Meta could not prepare the story. {_AGAIN}",
    (None, 2207082): f"Meta could not prepare the story. {_AGAIN}",
    (-2, 2207003): f"Meta's download of the file took too long. {_FETCH}",
    (9004, 2207052): f"Meta could not download the file from its public address. {_FETCH}",
    (None, 2207077): f"Meta could not download the file from its public address. {_FETCH}",
    (352, 2207026): f"Meta does not take the form of this file. {_REFIT}",
    (36000, 2207004): f"The picture is larger than the 8 MB that Meta takes. {_REFIT}",
    (36001, 2207005): f"The picture is no JPEG, the only form that Meta takes. {_REFIT}",
    (36003, 2207009): f"Meta does not take the proportions of this picture. {_REFIT}",
    (36004, 2207010): f"The caption is longer than Meta takes. {_REFIT}",
    (None, 2207076): f"Meta could not process this video. {_REFIT}",
    (100, None): _BUG,
    (100, 2207023): _BUG,
    (100, 2207028): _BUG,
    (100, 2207035): _BUG,
    (100, 2207036): _BUG,
    (100, 2207037): _BUG,
    (100, 2207040): _BUG,
    (2500, None): _BUG,
    (36104, None): _BUG,
    (None, 2207081): _BUG,
    (803, None): "Meta knows nothing of this id. Connect the account again.",
    (110, 2207013): "Meta knows no such account, or it is not a professional one. Check the name.",
    (-1, 2207086): "no reach",
}


def test_every_row_of_the_contract_is_covered() -> None:
    assert set(SAYS) == set(ROWS)
    assert {row["action"] for row in ROWS.values()} == set(DOES)
    assert {row["where"] for row in ROWS.values()} == set(CALLS)


@pytest.mark.parametrize("call", [Call.CREATE, Call.CONTAINER, Call.PUBLISH, None])
async def test_a_publication_that_meets(stage: LocalStage, call: Call | None) -> None:
    rows = {codes: row for codes, row in ROWS.items() if call in CALLS[row["where"]]}
    assert rows
    for number, (codes, row) in enumerate(rows.items(), start=1):
        try:
            await _meets(stage, row, call, number, SAYS[codes])
        except AssertionError as error:
            raise AssertionError(f"{row}: {await stage.get(number)}") from error
        stage.clock.advance(hours=1)  # our own bound counts by the hour


async def _meets(stage: LocalStage, row: Row, call: Call | None, number: int, says: str) -> None:
    published, created = len(stage.meta.published), stage.count(Call.CREATE)
    await stage.story(1)
    if call is None:
        stage.meta.fail_next(row["subcode"])
    else:
        # a read is tried three times by the client itself
        tries = 3 if row["action"] == "retry" and call is Call.CONTAINER else 1
        stage.meta.trouble_next(call, documented(row["code"], row["subcode"]), times=tries)
    shown = await _followed(stage, number)
    does = DOES[row["action"]]
    if call is Call.CONTAINER and does is Does.BY_HAND:
        does = Does.GOES_ON  # a look condemns no story
    if call is Call.PUBLISH and row["action"] == "retry":
        says = _DOUBT  # whatever it was, it may have happened after the story went live
    story, live = await stage.get(number), len(stage.meta.published) - published
    made = stage.count(Call.CREATE) - created
    assert any(says in card for card in shown), shown
    if does is Does.BY_HAND:
        assert (story.state, live) == ("by_hand", 0)
        assert says in shown[-1]
        return
    assert (story.state, live) == ("published", 1)
    if call is not Call.CREATE:  # there a refusal is counted, too
        assert made == (2 if does is Does.ANEW else 1)
    if does is Does.LOGS_IN:
        told = [one.data for one in await stage.notices() if one.kind == "meta_refused"][-1]
        card = notices.meta_refused(told["account"], told["message"], told["next_step"])
        what, _, _ = says.partition(". ")
        assert what in parse_html(card.text)[0]
        assert says.removeprefix(f"{what}. ") in parse_html(card.text)[0]


async def _followed(stage: LocalStage, number: int) -> list[str]:
    """Its card whenever that has something new to say, until it is not at work any more. A log-in
    that is refused is followed by a new one."""
    shown: list[str] = []
    story = await stage.get(number)
    for _ in range(STEPS):
        wait = max(story.next_at - stage.clock(), timedelta(0))
        stage.clock.advance(seconds=wait.total_seconds())
        assert await stage.turn(), story
        before, story = story, await stage.get(number)
        if story.detail != before.detail or story.state not in AT_WORK:
            shown.append(await _card(stage, number))
        if story.verdict == Verdict.LOGIN:
            await stage.logins.paste(MIA, stage.meta.instagram_token("mia"))
        if story.state not in AT_WORK:
            return shown
    raise AssertionError(f"it does not end: {story}")


async def _card(stage: LocalStage, number: int) -> str:
    view = await StoryViews(stage.database, stage.clock).one(MIA, number)
    return parse_html(cards.story_card(view, stage.clock()).text)[0]


# what a story that meets nothing else does in the end
STAYS = {
    (2, None): "by_hand",
    (-1, 2207032): "by_hand",
    (9004, 2207052): "by_hand",
    (80002, None): "asking",  # its time is over
}


@pytest.mark.parametrize("codes", STAYS, ids=str)
async def test_what_does_not_pass_goes_to_a_person(
    stage: LocalStage, codes: tuple[int, int | None]
) -> None:
    await stage.story(1)
    stage.meta.trouble_next(Call.CREATE, documented(*codes), times=1000)
    shown = await _followed(stage, 1)
    assert (await stage.get()).state == STAYS[codes]
    assert stage.meta.published == ()
    if STAYS[codes] == "by_hand":
        what, _, _ = SAYS[codes].partition(". ")
        assert f"{what}. {GIVEN_UP}" in shown[-1]


async def test_what_is_asked_for_in_vain_says_why_it_is_by_hand(stage: LocalStage) -> None:
    await stage.story(1)
    stage.meta.trouble_next(Call.PUBLISH, documented(9007, 2207027), times=1000)
    shown = await _followed(stage, 1)
    assert ((await stage.get()).state, stage.meta.published) == ("by_hand", ())
    assert GIVEN_UP in shown[-1]


async def test_a_figure_that_meta_refuses_is_left_out_and_the_others_stay(
    stage: LocalStage,
) -> None:
    [codes] = [codes for codes, row in ROWS.items() if row["where"] == "insights"]
    await stage.story(1)
    await stage.play()
    stage.clock.advance(hours=1)
    stage.meta.trouble_next(Call.MEDIA_INSIGHTS, documented(-1, codes[1]))
    await stage.aftercare.measure()
    card = await _card(stage, 1)
    assert SAYS[codes] in card
    assert "views" in card


async def test_an_account_that_can_not_be_found_is_said(stage: LocalStage) -> None:
    [codes] = [codes for codes, row in ROWS.items() if row["where"] == "business_discovery"]
    account = await stage.logins.open(1)
    stage.meta.trouble_next(Call.ACCOUNT, documented(110, codes[1]))
    with pytest.raises(MetaNotFound) as caught:
        await account.read(account.user_id, {"fields": "business_discovery.username(nobody){id}"})
    assert f"{caught.value.message} {caught.value.next_step}" == SAYS[codes]
