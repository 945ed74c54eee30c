// What floats over the chat for a moment: toasts of the bot, notices of the page, and the bot's alerts.
import { byId, el, icon } from "./dom.js";

const TOAST_MS = 4000;
const NOTICE_MS = 7000;

function float(text, kind, milliseconds) {
  const node = el(
    "div",
    { class: `notice ${kind}`, role: kind === "trouble" ? "alert" : "status" },
    el("span", {}, text),
  );
  const remove = () => node.remove();
  node.append(
    el("button", { type: "button", "aria-label": "Dismiss", onclick: remove }, icon("close")),
  );
  const all = byId("notices");
  // The same words once are enough: a failing connection would pile them up.
  for (const other of [...all.children]) if (other.firstChild.textContent === text) other.remove();
  all.append(node);
  setTimeout(remove, milliseconds);
}

/** The short answer of a bot to a tap. */
export const toast = (text) => float(text, "toast", TOAST_MS);

/** Something about the page itself went wrong; the chat goes on. */
export const trouble = (text) => float(text, "trouble", NOTICE_MS);

/** An answer that wants to be read: stays until it is closed. */
export function alertBox(text, title) {
  const dialog = byId("alert");
  if (dialog.open) dialog.close();
  dialog.replaceChildren(
    el("h2", {}, title),
    el("p", { dir: "auto" }, text),
    el(
      "form",
      { method: "dialog" },
      el("button", { class: "plain-button", autofocus: true }, "OK"),
    ),
  );
  dialog.showModal();
}

/** Asks for one of `choices` [{label, value}]; resolves to its value, or to null if it was closed. */
export function choose(title, text, choices) {
  const dialog = byId("alert");
  if (dialog.open) dialog.close();
  return new Promise((resolve) => {
    const buttons = choices.map(({ label, value }) =>
      el(
        "button",
        { class: "plain-button", type: "button", onclick: () => (resolve(value), dialog.close()) },
        label,
      ),
    );
    dialog.replaceChildren(
      el("h2", {}, title),
      el("p", { dir: "auto" }, text),
      el("div", { class: "choices" }, ...buttons),
    );
    dialog.addEventListener("close", () => resolve(null), { once: true });
    dialog.showModal();
  });
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    trouble("The browser did not allow copying. Select the text and copy it by hand.");
  }
}
