// A small player for audio and voice messages. Used by media.js.
import { fileAddress } from "./api.js";
import { duration, el, fileSize, icon } from "./dom.js";

let playing = null; // one sound at a time

/** `file` is the Bot API's Audio or Voice; lengths are seconds. */
export function player(file) {
  const sound = el("audio", { src: fileAddress(file.file_id), preload: "none" });
  const title = file.title || file.file_name || "Voice message";
  const button = el(
    "button",
    { class: "disc", type: "button", "aria-label": `Play ${title}` },
    icon("play"),
  );
  const seek = el("input", {
    type: "range",
    min: "0",
    max: "1000",
    value: "0",
    "aria-label": "Position",
  });
  const clock = el("span", { class: "file-size" }, restWords(file));
  const total = () => (Number.isFinite(sound.duration) ? sound.duration : (file.duration ?? 0));

  button.addEventListener("click", () => {
    if (!sound.paused) return sound.pause();
    if (playing !== sound) playing?.pause();
    playing = sound;
    // A refused start is shown by the "error" listener; a pause in between is not a failure.
    return sound.play().catch(() => {});
  });
  seek.addEventListener("input", () => {
    sound.currentTime = (seek.value / 1000) * total();
  });
  const show = () => {
    button.replaceChildren(icon(sound.paused ? "play" : "pause"));
    button.setAttribute("aria-label", `${sound.paused ? "Play" : "Pause"} ${title}`);
    seek.value = total() ? String(Math.round((sound.currentTime / total()) * 1000)) : "0";
    seek.style.setProperty("--done", `${seek.value / 10}%`);
    clock.textContent = sound.currentTime
      ? `${duration(sound.currentTime)} / ${duration(total())}`
      : restWords(file);
  };
  for (const name of ["play", "pause", "timeupdate", "ended", "seeked"])
    sound.addEventListener(name, show);
  sound.addEventListener("error", () => {
    clock.textContent = "This sound cannot be played";
  });

  const words = el("div", { class: "file-words" }, el("span", { class: "file-name" }, title));
  if (file.performer) words.append(el("span", { class: "file-size" }, file.performer));
  words.append(seek, clock);
  return el("div", { class: "player" }, button, words, sound);
}

const restWords = (file) =>
  [duration(file.duration), fileSize(file.file_size)].filter(Boolean).join(" · ");
