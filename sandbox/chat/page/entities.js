// Text with entities, as the Bot API gives it, into nodes. Offsets count UTF-16 units: JS indexes.
// Used for message texts and captions. `actions` is what links and commands do (see chat.js).
import { el, icon } from "./dom.js";
import { link } from "./links.js";
import { copy } from "./notices.js";

const SIMPLE = {
  bold: "strong",
  italic: "em",
  underline: "u",
  strikethrough: "s",
};

const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);

/** A fragment that shows `text`. Unknown kinds of entities show as plain text. */
export function formatted(text, entities = [], actions) {
  const fragment = document.createDocumentFragment();
  const valid = entities
    .filter(
      ({ offset, length }) =>
        Number.isInteger(offset) && length > 0 && offset >= 0 && offset < text.length,
    )
    // Outer ones first: an entity that starts with another and is longer encloses it.
    .sort((a, b) => a.offset - b.offset || b.length - a.length);
  fill(fragment, text, 0, text.length, valid, actions);
  return fragment;
}

/** Puts text[start, end) into `parent`; `entities` are sorted and start inside that stretch. */
function fill(parent, text, start, end, entities, actions) {
  let at = start;
  let afterBlock = false;

  const plain = (upTo, beforeBlock) => {
    let piece = text.slice(at, upTo);
    // A block begins and ends its own line: the line break beside it would show as an empty line.
    if (afterBlock && piece.startsWith("\n")) piece = piece.slice(1);
    if (beforeBlock && piece.endsWith("\n")) piece = piece.slice(0, -1);
    if (piece) parent.append(piece);
  };

  for (let index = 0; index < entities.length;) {
    const entity = entities[index];
    const last = Math.min(entity.offset + entity.length, end);
    const isBlock = BLOCKS.has(entity.type);
    plain(entity.offset, isBlock);

    const inside = [];
    for (index += 1; index < entities.length && entities[index].offset < last; index += 1)
      inside.push(entities[index]);
    const { outer, inner } = wrapper(entity, text.slice(entity.offset, last), actions);
    fill(inner, text, entity.offset, last, inside, actions);
    parent.append(outer);
    at = last;
    afterBlock = isBlock;
  }
  plain(end, false);
}

/** The node of an entity, and the node inside it that takes its content. */
function wrapper(entity, content, actions) {
  const one = (node) => ({ outer: node, inner: node });
  if (SIMPLE[entity.type]) return one(el(SIMPLE[entity.type]));
  switch (entity.type) {
    case "code":
      return one(pressable("code", "Copy", () => copy(content)));
    case "pre":
      return codeBlock(entity, content);
    case "blockquote":
      return one(el("blockquote"));
    case "expandable_blockquote":
      return one(expandable());
    case "spoiler":
      return one(spoiler());
    case "text_link":
      return one(link(entity.url, actions));
    case "url":
      return one(
        link(/^[a-z][a-z0-9+.-]*:/i.test(content) ? content : `http://${content}`, actions),
      );
    case "email":
      return one(link(`mailto:${content}`, actions));
    case "bot_command":
      return one(pressable("span", "Send", () => actions.send(content), "command"));
    case "mention":
    case "text_mention":
    case "hashtag":
    case "cashtag":
      return one(el("span", { class: "mention" }));
    default:
      return one(el("span"));
  }
}

function pressable(tag, title, act, className) {
  return el(tag, {
    class: className,
    title,
    role: "button",
    tabindex: "0",
    onclick: act,
    onkeydown: (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      act(event);
    },
  });
}

function codeBlock(entity, content) {
  const code = el("code");
  const button = el(
    "button",
    { type: "button", "aria-label": "Copy", onclick: () => copy(content) },
    icon("copy"),
  );
  const top = el(
    "div",
    { class: entity.language ? "code-top" : "code-top nameless" },
    entity.language ?? "",
    button,
  );
  const outer = el("div", { class: "code-block" }, top, el("pre", {}, code));
  return { outer, inner: code };
}

function spoiler() {
  const node = pressable(
    "span",
    "Show",
    (event) => {
      if (!node.classList.contains("hidden-text")) return;
      event.preventDefault();
      node.classList.remove("hidden-text");
      node.removeAttribute("role");
      node.removeAttribute("title");
      node.removeAttribute("aria-label");
    },
    "spoiler hidden-text",
  );
  node.setAttribute("aria-label", "Hidden text, press to show");
  return node;
}

function expandable() {
  const node = pressable(
    "blockquote",
    "Show all",
    () => {
      // Selecting words inside must not fold the quotation.
      if (getSelection().isCollapsed) node.classList.toggle("folded");
    },
    "expandable folded",
  );
  return node;
}
