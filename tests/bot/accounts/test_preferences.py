"""/settings in the chat: time zone, quiet hours, which notices ring."""

from __future__ import annotations

from storage.people import User
from tests.support.harness import Harness, PumpedVisitor


async def settings(harness: Harness) -> User:
    (user,) = await harness.app.people.everyone()
    return user


async def shows(mia: PumpedVisitor, *labels: str) -> None:
    """Waits until the newest message has these buttons, among others."""
    await mia.until(lambda: set(labels) <= set(mia.labels()) or None, f"the buttons {labels}")


async def test_the_zone_by_button(harness: Harness) -> None:
    mia = await harness.owner()
    await mia.tap("Settings")
    await shows(
        mia, "🌍 Time zone · UTC", "🌙 Quiet hours · off", "🔔 Notices · all ring", "‹ Menu"
    )
    await mia.tap("Time zone")
    await shows(mia, "✓ UTC", "Europe/Berlin", "‹ Settings")
    await mia.tap("Europe/Berlin")
    await shows(mia, "🌍 Time zone · Europe/Berlin")
    assert (await settings(harness)).zone == "Europe/Berlin"
    assert len(mia.messages()) == 1  # the same message all the way


async def test_the_zone_by_text_in_any_spelling(harness: Harness) -> None:
    mia = await harness.owner()
    await mia.tap("Settings")
    await mia.tap("Time zone")
    await mia.sees("Choose one")
    mia.say("america/argentina/buenos aires")
    await shows(mia, "🌍 Time zone · America/Argentina/Buenos_Aires")


async def test_a_zone_that_is_none_is_asked_for_again(harness: Harness) -> None:
    mia = await harness.owner()
    await mia.tap("Settings")
    await mia.tap("Time zone")
    await mia.sees("Choose one")
    mia.say("Atlantis")
    await mia.sees("I don't know that time zone")
    assert mia.labels() == ["Cancel"]
    mia.say("Asia/Tokyo")
    await shows(mia, "🌍 Time zone · Asia/Tokyo")


async def test_quiet_hours_show_what_is_chosen(harness: Harness) -> None:
    mia = await harness.owner()
    await mia.tap("Settings")
    await mia.tap("Quiet hours")
    await shows(mia, "22–8", "23–7", "0–6", "✓ Off", "‹ Settings")
    await mia.tap("22–8")
    await shows(mia, "🌙 Quiet hours · 22–8")
    user = await settings(harness)
    assert (user.quiet_from, user.quiet_until) == (22, 8)
    await mia.tap("Quiet hours")
    await shows(mia, "✓ 22–8", "Off")
    await mia.tap("Off")
    await shows(mia, "🌙 Quiet hours · off")
    assert (await settings(harness)).quiet_from is None


async def test_each_kind_of_notice_is_switched_by_itself(harness: Harness) -> None:
    mia = await harness.owner()
    await mia.tap("Settings")
    await mia.tap("Notices")
    await shows(mia, "🔔 Import finished", "🔔 Cookies run out soon", "🔔 Alerts for the owners")
    await mia.tap("Import finished")
    await shows(mia, "🔕 Import finished", "🔔 Cookies run out soon")
    assert list((await settings(harness)).muted) == ["import_done"]
    await mia.tap("‹ Settings")
    await shows(mia, "🔔 Notices · 1 silent")
    await mia.tap("Notices")
    await mia.tap("Import finished")
    await shows(mia, "🔔 Import finished")
    assert list((await settings(harness)).muted) == []


async def test_forged_choices_change_nothing(harness: Harness) -> None:
    mia = await harness.owner()
    before = await settings(harness)
    for data in (
        "v1:set:zone:99",
        "v1:set:zone:x",
        "v1:set:mute:everything",
        "v1:set:quiet_set:9-99",
    ):
        mia.forge(data)
    mia.say("/help")
    await mia.sees("What I can do")
    assert await settings(harness) == before
