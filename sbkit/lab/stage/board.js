// board.js: a plane on which points of two classes are painted, dab by dab, by mouse, finger or keys.

import { openSheet, readTheme, strokeLine } from "./axes.js";
import { make, setText } from "./card.js";
import { button } from "./controls.js";
import { drawPoints } from "./field.js";
import { say } from "./words.js";

const DAB = { points: 6, spread: 0.07, turn: 2.4, most: 500, edge: 0.93, apart: 0.08 }; // as in data/paint.py
const [ERASER, REACH] = [2, 0.12]; // the tool after those of the two classes, and how far it takes
const TOOLS = ["blue", "orange", "eraser"];
const TOOL_KEYS = { 1: 0, 2: 1, Delete: ERASER, Backspace: ERASER };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** The points [x, y] of a dab [x, y, class], as `painted` makes them. */
export function pointsOf([x, y]) {
  return Array.from({ length: DAB.points }, (_, k) => {
    const [angle, radius] = [DAB.turn * k + 37 * x + 59 * y, DAB.spread * Math.sqrt((k + 0.5) / DAB.points)];
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
  });
}

/** A place on the board, to two decimals. */
export function placed(...at) {
  return at.map((v) => Math.round(100 * Math.max(-DAB.edge, Math.min(DAB.edge, v))) / 100);
}

/** The dabs after a tool went from one place to another: more, fewer, or the very same where nothing changes. */
export function touched(dabs, tool, from, to) {
  const count = Math.max(1, Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) / 0.1));
  for (let k = 1; k <= count; k++) {
    const [x, y] = placed(...from.map((v, i) => v + ((to[i] - v) * k) / count));
    const far = ([a, b, c]) => Math.hypot(a - x, b - y) >= (tool === ERASER ? REACH : c === tool ? DAB.apart : 0);
    const clear = dabs.every(far);
    if (tool === ERASER) dabs = clear ? dabs : dabs.filter(far);
    else if (clear && dabs.length < DAB.most) dabs = [...dabs, [x, y, tool]];
  }
  return dabs;
}

/** A view of the widget's dabs, with all that changes them. */
class Board {
  constructor(model, examples) {
    Object.assign(this, { model, tool: 0, at: [0, 0], past: [], timer: 0 });
    const act = (name, click) => button(say("board", name), click, { class: `sb-${name}` });
    this.tools = TOOLS.map((name, k) => act(name, () => this.draw((this.tool = k))));
    const undo = act("undo", () => this.past.length && this.put(this.past.pop(), false));
    const clear = act("clear", () => this.put([]));
    const text = say("board", "examples");
    const options = ["", ...Object.keys(examples)].map((value) => make("option", { value, text: value || text }));
    const change = () => {
      this.put(examples[list.value]);
      list.value = "";
    };
    const list = make("select", { "aria-label": text, on: { change } }, options);
    const on = { contextmenu: (event) => event.preventDefault(), keydown: (event) => this.press(event) };
    on.focus = on.blur = () => this.draw();
    on.pointerdown = on.pointermove = (event) => this.point(event);
    this.plane = make("canvas", { tabindex: "0", role: "application", "aria-label": say("board", "plane"), on });
    [this.word, this.live] = ["sb-told", "sb-unseen"].map((is) => make("div", { class: is, "aria-live": "polite" }));
    const rows = [this.tools, [undo, clear, list]].map((row) => make("div", { class: "sb-controls" }, row));
    this.root = make("div", { class: "sb-stage sb-board" }, [...rows, this.plane, this.word, this.live]);
  }

  /** Show other dabs, and tell the kernel: ten times a second, so that the latest win. */
  put(dabs, anew = true) {
    const now = this.model.get("dabs");
    if (dabs === now || this.model.get("disabled")) return;
    if (anew) this.past.push(now);
    this.model.set("dabs", dabs);
    this.timer ||= setTimeout(() => this.model.save_changes((this.timer = 0)), 100);
  }

  /** A stroke, from its first touch to the last, is one thing to undo. */
  point({ type, buttons, pointerId, clientX, clientY }) {
    if (!buttons) return;
    const { left, top, width, height } = this.plane.getBoundingClientRect();
    const to = placed((2 * (clientX - left)) / width - 1, 1 - (2 * (clientY - top)) / height);
    const dabs = this.model.get("dabs");
    if (type === "pointerdown") {
      this.plane.setPointerCapture(pointerId);
      [this.at, this.anew] = [to, true];
    }
    const now = touched(dabs, buttons & 2 ? ERASER : this.tool, this.at, to);
    this.put(now, this.anew);
    [this.at, this.anew] = [to, this.anew && now === dabs];
  }

  press(event) {
    const [arrow, tool] = [ARROWS[event.key], event.key === " " ? this.tool : TOOL_KEYS[event.key]];
    if ((!arrow && tool === undefined) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (arrow) this.at = placed(...this.at.map((v, i) => v + arrow[i] * (event.shiftKey ? 0.02 : 0.1)));
    else this.put(touched(this.model.get("dabs"), tool, this.at, this.at));
    if (tool < ERASER) this.tool = tool;
    this.draw();
    const [[x, y], name] = [this.at, arrow ? "" : say("board", TOOLS[tool])];
    setText(this.live, say("board", "cursor", { x, y, tool: name }));
  }

  draw() {
    const [dabs, size] = [this.model.get("dabs"), this.plane.clientWidth];
    for (const node of this.root.querySelectorAll("button, select")) node.disabled = this.model.get("disabled");
    this.tools.forEach((node, k) => node.setAttribute("aria-pressed", String(k === this.tool)));
    setText(this.word, this.model.get("told") || say("board", "count", { dabs: dabs.length }));
    if (!size) return;
    const [theme, ctx, pixel] = [readTheme(this.root), openSheet(this.plane, size, size), (v) => ((v + 1) * size) / 2];
    strokeLine(ctx, 0, size / 2, size, size / 2, theme.grid);
    strokeLine(ctx, size / 2, 0, size / 2, size, theme.grid);
    const points = dabs.flatMap((dab) => pointsOf(dab).flat());
    const labels = dabs.flatMap(([, , c]) => Array(DAB.points).fill(c));
    drawPoints(ctx, { points, labels }, { x: pixel, y: (v) => pixel(-v) }, theme);
    clearTimeout(this.keeping);
    const keep = async (png) => this.model.send({ type: "picture" }, {}, [await png.arrayBuffer()]); // for later
    this.keeping = setTimeout(() => this.plane.toBlob(keep), 1000);
    if (!this.plane.matches(":focus-visible")) return;
    const [x, y] = this.at;
    strokeLine(ctx, pixel(x - REACH), pixel(-y), pixel(x + REACH), pixel(-y), theme.ink, 2);
    strokeLine(ctx, pixel(x), pixel(-y - REACH), pixel(x), pixel(-y + REACH), theme.ink, 2);
  }
}

/** A board in el; how to end it. */
export function renderBoard(model, el, examples) {
  const board = new Board(model, examples);
  const draw = () => board.draw();
  const sight = new ResizeObserver(draw); // once it can be seen
  el.replaceChildren(board.root);
  sight.observe(board.root);
  model.on("change", draw);
  return () => {
    clearTimeout(board.keeping);
    sight.disconnect();
    model.off("change", draw);
  };
}
