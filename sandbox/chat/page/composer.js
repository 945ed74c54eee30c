// The input line: text, attached files, the paper clip's menu, drag and drop. chat.js makes one.
import { upload } from "./api.js";
import { CommandMenu } from "./commands.js";
import { byId, el, fileSize, icon, popup } from "./dom.js";
import { trouble } from "./notices.js";

const FILE_LIMIT = 50 * 2 ** 20;
const PHOTO_LIMIT = 10 * 2 ** 20;
const CAPTION_LIMIT = 1024;
const ALBUM_LIMIT = 10;
const PHOTO_TYPES = ["image/jpeg", "image/png", "image/webp"];

export class Composer {
  #user = null;
  #say;
  #sendSample;
  #menu;
  #attachMenu;
  #waiting = []; // [{file, asPhoto, address}], address: of the small picture
  #sending = false;

  /** `say(text)` resolves to whether the text was taken; `sendSample(name)` sends a ready-made file. */
  constructor({ say, sendSample }) {
    this.#say = say;
    this.#sendSample = sendSample;
    this.#menu = new CommandMenu((command) => say(command));
    this.#attachMenu = popup(byId("attach"), byId("attach-menu"));
    this.samples = [];
    this.#listenToInput();
    this.#listenToFiles();
  }

  /** Another person writes now; what was prepared belongs to the one before. */
  set user(user) {
    this.#user = user;
    byId("input").value = "";
    this.#forgetFiles();
    this.#fit();
  }

  set commands(commands) {
    this.#menu.commands = commands;
  }

  /** The ready-made files, offered beside the visitor's own. */
  set samples(samples) {
    const close = () => this.#attachMenu.close();
    const own = (label, name, input) =>
      el(
        "button",
        { class: "option", type: "button", onclick: () => (close(), byId(input).click()) },
        icon(name),
        el("b", {}, label),
      );
    const ready = samples.map(({ name, label, description }) =>
      el(
        "button",
        {
          class: "option two-lines",
          type: "button",
          onclick: () => (close(), this.#sendSample(name)),
        },
        icon("spark"),
        el("b", {}, label),
        el("span", {}, description),
      ),
    );
    if (ready.length) ready.unshift(el("p", { class: "popup-title" }, "Ready-made"));
    byId("attach-menu").replaceChildren(
      own("Photo", "image", "photo-input"),
      own("File", "file", "file-input"),
      ...ready,
    );
  }

  /** Puts a text into the input for the visitor to send. */
  suggest(text) {
    const input = byId("input");
    input.value = text;
    input.focus();
    this.#fit();
  }

  #listenToInput() {
    const input = byId("input");
    input.addEventListener("input", () => this.#fit());
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const send = event.key === "Enter" && !event.shiftKey;
      if (this.#menu.takesKey(event)) event.preventDefault();
      else if (send) {
        event.preventDefault();
        this.#submit();
      }
    });
    input.addEventListener("paste", (event) => {
      if (!event.clipboardData?.files.length) return;
      event.preventDefault();
      this.#attach(event.clipboardData.files);
    });
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#fit();
  }

  #listenToFiles() {
    for (const [id, asPhoto] of [
      ["file-input", false],
      ["photo-input", true],
    ]) {
      byId(id).addEventListener("change", () => {
        this.#attach(byId(id).files, asPhoto);
        byId(id).value = ""; // choosing the same file again is a change again
      });
    }
    const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
    addEventListener("dragover", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      byId("drop").hidden = false;
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) byId("drop").hidden = true;
    });
    addEventListener("drop", (event) => {
      byId("drop").hidden = true;
      if (!holdsFiles(event)) return;
      event.preventDefault();
      this.#attach(event.dataTransfer.files);
    });
  }

  /** Grows with its lines; the send button shows whether there is something to send. */
  #fit() {
    const input = byId("input");
    input.style.height = "auto";
    input.style.height = `${input.scrollHeight}px`;
    byId("composer").classList.toggle(
      "ready",
      Boolean(input.value.trim()) || this.#waiting.length > 0,
    );
  }

  #attach(files, asPhoto) {
    for (const file of files) {
      const canBePhoto = PHOTO_TYPES.includes(file.type) && file.size <= PHOTO_LIMIT;
      if (file.size > FILE_LIMIT) trouble(`${file.name} is larger than 50 MB.`);
      else if (!file.size) trouble(`${file.name} is empty.`);
      else
        this.#waiting.push({
          file,
          canBePhoto,
          asPhoto: (asPhoto ?? true) && canBePhoto,
          address: canBePhoto && URL.createObjectURL(file),
        });
    }
    this.#drawTray();
    byId("input").focus();
  }

  #drawTray() {
    const rows = this.#waiting.map((waiting) => {
      const remove = () => {
        URL.revokeObjectURL(waiting.address);
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        this.#drawTray();
      };
      const kind = el(
        "label",
        { class: "as-photo" },
        el("input", {
          type: "checkbox",
          checked: waiting.asPhoto,
          onchange: (event) => (waiting.asPhoto = event.target.checked),
        }),
        "As photo",
      );
      return el(
        "li",
        {},
        waiting.address
          ? el("img", { src: waiting.address, alt: "" })
          : el("span", { class: "disc" }, icon("file")),
        el(
          "span",
          { class: "file-words" },
          el("span", { class: "file-name" }, waiting.file.name),
          el("span", { class: "file-size" }, fileSize(waiting.file.size)),
        ),
        waiting.canBePhoto && kind,
        el(
          "button",
          {
            class: "icon-button",
            type: "button",
            "aria-label": `Remove ${waiting.file.name}`,
            onclick: remove,
          },
          icon("close"),
        ),
      );
    });
    byId("tray").replaceChildren(...rows);
    byId("tray").hidden = !rows.length;
    byId("input").placeholder = rows.length ? "Add a caption" : "Message";
    byId("input").maxLength = rows.length ? CAPTION_LIMIT : 4096;
    this.#fit();
  }

  #forgetFiles() {
    for (const { address } of this.#waiting) if (address) URL.revokeObjectURL(address);
    this.#waiting = [];
    this.#drawTray();
  }

  /** The id that Telegram's apps give to what is sent at once: photos and films, or files. */
  #album() {
    const many = this.#waiting.length > 1 && this.#waiting.length <= ALBUM_LIMIT;
    const visual = ({ file, asPhoto }) => asPhoto || file.type.startsWith("video/");
    const seen = this.#waiting.filter(visual).length;
    return many && (seen === 0 || seen === this.#waiting.length) ? String(Date.now()) : "";
  }

  async #submit() {
    const input = byId("input");
    const text = input.value.trim();
    if (this.#sending || (!text && !this.#waiting.length)) return;
    this.#menu.close();
    this.#sending = true;
    byId("composer").classList.add("sending");
    // The input is emptied at once and given back if the sandbox did not take the words.
    input.value = "";
    const taken = this.#waiting.length ? await this.#sendFiles(text) : await this.#say(text);
    if (!taken && !input.value) input.value = text;
    this.#sending = false;
    byId("composer").classList.remove("sending");
    this.#drawTray();
  }

  /** One after another, the caption with the first; what was not taken stays in the tray. */
  async #sendFiles(caption) {
    let words = caption;
    const album = this.#album();
    while (this.#waiting.length) {
      const { file, asPhoto, address } = this.#waiting[0];
      const answer = await upload({ user: this.#user, file, caption: words, asPhoto, album });
      if (answer === null) return words === "";
      if (address) URL.revokeObjectURL(address);
      this.#waiting.shift();
      words = "";
      this.#drawTray();
    }
    return true;
  }
}
