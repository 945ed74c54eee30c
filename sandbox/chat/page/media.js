// Photos, films, albums, sounds and documents of messages, and the big picture over the page.
import { fileAddress } from "./api.js";
import { player } from "./audio.js";
import { byId, el, fileSize, icon } from "./dom.js";

const NARROWEST = 220; // a caption needs some room
const WIDEST = 400;
const HIGHEST = 440;
// How many tiles stand in each row of an album of n.
const ALBUM_ROWS = {
  2: [2],
  3: [1, 2],
  4: [2, 2],
  5: [2, 3],
  6: [3, 3],
  7: [2, 2, 3],
  8: [2, 3, 3],
  9: [3, 3, 3],
  10: [2, 2, 3, 3],
};

const biggest = (sizes) =>
  sizes.reduce((best, size) => (size.width * size.height > best.width * best.height ? size : best));

const isVisual = (message) => Boolean(message.photo?.length || message.video || message.animation);

/** Says which file a message shows: equal keys mean that the node made earlier can stay. */
export function mediaKey(messages) {
  return messages
    .map((message) => {
      const file = message.photo?.length ? biggest(message.photo) : fileOf(message);
      return file ? (file.file_unique_id ?? file.file_id) : "";
    })
    .join(" ");
}

const fileOf = (message) =>
  message.video ?? message.animation ?? message.audio ?? message.voice ?? message.document;

/** {node, edge}: `edge` is true if the media fill the bubble to its edges. Null without media. */
export function mediaOf(messages) {
  if (!messages.some((message) => message.photo?.length || fileOf(message))) return null;
  if (messages.length > 1 && messages.every(isVisual)) return { node: album(messages), edge: true };
  if (messages.length === 1 && isVisual(messages[0]))
    return { node: single(messages[0]), edge: true };
  return { node: el("div", { class: "files" }, ...messages.map(attachment)), edge: false };
}

function single(message) {
  const shown = message.photo?.length
    ? biggest(message.photo)
    : (message.video ?? message.animation);
  const node = message.photo?.length ? photo(shown) : film(message);
  const ratio = shown.width / shown.height || 1;
  // The place is kept before the bytes are here, so nothing jumps when they come.
  node.style.aspectRatio = String(Math.min(Math.max(ratio, 0.4), 3));
  node.style.width = `${Math.max(NARROWEST, Math.min(WIDEST, shown.width || WIDEST, HIGHEST * ratio))}px`;
  return node;
}

function album(messages) {
  const rows =
    ALBUM_ROWS[messages.length] ?? messages.map(() => 3).slice(0, Math.ceil(messages.length / 3));
  const perTile = rows.flatMap((count) => Array(count).fill(count));
  const tiles = messages.map((message, index) => {
    const tile = message.photo?.length ? photo(biggest(message.photo)) : film(message);
    tile.classList.add(`one-of-${perTile[index] ?? 3}`);
    return tile;
  });
  return el("div", { class: "album" }, ...tiles);
}

function photo(size) {
  const address = fileAddress(size.file_id);
  const image = el("img", { src: address, alt: "Photo", decoding: "async" });
  const button = el(
    "button",
    {
      class: "photo",
      type: "button",
      "aria-label": "Open the photo",
      onclick: () => enlarge(address),
    },
    image,
  );
  missing(image, button);
  return button;
}

function film(message) {
  const file = message.video ?? message.animation;
  const thumbnail = file.thumbnail ?? file.thumb;
  const video = el("video", {
    src: fileAddress(file.file_id),
    poster: thumbnail && fileAddress(thumbnail.file_id),
    controls: Boolean(message.video),
    preload: "metadata",
    playsinline: true,
  });
  if (message.animation) Object.assign(video, { loop: true, muted: true, autoplay: true });
  const frame = el("div", { class: "film" }, video);
  missing(video, frame);
  return frame;
}

/** A file that cannot be shown says so instead of leaving a hole. */
function missing(media, frame) {
  media.addEventListener("error", () => {
    frame.classList.add("missing");
    media.replaceWith(el("span", {}, "This file cannot be shown"));
  });
}

function attachment(message) {
  if (message.audio || message.voice) return player(message.audio ?? message.voice);
  if (isVisual(message)) return single(message);
  const file = message.document;
  if (!file) return "";
  const name = file.file_name ?? "file";
  const suffix = /\.([a-z0-9]{1,5})$/i.exec(name)?.[1];
  return el(
    "a",
    { class: "document", href: fileAddress(file.file_id), download: name },
    el("span", { class: "disc" }, suffix ? el("b", {}, suffix) : icon("file"), icon("download")),
    el(
      "span",
      { class: "file-words" },
      el("span", { class: "file-name" }, name),
      el("span", { class: "file-size" }, fileSize(file.file_size)),
    ),
  );
}

function enlarge(address) {
  const dialog = byId("lightbox");
  const close = () => dialog.close();
  dialog.replaceChildren(
    el("img", { src: address, alt: "Photo", onclick: close }),
    el(
      "div",
      { class: "lightbox-tools" },
      el(
        "a",
        { class: "icon-button", href: address, download: true, "aria-label": "Download" },
        icon("download"),
      ),
      el(
        "button",
        {
          class: "icon-button",
          type: "button",
          "aria-label": "Close",
          autofocus: true,
          onclick: close,
        },
        icon("close"),
      ),
    ),
  );
  dialog.onclick = (event) => event.target === dialog && close();
  dialog.showModal();
}
