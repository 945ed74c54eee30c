// Inline keyboards under messages: who presses what, and what still waits for the bot's answer.
import { post } from "./api.js";
import { el, icon } from "./dom.js";
import { link } from "./links.js";
import { alertBox, copy, toast, trouble } from "./notices.js";

const PATIENCE_MS = 10_000;

/** Taps of one chat that the bot has not answered yet. The chat makes a new one for each person. */
export class Taps {
  #waiting = new Map(); // "message:data" -> timer
  #keyOfQuery = new Map();
  #early = new Set(); // queries answered before the server told us their id
  #user;
  #onChange;

  /** `onChange(messageId)` redraws that message's buttons. */
  constructor(user, onChange) {
    this.#user = user;
    this.#onChange = onChange;
  }

  isWaiting(messageId, data) {
    return this.#waiting.has(`${messageId}:${data}`);
  }

  async press(messageId, data) {
    const key = `${messageId}:${data}`;
    if (this.#waiting.has(key)) return;
    const timer = setTimeout(() => {
      this.#done(key);
      trouble("The bot has not answered that tap.");
    }, PATIENCE_MS);
    this.#waiting.set(key, timer);
    this.#onChange(messageId);
    const answer = await post("api/tap", { user: this.#user, message_id: messageId, data });
    if (answer === null || this.#early.delete(answer.query_id)) this.#done(key);
    else this.#keyOfQuery.set(answer.query_id, key);
  }

  /** The bot answered a tap: {query_id, text, show_alert}. */
  answered({ query_id: query, text, show_alert: showAlert }, botName) {
    const key = this.#keyOfQuery.get(query);
    if (key === undefined) this.#early.add(query);
    else this.#done(key);
    this.#keyOfQuery.delete(query);
    if (text && showAlert) alertBox(text, botName);
    else if (text) toast(text);
  }

  /** The page looks at another chat now. */
  forget() {
    for (const timer of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }

  #done(key) {
    clearTimeout(this.#waiting.get(key));
    if (this.#waiting.delete(key)) this.#onChange(Number(key.slice(0, key.indexOf(":"))));
  }
}

/** The buttons of a message, or null. */
export function keyboard(message, taps, actions) {
  const rows = message.reply_markup?.inline_keyboard ?? [];
  if (!rows.length) return null;
  const keys = rows.map((row) =>
    el("div", { class: "keys" }, ...row.map((button) => key(message, button, taps, actions))),
  );
  return el("div", { class: "keyboard", role: "group", "aria-label": "Buttons" }, ...keys);
}

function key(message, button, taps, actions) {
  const look = ["danger", "success", "primary"].includes(button.style)
    ? `key ${button.style}`
    : "key";
  if (button.url) {
    const node = link(button.url, actions, look);
    node.append(el("span", {}, button.text), icon("out"));
    return node;
  }
  if (button.copy_text) {
    return el(
      "button",
      { class: look, type: "button", onclick: () => copy(button.copy_text.text) },
      el("span", {}, button.text),
      icon("copy"),
    );
  }
  if (button.callback_data === undefined) {
    return el(
      "button",
      {
        class: look,
        type: "button",
        disabled: true,
        title: "The sandbox does not know this kind of button",
      },
      button.text,
    );
  }
  const waiting = taps.isWaiting(message.message_id, button.callback_data);
  return el(
    "button",
    {
      class: waiting ? `${look} waiting` : look,
      type: "button",
      "aria-busy": waiting ? "true" : undefined,
      "data-data": button.callback_data,
      onclick: () => taps.press(message.message_id, button.callback_data),
    },
    el("span", {}, button.text),
  );
}
