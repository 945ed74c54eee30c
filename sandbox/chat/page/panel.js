// "Try this" beside the chat, a drawer on narrow screens: who one is, links, samples, passwords, pages, bad days.
import { get, post } from "./api.js";
import { byId, el, icon } from "./dom.js";

const wide = matchMedia("(min-width: 1080px)");

export class Panel {
  #actions;

  /** `actions` are {choosePerson(id), suggest(text), sendSample(name)}. */
  constructor(actions) {
    this.#actions = actions;
    byId("panel-toggle").addEventListener("click", () => this.#setOpen(!this.#isOpen()));
    byId("panel-close").addEventListener("click", () => this.#setOpen(false));
    byId("shade").addEventListener("click", () => this.#setOpen(false));
    byId("panel").addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !wide.matches) this.#setOpen(false);
    });
    wide.addEventListener("change", () => this.#setOpen(wide.matches));
    this.#setOpen(wide.matches);
  }

  /** Reads what the sandbox offers; resolves to the samples, which the paper clip offers too. */
  async load() {
    const [links, samples, notes, pages, days] = await Promise.all([
      get("api/links"),
      get("api/samples"),
      get("api/notes"),
      get("api/pages"),
      get("api/bad-days"),
    ]);
    this.#drawLinks(links ?? []);
    this.#drawSamples(samples ?? []);
    this.#drawNotes(notes ?? []);
    this.#drawPages(pages ?? []);
    this.#drawDays(days ?? []);
    return samples ?? [];
  }

  showPeople(people, current) {
    const choices = people.map((person, index) => {
      const input = el("input", {
        type: "radio",
        name: "person",
        value: person.id,
        checked: person.id === current,
        onchange: () => this.#choosePerson(person.id),
      });
      const face = el(
        "span",
        { class: `face hue-${index % 6}`, "aria-hidden": "true" },
        [...person.first_name][0] ?? "?",
      );
      const names = el(
        "span",
        { class: "file-words" },
        el("b", {}, person.first_name),
        person.username && el("small", {}, `@${person.username}`),
      );
      return el("label", { class: "person" }, input, face, names);
    });
    byId("people").replaceChildren(...choices);
  }

  #choosePerson(id) {
    this.#actions.choosePerson(id);
    this.#closeDrawer();
  }

  #drawLinks(links) {
    byId("links-section").hidden = !links.length;
    const cards = links.map(({ url, label }) =>
      this.#card("link", label, url.replace(/^https?:\/\/(www\.)?/, ""), () =>
        this.#actions.suggest(url),
      ),
    );
    byId("links").replaceChildren(...cards);
  }

  #drawSamples(samples) {
    byId("samples-section").hidden = !samples.length;
    const cards = samples.map(({ name, label, description }) =>
      this.#card("file", label, description, () => this.#actions.sendSample(name)),
    );
    byId("samples").replaceChildren(...cards);
  }

  #drawNotes(notes) {
    byId("notes-section").hidden = !notes.length;
    const cards = notes.map(({ name, label, text }) =>
      this.#card("copy", label, text, () => this.#suggestNote(name)),
    );
    byId("notes").replaceChildren(...cards);
  }

  /** They open beside the chat. */
  #drawPages(pages) {
    byId("pages-section").hidden = !pages.length;
    const cards = pages.map(({ url, label }) =>
      el(
        "a",
        { class: "card", href: url, target: "_blank", rel: "noopener" },
        icon("out"),
        this.#words(label, url.replace(/^https?:\/\//, "")),
      ),
    );
    byId("pages").replaceChildren(...cards);
  }

  /** As it is now: a code lives for half a minute, and bad days ask for others. */
  async #suggestNote(name) {
    const notes = (await get("api/notes")) ?? [];
    this.#drawNotes(notes);
    const note = notes.find((one) => one.name === name);
    if (note) this.#actions.suggest(note.text);
  }

  #card(picture, label, description, act) {
    const press = () => {
      this.#closeDrawer();
      act();
    };
    const words = this.#words(label, description);
    return el("button", { class: "card", type: "button", onclick: press }, icon(picture), words);
  }

  #words(label, description) {
    return el(
      "span",
      { class: "file-words" },
      el("b", {}, label),
      el("small", {}, description),
    );
  }

  #drawDays(days) {
    byId("days-section").hidden = !days.length;
    const focused = document.activeElement?.dataset?.day;
    const rows = days.map(({ name, label, description, on }) => {
      const input = el("input", {
        type: "checkbox",
        role: "switch",
        checked: on,
        "data-day": name,
      });
      input.addEventListener("change", () => this.#switch(input, name));
      return el(
        "label",
        { class: "day-switch" },
        el("span", { class: "file-words" }, el("b", {}, label), el("small", {}, description)),
        input,
      );
    });
    byId("days").replaceChildren(...rows);
    if (focused)
      byId("days")
        .querySelector(`[data-day="${CSS.escape(focused)}"]`)
        ?.focus();
  }

  async #switch(input, name) {
    const answer = await post("api/bad-days", { name, on: input.checked });
    // A switch shows what is, not what was wanted.
    if (answer === null) input.checked = !input.checked;
    else {
      this.#drawDays(answer);
      this.#drawNotes((await get("api/notes")) ?? []);
    }
  }

  #isOpen() {
    return byId("panel").classList.contains("open");
  }

  #closeDrawer() {
    if (!wide.matches) this.#setOpen(false);
  }

  #setOpen(open) {
    const wasDrawer = byId("chat").inert;
    byId("panel").classList.toggle("open", open);
    byId("panel").inert = !open;
    byId("panel-toggle").setAttribute("aria-expanded", String(open));
    // The drawer lies over the chat: nothing behind it can be reached until it is closed.
    const drawer = open && !wide.matches;
    byId("shade").hidden = !drawer;
    byId("chat").inert = drawer;
    if (drawer) byId("panel-close").focus();
    else if (wasDrawer) byId("panel-toggle").focus();
  }
}
