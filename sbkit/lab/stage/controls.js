// controls.js: the buttons, sliders and words around the plots; made of native elements, told what to do by actions.

import { make, setText } from "./card.js";
import { say } from "./words.js";

const word = (name, values) => say("controls", name, values);

/** Controls for the `actions` that are given: run(), step(), restart(type), speed(word), scrub(k), pin() … */
export class Controls {
  constructor(actions, { seed = false, data = false } = {}, announce = () => {}) {
    this.announce = announce;
    this.run = iconButton("run", actions.run, "sb-main");
    this.steps = [
      iconButton("step", actions.step),
      iconButton("rewind", () => actions.restart("rewind")),
      seed && button(word("seed"), () => actions.restart("seed")),
      data && button(word("data"), () => actions.restart("data")),
    ].filter(Boolean);
    const change = () => actions.speed(this.speed.value);
    const speeds = ["slow", "normal", "fast"].map((value) => make("option", { text: word(value), value }));
    this.speed = make("select", { "aria-label": word("speed"), on: { change } }, speeds);
    this.speed.value = "normal";
    const input = () => actions.scrub(Number(this.slider.value));
    this.slider = make("input", { type: "range", min: 0, max: 0, "aria-label": word("recorded"), on: { input } });
    const told = (name) => make("span", { class: `sb-${name}` });
    [this.word, this.reason, this.count] = ["word", "reason", "count"].map(told);
    this.buildTools(actions);
    this.row = make("div", { class: "sb-controls" }, [this.run, ...this.steps, this.speed, this.slider, ...this.tools]);
    const state = make("span", { class: "sb-state" }, [this.word, this.reason]);
    this.status = make("div", { class: "sb-status" }, [state, this.count]);
    this.head = make("div", { class: "sb-top" }, [this.row, this.status]);
  }

  /** What one does with a run in hand: pin, difference, code, tables, replay. */
  buildTools(actions) {
    this.pin = button(word("pin"), actions.pin, { "aria-pressed": "false", title: word("pin_title") });
    this.pin.hidden = !actions.pin;
    const [about, change] = [word("difference_title"), () => actions.difference(this.box.checked)];
    this.box = make("input", { type: "checkbox", "aria-label": about, on: { change } });
    this.difference = make("label", { hidden: "", title: about }, [this.box, word("difference")]);
    const code = { "aria-expanded": "false", "aria-label": word("code") };
    const toggle = () => (this.codeBox.hidden ? actions.code() : this.showCode(null));
    this.code = actions.code && button(word("code_short"), toggle, code);
    const tables = { "aria-expanded": "false", title: say("tables", "all") };
    this.tables = button(say("tables", "data"), actions.tables, tables);
    this.save = actions.save && iconButton("save", actions.save);
    this.tools = [this.pin, this.difference, this.code, this.tables, this.save].filter(Boolean);
    this.pre = make("pre", { tabindex: "0" });
    this.tabs = make("div", { class: "sb-tabs", role: "group", "aria-label": word("kinds") });
    const copy = button(word("copy"), () => copyText(this.pre, copy));
    const bar = make("div", { class: "sb-controls" }, [this.tabs, copy]);
    this.codeBox = make("div", { class: "sb-code", hidden: "" }, [bar, this.pre]);
  }

  /** Offer `texts` by label, the one chosen last in sight; null hides them. */
  showCode(texts) {
    this.codeBox.hidden = texts === null;
    this.code.setAttribute("aria-expanded", String(texts !== null));
    this.code.setAttribute("aria-label", word(texts === null ? "code" : "hide"));
    if (texts === null) return;
    this.tabs.replaceChildren(...Object.keys(texts).map((label) => button(label, () => this.chooseCode(texts, label))));
    this.chooseCode(texts, this.label in texts ? this.label : Object.keys(texts)[0]);
  }

  chooseCode(texts, label) {
    this.label = label;
    for (const tab of this.tabs.children) tab.setAttribute("aria-pressed", String(tab.textContent === label));
    setText(this.pre, texts[label]);
  }

  /** Show a view of the player or of a replay. */
  update(view) {
    const { reason, running, closed, index, count, frame, steps, pinned } = view;
    this.run.dataset.icon = running ? "pause" : "run";
    this.run.title = this.run.ariaLabel = word(this.run.dataset.icon);
    for (const control of [this.run, ...this.steps, this.speed]) control.disabled = closed || Boolean(view.locked);
    for (const asks of [this.code, this.save]) if (asks) asks.disabled = closed;
    const trains = steps > 0;
    for (const node of [this.run, ...this.steps, this.speed, this.slider, this.count]) node.hidden = !trains;
    setText(this.word, trains || view.word === "Error" || view.stale || view.locked || view.builds ? view.word : "");
    setText(this.reason, reason);
    this.reason.title = reason;
    this.status.hidden = !trains && !this.word.textContent && !reason;
    this.status.classList.toggle("sb-whole", ["Error", "Stopped"].includes(view.word)); // what went wrong is never cut
    this.slider.max = Math.max(0, count - 1);
    this.slider.value = index;
    this.slider.disabled = count < 2;
    const [step, all] = [frame?.step ?? 0, steps].map((count) => count.toLocaleString("en"));
    const at = frame?.at ?? word("at", { step, steps: all });
    this.slider.setAttribute("aria-valuetext", at);
    setText(this.count, frame?.at ?? word("count", { at, epoch: (frame?.epoch ?? 0).toFixed(1) }));
    setText(this.pin, word(pinned ? "unpin" : "pin"));
    this.pin.setAttribute("aria-pressed", String(Boolean(pinned)));
    this.difference.hidden = !pinned || !frame?.plots.some((plot) => plot.shape === "field");
    this.box.checked = view.difference;
    const state = reason ? `${view.word}: ${reason}` : view.word;
    if (state !== this.state) this.announce((this.state = state));
  }
}

export function button(text, click, attributes = {}) {
  return make("button", { type: "button", text, on: { click }, ...attributes });
}

/** Run has its label beside its icon (stage.css); of the others a screen reader and the pointer are told. */
function iconButton(icon, click, style = "sb-icon") {
  return button("", click, { class: style, title: word(icon), "aria-label": word(icon), "data-icon": icon });
}

/** To the clipboard; where the page may not, the text is selected for Ctrl-C. */
async function copyText(pre, told) {
  try {
    await navigator.clipboard.writeText(pre.textContent);
    setText(told, word("copied"));
  } catch {
    getSelection().selectAllChildren(pre);
    setText(told, word("selected"));
  }
  setTimeout(() => setText(told, word("copy")), 1500);
}

/** Offer `text` as a file. */
export function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/html" }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
