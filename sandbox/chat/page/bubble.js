// One row of the chat: a message, or the messages of one album, as a bubble with its buttons.
import { clockTime, calm, el, icon } from "./dom.js";
import { formatted } from "./entities.js";
import { keyboard } from "./keyboard.js";
import { mediaKey, mediaOf } from "./media.js";

const GROW_MS = 160;

/** Keeps a row's node and brings it up to date when its messages change. */
export class Bubble {
  #body = el("div", { class: "bubble" });
  #media = null;
  #mediaKey = null;
  #textKey = null;
  #keyboard = null;
  #keyboardKey = null;
  #day = null;

  constructor(messages, context) {
    this.messages = messages;
    const mine = !messages[0].from?.is_bot;
    this.node = el("article", {
      class: `row ${mine ? "mine" : "theirs"}`,
      "data-id": messages[0].message_id,
    });
    if (serviceText(messages[0])) this.node.className = "row service";
    this.node.append(this.#body);
    this.update(messages, context);
  }

  get date() {
    return this.messages[0].date;
  }

  /** Draws what changed. Media that stay the same keep their node, so that films go on playing. */
  update(messages, context) {
    this.messages = messages;
    const heightBefore = this.node.isConnected ? this.#body.offsetHeight : 0;
    this.#drawBody(messages, context.actions);
    this.drawKeyboard(context);
    if (heightBefore) this.#grow(heightBefore);
  }

  /**
   * Only the buttons. Equal ones stay the same nodes: a press that falls between two edits of a
   * progress card would be lost with the node it began on. The focus stays where it was.
   */
  drawKeyboard({ taps, actions }) {
    const message = this.messages[0];
    const markup = message.reply_markup?.inline_keyboard ?? [];
    const waiting = markup
      .flat()
      .map((button) => taps.isWaiting(message.message_id, button.callback_data));
    const newKey = JSON.stringify([markup, waiting]);
    if (newKey === this.#keyboardKey) return;
    this.#keyboardKey = newKey;

    const keys = keyboard(message, taps, actions);
    const focused = [...(this.#keyboard?.querySelectorAll(".key") ?? [])].indexOf(
      document.activeElement,
    );
    if (keys && this.#keyboard) this.#keyboard.replaceWith(keys);
    else if (keys) this.node.append(keys);
    else this.#keyboard?.remove();
    this.#keyboard = keys;
    if (focused >= 0) keys?.querySelectorAll(".key")[focused]?.focus({ preventScroll: true });
  }

  /** Shows a day above the row, or, given null, none. */
  markDay(name) {
    if (name === null) {
      this.#day?.remove();
      this.#day = null;
      return;
    }
    this.#day ??= el("div", { class: "day" }, el("span"));
    this.#day.firstChild.textContent = name;
    if (this.#day.nextSibling !== this.node) this.node.before(this.#day);
  }

  #drawBody(messages, actions) {
    const first = messages[0];
    const service = serviceText(first);
    if (service) return this.#body.replaceChildren(service);

    // An album's caption stands at one of its messages.
    const speaking = messages.find((message) => message.text ?? message.caption) ?? first;
    const text = speaking.text ?? speaking.caption ?? "";
    const entities = speaking.entities ?? speaking.caption_entities ?? [];
    const edited = messages.some((message) => message.edit_date);
    const newMediaKey = mediaKey(messages);
    const newTextKey = JSON.stringify([text, entities, edited, first.reply_to_message?.message_id]);
    if (newMediaKey === this.#mediaKey && newTextKey === this.#textKey) return undefined;

    if (newMediaKey !== this.#mediaKey) this.#media = mediaOf(messages);
    this.#mediaKey = newMediaKey;
    this.#textKey = newTextKey;
    const known = this.#media || text;
    this.#body.className = ["bubble", this.#media?.edge && "framed", !text && "wordless"]
      .filter(Boolean)
      .join(" ");

    const parts = [];
    if (first.reply_to_message) parts.push(quoted(first.reply_to_message));
    if (this.#media) parts.push(this.#media.node);
    if (!known)
      parts.push(
        el("p", { class: "text unknown" }, "The sandbox cannot show this kind of message."),
      );
    // `data-room` is what the style sheet keeps free for the time on the last line.
    const room = edited ? `edited ${clockTime(first.date)}` : clockTime(first.date);
    if (text)
      parts.push(
        el(
          "div",
          { class: "text", dir: "auto", "data-room": room },
          formatted(text, entities, actions),
        ),
      );
    parts.push(meta(first, edited));
    // Media that are already in place are not moved: taking a film out of the page stops it.
    if (this.#media?.node.parentNode === this.#body) {
      for (const child of [...this.#body.children]) if (child !== this.#media.node) child.remove();
      const at = parts.indexOf(this.#media.node);
      this.#media.node.before(...parts.slice(0, at));
      this.#media.node.after(...parts.slice(at + 1));
    } else {
      this.#body.replaceChildren(...parts);
    }
    return undefined;
  }

  #grow(heightBefore) {
    const height = this.#body.offsetHeight;
    if (calm.matches || Math.abs(height - heightBefore) < 2 || !this.#body.animate) return;
    this.#body.animate(
      [
        { height: `${heightBefore}px`, overflow: "hidden" },
        { height: `${height}px`, overflow: "hidden" },
      ],
      {
        duration: GROW_MS,
        easing: "ease-out",
      },
    );
  }
}

function meta(message, edited) {
  const time = el(
    "time",
    { datetime: new Date(message.date * 1000).toISOString() },
    clockTime(message.date),
  );
  return el("div", { class: "meta" }, edited && el("span", {}, "edited"), time);
}

function quoted(message) {
  const words = message.text ?? message.caption ?? "Attachment";
  const who = message.from?.first_name ?? "";
  return el("div", { class: "quoted", dir: "auto" }, el("b", {}, who), el("span", {}, words));
}

function serviceText(message) {
  if (!message.pinned_message) return null;
  const words = message.pinned_message.text ?? message.pinned_message.caption ?? "a message";
  return el("span", {}, icon("pin"), `Pinned: ${words.split("\n")[0]}`);
}

/** The words of a message for someone who hears the page. */
export function spoken(message) {
  if (message.text ?? message.caption) return message.text ?? message.caption;
  if (message.photo) return "Photo";
  if (message.video || message.animation) return "Video";
  if (message.audio || message.voice) return "Audio";
  return message.document?.file_name ?? "Message";
}
