// controls.js: the buttons, sliders and words around the plots; made of native elements, told what to do by actions.

import { make, setText } from "./card.js";

const ICONS = {
  run: "M4 2.5v11l9-5.5z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  step: "M3 3v10l6-5zM10 3h3v10h-3z",
  rewind: "M13 3v10L7 8zM3 3h3v10H3z",
};

/** Controls for the `actions` that are given: run(), step(), restart(type), speed(word), scrub(k), pin() … */
export class Controls {
  constructor(actions, { seed = false, data = false } = {}) {
    this.run = iconButton("run", "Run", actions.run, "sb-main");
    this.steps = [
      actions.step && iconButton("step", "Step", actions.step),
      actions.restart && iconButton("rewind", "Rewind", () => actions.restart("rewind")),
      actions.restart && seed && button("New seed", () => actions.restart("seed")),
      actions.restart && data && button("New data", () => actions.restart("data")),
    ].filter(Boolean);
    this.speed = make("select", { on: { change: () => actions.speed(this.speed.value) } },
      ["slow", "normal", "fast"].map((text) => make("option", { text, value: text })));
    this.speed.value = "normal";
    this.word = make("span", { class: "sb-word" });
    this.reason = make("span", { class: "sb-reason" });
    this.live = make("div", { class: "sb-unseen", "aria-live": "polite" });
    this.announced = { text: "", at: -Infinity };
    this.slider = make("input", { type: "range", min: 0, max: 0, value: 0, "aria-label": "Recorded steps",
      on: { input: () => actions.scrub(Number(this.slider.value)) } });
    this.count = make("span", { class: "sb-count" });
    this.head = make("div", { class: "sb-controls" }, [this.run, ...this.steps, make("label", {}, ["Speed ", this.speed]),
      make("span", { class: "sb-state" }, [this.word, this.reason]), this.live,
      make("div", { class: "sb-time" }, [this.slider, this.count])]);
    this.buildFoot(actions);
  }

  /** What one does with a run in hand: pin, difference, code, replay. */
  buildFoot(actions) {
    this.pin = button("Pin", actions.pin, { "aria-pressed": "false", title: "Keep what is in sight as a grey ghost" });
    this.box = make("input", { type: "checkbox", on: { change: () => actions.difference(this.box.checked) } });
    this.difference = make("label", { hidden: "" }, [this.box, " Difference to the pinned run"]);
    this.code = actions.code && button("Show code", () => this.toggleCode(actions), { "aria-expanded": "false" });
    const save = actions.save && button("Save replay", actions.save);
    this.pre = make("pre", { tabindex: "0" });
    this.tabs = make("div", { class: "sb-tabs", role: "group", "aria-label": "Kinds of code" });
    const copy = button("Copy", () => copyText(this.pre, copy));
    const bar = make("div", { class: "sb-controls" }, [this.tabs, copy]);
    this.codeBox = make("div", { class: "sb-code", hidden: "" }, [bar, this.pre]);
    const row = make("div", { class: "sb-controls" }, [this.pin, this.code, save, this.difference].filter(Boolean));
    this.foot = make("div", {}, [row, this.codeBox]);
  }

  toggleCode(actions) {
    if (this.codeBox.hidden) actions.code();
    else this.showCode(null);
  }

  /** Offer `texts` by label, the one chosen last in sight; null hides them. */
  showCode(texts) {
    this.codeBox.hidden = texts === null;
    this.code.setAttribute("aria-expanded", String(texts !== null));
    setText(this.code, texts === null ? "Show code" : "Hide code");
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
    const { word, reason, running, closed, index, count, frame, steps, pinned } = view;
    showIcon(this.run, running ? "pause" : "run", running ? "Pause" : "Run");
    for (const control of [this.run, ...this.steps, this.speed]) control.disabled = closed || Boolean(view.locked);
    const trains = steps > 0;
    for (const node of [this.run, ...this.steps, this.speed.parentNode, this.slider.parentNode]) node.hidden = !trains;
    setText(this.word, trains || word === "Error" || view.stale || view.locked ? word : "");
    setText(this.reason, reason);
    this.slider.max = Math.max(0, count - 1);
    this.slider.value = index;
    this.slider.disabled = count < 2;
    const step = `step ${(frame?.step ?? 0).toLocaleString("en")} of ${steps.toLocaleString("en")}`;
    this.slider.setAttribute("aria-valuetext", step);
    setText(this.count, `${step} · epoch ${(frame?.epoch ?? 0).toFixed(1)}`);
    setText(this.pin, pinned ? "Unpin" : "Pin");
    this.pin.setAttribute("aria-pressed", String(Boolean(pinned)));
    this.difference.hidden = !pinned || !frame?.plots.some((plot) => plot.shape === "field");
    this.box.checked = view.difference;
    this.announce(reason ? `${word}: ${reason}` : word);
  }

  /** Say a new state once, at most one a second. */
  announce(text) {
    const now = performance.now();
    if (text === this.announced.text || now - this.announced.at < 1000) return;
    this.announced = { text, at: now };
    this.live.textContent = text;
  }
}

function button(text, click, attributes = {}) {
  return make("button", { type: "button", text, on: { click }, ...attributes });
}

function iconButton(icon, text, click, style = "") {
  const node = make("button", { type: "button", class: style, on: { click } });
  showIcon(node, icon, text);
  return node;
}

function showIcon(node, icon, text) {
  if (node.dataset.icon === icon) return;
  node.dataset.icon = icon;
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.appendChild(document.createElementNS(space, "path")).setAttribute("d", ICONS[icon]);
  node.replaceChildren(svg, text);
}

/** To the clipboard; where the page may not, the text is selected for Ctrl-C. */
async function copyText(pre, told) {
  try {
    await navigator.clipboard.writeText(pre.textContent);
    setText(told, "Copied");
  } catch {
    getSelection().selectAllChildren(pre);
    setText(told, "Selected");
  }
  setTimeout(() => setText(told, "Copy"), 1500);
}

/** Offer `text` as a file. */
export function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/html" }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
