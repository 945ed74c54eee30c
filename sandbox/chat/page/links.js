// Links of messages and buttons: only safe schemes, and the bot's own deep links stay in the sandbox.
import { el } from "./dom.js";

const SCHEMES = new Set(["http:", "https:", "mailto:", "tel:"]);

/** The address as a URL, or null if a page must not open it (javascript:, data:, nonsense). */
export function safeAddress(address) {
  try {
    const url = new URL(address);
    return SCHEMES.has(url.protocol) || url.protocol === "tg:" ? url : null;
  } catch {
    return null;
  }
}

/** What `/start` is given when this link of the bot itself is opened, or null for other links. */
export function startParameter(url, botName) {
  const own = (name) => (name ?? "").toLowerCase() === botName.toLowerCase();
  const isWeb = ["t.me", "telegram.me"].includes(url.hostname) && own(url.pathname.slice(1));
  const isApp =
    url.protocol === "tg:" &&
    /^\/*resolve/.test(url.host + url.pathname) &&
    own(url.searchParams.get("domain"));
  return isWeb || isApp ? (url.searchParams.get("start") ?? "") : null;
}

/** An <a> for the address; a plain <span> if it is not safe to open. Its content is the caller's. */
export function link(address, actions, className) {
  const url = safeAddress(address);
  if (url === null) return el("span", { class: className });
  const node = el("a", {
    class: className,
    href: url.href,
    target: "_blank",
    rel: "noopener noreferrer",
    title: url.href,
  });
  const parameter = startParameter(url, actions.botName());
  if (parameter !== null) {
    node.addEventListener("click", (event) => {
      event.preventDefault();
      actions.openDeepLink(parameter);
    });
  }
  return node;
}
