// The list of messages: order, days, scrolling, what is new. Told by chat.js what happened.
import { Bubble, spoken } from "./bubble.js";
import { byId, calm, dayName } from "./dom.js";

const NEAR_BOTTOM_PX = 80;

export class Feed {
  #rows = []; // Bubbles, oldest first
  #messages = new Map(); // message_id -> its Bubble
  #pinned = true; // the reader is at the bottom and wants to stay there
  #unseen = 0;
  #rang = 0;
  #title = document.title;
  #context;

  /** `context` is {taps, actions}; chat.js replaces `taps` when another person is chosen. */
  constructor(context) {
    this.#context = context;
    const frame = byId("feed");
    let lastTop = 0;
    frame.addEventListener("scroll", () => {
      const nearBottom = frame.scrollHeight - frame.scrollTop - frame.clientHeight < NEAR_BOTTOM_PX;
      // Only going up leaves the bottom: in a burst of messages it is far away for a moment too.
      if (nearBottom) this.#pinned = true;
      else if (frame.scrollTop < lastTop) this.#pinned = false;
      lastTop = frame.scrollTop;
      if (this.#pinned) this.#unseen = 0;
      this.#showCounts();
    });
    // Whatever changes a height (new rows, late pictures, growing bubbles, a phone's keyboard).
    const watcher = new ResizeObserver(() => this.#pinned && this.#toBottom());
    watcher.observe(byId("rows"));
    watcher.observe(frame);
    byId("jump").addEventListener("click", () =>
      this.stickToBottom(calm.matches ? "instant" : "smooth"),
    );
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.#rang = 0;
      this.#showCounts();
    });
  }

  set title(text) {
    this.#title = text;
    this.#showCounts();
  }

  /** Shows exactly these messages. Rows that are there already stay, so a re-read does not flicker. */
  reset(messages) {
    const ids = new Set(messages.map((message) => message.message_id));
    for (const id of [...this.#messages.keys()]) if (!ids.has(id)) this.remove(id);
    for (const message of messages) this.put(message);
  }

  /** Empties the list at once: another chat is about to be shown. */
  clear() {
    this.#rows = [];
    this.#messages.clear();
    byId("rows").replaceChildren();
    this.#unseen = 0;
    this.#rang = 0;
    this.#pinned = true;
    this.#showCounts();
  }

  /** Adds the message or brings it up to date. */
  put(message) {
    const known = this.#messages.get(message.message_id);
    if (known) {
      known.update(
        known.messages.map((other) => (other.message_id === message.message_id ? message : other)),
        this.#context,
      );
      return known;
    }
    const album =
      message.media_group_id &&
      this.#rows.findLast((row) => row.messages[0].media_group_id === message.media_group_id);
    if (album) {
      const messages = [...album.messages, message].sort((a, b) => a.message_id - b.message_id);
      album.update(messages, this.#context);
      this.#messages.set(message.message_id, album);
      return album;
    }
    const row = new Bubble([message], this.#context);
    const before = this.#rows.findLastIndex(
      (other) => other.messages[0].message_id < message.message_id,
    );
    this.#rows.splice(before + 1, 0, row);
    this.#messages.set(message.message_id, row);
    if (before >= 0) this.#rows[before].node.after(row.node);
    else byId("rows").prepend(row.node);
    this.#markDays();
    return row;
  }

  /** A message that has just come, unlike one that was there when the page was opened. */
  arrive(message) {
    const isNew = !this.#messages.has(message.message_id);
    const row = this.put(message);
    if (!isNew) return;
    row.node.classList.add("arriving");
    if (!message.from?.is_bot) {
      this.stickToBottom();
      return;
    }
    byId("announcer").textContent = spoken(message);
    if (!message.silent) {
      row.node.classList.add("ringing");
      if (document.hidden) this.#rang += 1;
    }
    if (!this.#pinned) this.#unseen += 1;
    this.#showCounts();
  }

  remove(messageId) {
    const row = this.#messages.get(messageId);
    if (!row) return;
    this.#messages.delete(messageId);
    const rest = row.messages.filter((message) => message.message_id !== messageId);
    if (rest.length) {
      row.update(rest, this.#context);
      return;
    }
    this.#rows.splice(this.#rows.indexOf(row), 1);
    row.markDay(null);
    fadeOut(row.node);
    this.#markDays();
  }

  redrawButtons(messageId) {
    this.#messages.get(messageId)?.drawKeyboard(this.#context);
  }

  stickToBottom(behavior = "instant") {
    this.#pinned = true;
    this.#unseen = 0;
    this.#toBottom(behavior);
    this.#showCounts();
  }

  get isEmpty() {
    return this.#rows.length === 0;
  }

  #toBottom(behavior = "instant") {
    const frame = byId("feed");
    frame.scrollTo({ top: frame.scrollHeight, behavior });
  }

  /** A line with the day over the first row of each day. */
  #markDays() {
    let day = "";
    for (const row of this.#rows) {
      const name = dayName(row.date);
      row.markDay(name === day ? null : name);
      day = name;
    }
  }

  #showCounts() {
    document.title = this.#rang ? `(${this.#rang}) ${this.#title}` : this.#title;
    byId("jump").hidden = this.#pinned;
    byId("jump-badge").hidden = this.#unseen === 0;
    byId("jump-badge").textContent = String(this.#unseen);
  }
}

/** Deleted messages shrink away; where motion is not wanted they are gone at once. */
function fadeOut(node) {
  if (calm.matches || !node.animate) {
    node.remove();
    return;
  }
  node.inert = true;
  node.classList.add("leaving");
  const folded = { height: "0", opacity: "0", marginBlock: "0", overflow: "hidden" };
  node
    .animate([{ height: `${node.offsetHeight}px`, opacity: "1", overflow: "hidden" }, folded], {
      duration: 180,
      easing: "ease-in",
    })
    .finished.finally(() => node.remove());
}
