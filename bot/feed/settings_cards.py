"""The cards of a feed's webhook, and of what is kept. Pure functions, shown by screen.py."""

from __future__ import annotations

from datetime import datetime

from bot.cards import Button, Card, button, clock_time, count, esc
from bot.feed.cards import BACK, size
from bot.notices import webhook_failed
from services.feed.retention import CHOICES, Kept
from services.web.webhooks import Made
from storage.feeds import Feed
from storage.retention import Policy
from storage.webhooks import Webhook

FORMS = {"json": "JSON with a signature", "discord": "Discord", "slack": "Slack"}

LABELS = {
    "all": "Everything",
    "90d": "90 days",
    "365d": "1 year",
    "1gb": "1 GB",
    "5gb": "5 GB",
    "20gb": "20 GB",
}


# ---------------------------------------------------------------- the webhook


def webhook(feed: Feed, hook: Webhook | None, waiting: int, zone: str, now: datetime) -> Card:
    title = f"<b>Webhook of {esc(feed.title, 60)}</b>\n\n"
    if hook is None:
        return Card(
            title + "Off. A webhook sends each new post to another service as soon as it is "
            "listed: Discord, Slack, or anything that takes JSON.",
            ((button("🪝 Set one", "feed", "hook_ask", feed.id),), BACK),
        )
    lines = [f"To <b>{esc(hook.host, 80)}</b> · {FORMS.get(hook.form, esc(hook.form))}"]
    if hook.last_good_at:
        lines.append(f"Last arrived {clock_time(hook.last_good_at, zone, now)}")
    else:
        lines.append("Nothing has arrived yet")
    if hook.last_error:
        lines.append(f"⚠️ The last try failed: {webhook_failed(hook.last_error)}")
    if waiting:
        lines.append(f"{count(waiting, 'post')} to be sent")
    return Card(
        title + "\n".join(lines),
        (
            (
                button("📨 Test", "feed", "hook_test", feed.id),
                button("✏️ Change", "feed", "hook_ask", feed.id),
                button("Off…", "feed", "hook_off", feed.id),
            ),
            BACK,
        ),
    )


def ask_address(feed: Feed) -> Card:
    return Card(
        f"<b>Webhook of {esc(feed.title, 60)}</b>\n\nSend its address: that of a webhook of "
        "Discord or Slack, or any <code>https://</code> address that takes JSON.\n\n"
        "🔒 It is kept encrypted, and your message is deleted from this chat as soon as I have "
        "read it.",
        ((button("Cancel", "feed", "cancel"),),),
    )


def webhook_made(made: Made, *, gone: bool) -> Card:
    """The only time that the key is shown. `gone`: the person's message is out of the chat."""
    hook = made.webhook
    lines = [
        f"🪝 New posts go to <b>{esc(hook.host, 80)}</b> from now on, as {FORMS[hook.form]}.",
        f"<i>{deleted(gone)}</i>",
    ]
    if hook.form == "json":
        lines.append(
            f"Its signing key, shown only now:\n<code>{esc(made.key)}</code>\nEach message has "
            "<code>X-Reelay-Signature: sha256=…</code>, the HMAC-SHA256 of "
            "<code>X-Reelay-Timestamp</code>, a dot and the body."
        )
    return Card("\n\n".join(lines), ((button("📨 Test", "feed", "hook_test", hook.feed_id),), BACK))


def webhook_refused(message: str, next_step: str, *, gone: bool) -> Card:
    return Card(
        f"<b>{esc(message, 400)}</b>\n{esc(next_step, 400)}\n\nNothing was changed. "
        f"<i>{deleted(gone)}</i>",
        ((button("Cancel", "feed", "cancel"),),),
    )


def webhook_tested(feed_id: int, error: str) -> Card:
    text = (
        f"❌ It did not arrive: {webhook_failed(error)}. Nothing was changed."
        if error
        else "✅ The test has arrived."
    )
    return Card(text, ((button("‹ Webhook", "feed", "hook", feed_id), *BACK),))


def webhook_off(feed: Feed, hook: Webhook, waiting: int) -> Card:
    lost = f" {count(waiting, 'post')} will not be sent." if waiting else ""
    return Card(
        f"Send nothing to <b>{esc(hook.host, 80)}</b> any more?{lost} Its address is deleted here.",
        (
            (
                button("Turn it off", "feed", "hook_off_yes", feed.id),
                button("Keep", "feed", "hook", feed.id),
            ),
        ),
    )


def deleted(gone: bool) -> str:
    if gone:
        return "Your message was deleted from this chat."
    return "I could not delete your message: please delete it yourself."


# ---------------------------------------------------------------- what is kept


def keep(policy: Policy | None) -> Card:
    def choice(name: str) -> Button:
        chosen = CHOICES[name] == policy
        return button(f"{'✓ ' if chosen else ''}{LABELS[name]}", "feed", "keep_ask", name)

    return Card(
        "<b>What is kept</b>\n\nThe archive keeps everything, unless you choose an age or a size. "
        "The newest 200 posts of each feed always stay, and so does what is in a library.",
        (
            (choice("all"),),
            tuple(choice(name) for name in ("90d", "365d")),
            tuple(choice(name) for name in ("1gb", "5gb", "20gb")),
            BACK,
        ),
    )


def keep_sure(name: str, kept: Kept) -> Card:
    going = kept.going
    now = (
        f"{count(going.posts, 'post')} with {size(going.bytes)} of files would leave your feeds "
        "now, and can't be brought back."
        if going.posts
        else "Nothing would go now."
    )
    return Card(
        f"Keep <b>{LABELS[name]}</b> of your feeds, and let older posts go?\n\n{now} Later ones go "
        "hour by hour.",
        (
            (
                button(f"Keep {LABELS[name]}", "feed", "keep_yes", name),
                button("Change nothing", "feed", "keep"),
            ),
        ),
    )
