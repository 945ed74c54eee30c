// The way to the server: JSON requests that report their own failures, and the event stream.
import { trouble } from "./notices.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/** The answer, or null after a notice has said what went wrong. */
async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    trouble("The sandbox does not answer. Is it still running?");
    return null;
  }
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer;
  trouble(answer?.error ?? `The sandbox answered ${response.status}.`);
  return null;
}

export const get = (path) => request(path);

export const post = (path, body) =>
  request(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

export function upload({ user, file, caption, asPhoto, album }) {
  const form = new FormData();
  form.append("user", String(user));
  form.append("caption", caption);
  form.append("as_photo", String(asPhoto));
  form.append("album", album);
  form.append("file", file, file.name);
  return request("api/upload", { method: "POST", body: form });
}

export const fileAddress = (fileId) => `api/file/${encodeURIComponent(fileId)}`;

/**
 * Follows the events of one chat until close() is called. `onOpen` runs at each (re)connection:
 * events may have been missed before it, so it re-reads the history. Waits between tries grow.
 */
export function follow(user, { onOpen, onEvent, onLost }) {
  let source = null;
  let timer = 0;
  let wait = FIRST_WAIT_MS;
  let closed = false;

  function connect() {
    clearTimeout(timer);
    source?.close();
    source = new EventSource(`api/events/${user}`);
    source.onopen = () => {
      wait = FIRST_WAIT_MS;
      onOpen();
    };
    source.onmessage = (message) => onEvent(JSON.parse(message.data));
    source.onerror = () => {
      // The browser's own retry has no back-off and gives up after an HTTP error: we do it.
      source.close();
      if (closed) return;
      onLost();
      timer = setTimeout(connect, wait * (0.75 + Math.random() / 2));
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    };
  }

  addEventListener("online", connect);
  connect();
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      removeEventListener("online", connect);
      source.close();
    },
  };
}
