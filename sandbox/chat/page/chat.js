// The chat page: puts its parts together and passes on what happens. One person at a time.
import { follow, get, post } from "./api.js";
import { Composer } from "./composer.js";
import { byId, icon } from "./dom.js";
import { Feed } from "./feed.js";
import { Taps } from "./keyboard.js";
import { choose } from "./notices.js";
import { Panel } from "./panel.js";

const TYPING_MS = 5000; // Telegram shows an action this long
const DOING = {
  typing: "typing…",
  upload_photo: "sending a photo…",
  upload_video: "sending a video…",
  upload_voice: "sending a sound…",
  upload_document: "sending a file…",
};

let people = [];
let user = null;
let bot = { first_name: "Reelay", username: "" };
let stream = null;
let missed = []; // events that come while the history is being read; null when it was
let typingTimer = 0;

const actions = {
  send: (text) => say(text),
  botName: () => bot.username,
  openDeepLink,
};
const context = { taps: null, actions };
const feed = new Feed(context);
const composer = new Composer({ say, sendSample });
const panel = new Panel({ choosePerson, sendSample, suggest: (text) => composer.suggest(text) });

async function say(text, as = user) {
  return (await post("api/say", { user: as, text })) !== null;
}

async function sendSample(name) {
  return (await post("api/send-sample", { user, name })) !== null;
}

/** The button of an empty chat. As in Telegram, what `?start=` of the address holds goes along, once. */
async function start() {
  const parameter = new URL(location.href).searchParams.get("start") ?? "";
  if (!(await say(`/start ${parameter}`.trim()))) return;
  const address = new URL(location.href); // another person may have been chosen meanwhile
  address.searchParams.delete("start");
  history.replaceState(null, "", address);
}

/** A link of the bot, such as an invitation. It may be meant for somebody else in this sandbox. */
async function openDeepLink(parameter) {
  const text = `/start ${parameter}`.trim();
  const choices = people.map((person) => ({
    label: person.id === user ? `${person.first_name} (you)` : person.first_name,
    value: person.id,
  }));
  const who =
    choices.length > 1
      ? await choose(
          "Open this link as…",
          "In Telegram you would pass it on. Here you can be everyone.",
          choices,
        )
      : user;
  if (who === null) return;
  if (who !== user) choosePerson(who);
  await say(text, who);
}

function choosePerson(id) {
  user = id;
  const address = new URL(location.href);
  address.searchParams.set("user", id);
  history.replaceState(null, "", address);
  stream?.close();
  missed = []; // an answer that is under way is of the chat before
  context.taps?.forget();
  context.taps = new Taps(id, (messageId) => feed.redrawButtons(messageId));
  feed.clear();
  byId("welcome").hidden = true;
  composer.user = id;
  panel.showPeople(people, id);
  showState("connecting…");
  stream = follow(id, {
    onOpen: () => readChat(id),
    onEvent: (event) => (missed ? missed.push(event) : happened(event)),
    onLost: () => showState("connecting…"),
  });
}

/** Reads the whole chat. Events that come meanwhile wait: the answer may be older than they are. */
async function readChat(id) {
  const events = [];
  missed = events;
  const chat = await get(`api/chat/${id}`);
  if (missed !== events) return; // a newer reading has begun, perhaps of another chat
  missed = null;
  if (chat !== null) {
    bot = chat.bot;
    showBot(chat.banner);
    composer.commands = chat.commands;
    feed.reset(chat.messages);
    feed.stickToBottom();
    showState("");
  }
  events.forEach(happened);
  showWelcome();
  document.body.dataset.ready = "true";
}

function happened({ kind, payload }) {
  if (kind === "message") {
    if (payload.from?.is_bot) showState("");
    feed.arrive(payload);
  } else if (kind === "edit") feed.put(payload);
  else if (kind === "delete") feed.remove(payload.message_id);
  else if (kind === "toast") context.taps.answered(payload, bot.first_name);
  else if (kind === "action") showState(DOING[payload.action] ?? DOING.typing, TYPING_MS);
  else if (kind === "commands") composer.commands = payload.commands;
  showWelcome();
}

/** What the bot is doing, for a while or until told otherwise; "" is its rest. */
function showState(text, milliseconds = 0) {
  clearTimeout(typingTimer);
  byId("bot-state").textContent = text || "bot";
  byId("bot-state").classList.toggle("busy", Boolean(text));
  if (milliseconds) typingTimer = setTimeout(() => showState(""), milliseconds);
}

function showBot(banner) {
  byId("bot-name").textContent = bot.first_name;
  byId("welcome-text").textContent = bot.description || "Press Start to begin.";
  byId("banner").textContent = banner;
  byId("banner").hidden = !banner;
  feed.title = `${bot.first_name} · sandbox`;
}

function showWelcome() {
  byId("welcome").hidden = !feed.isEmpty;
}

function prepareTheme() {
  const names = { auto: "As the system", light: "Light", dark: "Dark" };
  const order = ["auto", "light", "dark"];
  const icons = { auto: "auto", light: "sun", dark: "moon" };
  const button = byId("theme");
  const show = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.replaceChildren(icon(icons[theme]));
    button.setAttribute("aria-label", `Colours: ${names[theme]}`);
    button.title = `Colours: ${names[theme]}`;
  };
  let theme = document.documentElement.dataset.theme ?? "auto";
  show(theme);
  button.addEventListener("click", () => {
    theme = order[(order.indexOf(theme) + 1) % order.length];
    localStorage.setItem("theme", theme);
    show(theme);
  });
}

async function begin() {
  prepareTheme();
  byId("start").addEventListener("click", start);
  people = (await get("api/people")) ?? [];
  const wanted = Number(new URL(location.href).searchParams.get("user"));
  const first = people.find((person) => person.id === wanted) ?? people[0];
  if (first) choosePerson(first.id);
  composer.samples = await panel.load();
}

begin();
