// The menu of commands over the input: opened by its button, filtered while "/…" is being typed.
import { byId, el, popup } from "./dom.js";

export class CommandMenu {
  #commands = [];
  #shown = [];
  #current = -1;
  #send;
  #popup;

  /** `send(text)` says a command in the chat. */
  constructor(send) {
    this.#send = send;
    const input = byId("input");
    this.#popup = popup(byId("menu-button"), byId("commands"), {
      focusAfter: input,
      onOpen: () => this.#show(this.#commands, -1),
    });
    byId("menu-button").addEventListener("click", () => input.focus());
    input.addEventListener("input", () => this.#filter());
  }

  /** The commands of this chat: [{command, description}]. */
  set commands(commands) {
    this.#commands = commands;
    byId("menu-button").hidden = commands.length === 0;
    if (this.#popup.isOpen()) this.#filter();
  }

  close() {
    this.#popup.close();
    this.#mark(-1);
  }

  /** Takes a key of the input if the menu wants it; answers whether it did. */
  takesKey(event) {
    if (!this.#popup.isOpen() || !this.#shown.length) return false;
    const count = this.#shown.length;
    if (event.key === "ArrowDown") this.#mark((this.#current + 1) % count);
    else if (event.key === "ArrowUp") this.#mark((this.#current - 1 + count) % count);
    else if ((event.key === "Enter" || event.key === "Tab") && this.#current >= 0)
      this.#choose(this.#current);
    else return false;
    return true;
  }

  #filter() {
    const typed = byId("input").value;
    const isCommand = /^\/[a-z0-9_]*$/i.test(typed);
    const matching = isCommand
      ? this.#commands.filter(({ command }) => `/${command}`.startsWith(typed.toLowerCase()))
      : [];
    if (!matching.length) {
      this.close();
      return;
    }
    this.#popup.open();
    this.#show(matching, 0);
  }

  #show(commands, current) {
    this.#shown = commands;
    const options = commands.map(({ command, description }, index) =>
      el(
        "div",
        {
          class: "option",
          role: "option",
          id: `command-${index}`,
          // Before the input loses the focus: a phone's keyboard would close and move the list away.
          onpointerdown: (event) => event.preventDefault(),
          onclick: () => this.#choose(index),
        },
        el("b", {}, `/${command}`),
        el("span", {}, description),
      ),
    );
    byId("commands").replaceChildren(...options);
    byId("input").setAttribute("aria-expanded", "true");
    this.#mark(current);
  }

  #mark(index) {
    this.#current = index;
    [...byId("commands").children].forEach((option, at) =>
      option.setAttribute("aria-selected", String(at === index)),
    );
    const input = byId("input");
    if (index < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", `command-${index}`);
    if (!this.#popup.isOpen()) input.setAttribute("aria-expanded", "false");
    byId("commands").children[index]?.scrollIntoView({ block: "nearest" });
  }

  #choose(index) {
    const { command } = this.#shown[index];
    byId("input").value = "";
    this.close();
    this.#send(`/${command}`);
  }
}
