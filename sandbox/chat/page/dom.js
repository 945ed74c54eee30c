// Small helpers for making nodes and for words about sizes and times. Everything else uses them.
// Foreign text only ever becomes text nodes or attribute values; nothing here parses HTML.

/**
 * Makes an element. `on…` properties become listeners, `class` and the rest attributes;
 * false and undefined are left out. Children are nodes or strings; false and null are left out.
 */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === false || value === null) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(
    ...children.filter((child) => child !== null && child !== undefined && child !== false),
  );
  return node;
}

/** One of the icons drawn in index.html. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export const byId = (id) => document.getElementById(id);

export const calm = matchMedia("(prefers-reduced-motion: reduce)");

export function fileSize(bytes) {
  if (!Number.isFinite(bytes)) return "";
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Seconds as 0:07 or 1:02:03. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds || 0));
  const pad = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

/** Bot API dates are seconds since 1970; people read their own zone. */
export function clockTime(date) {
  return new Date(date * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

export function dayName(date) {
  const day = new Date(date * 1000);
  const daysAgo = Math.round(
    (new Date().setHours(0, 0, 0, 0) - new Date(day).setHours(0, 0, 0, 0)) / 864e5,
  );
  if (daysAgo === 0) return "Today";
  if (daysAgo === 1) return "Yesterday";
  const options = { day: "numeric", month: "long" };
  if (day.getFullYear() !== new Date().getFullYear()) options.year = "numeric";
  return day.toLocaleDateString("en-GB", options);
}

/**
 * Opens and closes `panel` with `button`; also closed by a press elsewhere and by Escape,
 * which gives the focus back to `focusAfter`. Returns {open, close, isOpen}.
 */
export function popup(button, panel, { focusAfter = button, onOpen = () => {} } = {}) {
  const set = (open) => {
    panel.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
  };
  const control = {
    open() {
      onOpen();
      set(true);
    },
    close: () => set(false),
    isOpen: () => !panel.hidden,
  };
  button.addEventListener("click", () => (control.isOpen() ? control.close() : control.open()));
  document.addEventListener("pointerdown", (event) => {
    const inside = panel.contains(event.target) || button.contains(event.target);
    if (control.isOpen() && !inside && event.target !== focusAfter) control.close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !control.isOpen()) return;
    control.close();
    focusAfter.focus();
  });
  return control;
}
