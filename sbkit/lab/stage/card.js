// card.js: one picture on the page: title with its caption, legend, canvas, hover values; and its data table.

import { openSheet } from "./axes.js";
import { barsPainter } from "./bars.js";
import { rowOf } from "./decode.js";
import { tileAfter, tileAt, tilesPainter, middleOf } from "./tiles.js";
import { fieldPainter } from "./field.js";
import { imagesPainter } from "./images.js";
import { linesPainter } from "./lines.js";
import { formatValue } from "./scales.js";
import { scatterPainter } from "./scatter.js";
import { say } from "./words.js";

const PAINTERS = { // by the shapes of plots
  ...{ bars: barsPainter, field: fieldPainter, images: imagesPainter },
  ...{ lines: linesPainter, scatter: scatterPainter, tiles: tilesPainter },
};
let captions = 0; // on this page, each with an id of its own

/** A DOM element; `text` becomes textContent, `on` holds listeners, the rest are attributes. */
export function make(tag, { text, on = {}, ...attributes } = {}, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  for (const [name, listener] of Object.entries(on)) node.addEventListener(name, listener);
  if (text !== undefined) node.textContent = text;
  node.append(...children);
  return node;
}

export class Card {
  /** pick(name, row, column): what a click on a tile does, if anything; announce(text) tells those who do not see. */
  constructor(redraw, pick, announce) {
    Object.assign(this, { hover: null, pick, announce, width: 0, height: 0, told: -Infinity });
    const id = `sb-caption-${captions++}`;
    this.title = make("div", { class: "sb-title", tabindex: "0", "aria-describedby": id });
    this.legend = make("div", { class: "sb-legend", "aria-hidden": "true" });
    this.caption = make("figcaption", { class: "sb-caption", id });
    const point = (event) => redraw((this.hover = [event.offsetX, event.offsetY]));
    const leave = () => redraw((this.hover = null));
    const on = { pointermove: point, pointerdown: point, pointerleave: leave, pointercancel: leave, blur: leave };
    const role = pick ? { role: "application", tabindex: "0", class: "sb-tiles" } : { role: "img" };
    this.canvas = make("canvas", { ...role, on }); // an application gets arrow keys, an image does not
    this.tip = make("div", { class: "sb-tip", "aria-hidden": "true", hidden: "" });
    this.paper = make("div", { class: "sb-paper" }, [this.canvas, this.tip]);
    const head = make("div", { class: "sb-head" }, [this.title, this.legend]);
    this.root = make("figure", { class: "sb-card" }, [head, this.caption, this.paper]);
    this.table = make("div", { class: "sb-table", tabindex: "0", role: "region" });
    if (pick) this.offerTiles(redraw);
  }

  /** Tiles are picked by a click, or by arrow keys and Enter. */
  offerTiles(redraw) {
    const choose = (point) => {
      const tile = point && this.memory.box && tileAt(this.memory.box, this.plot, point);
      if (tile) redraw(this.pick(this.plot.name, ...(this.picked = tile)));
    };
    this.canvas.addEventListener("click", (event) => choose([event.offsetX, event.offsetY]));
    this.canvas.addEventListener("keydown", (event) => {
      const here = this.hover && tileAt(this.memory.box, this.plot, this.hover);
      const next = tileAfter(this.plot, here ?? this.picked, event.key);
      if (next) redraw((this.hover = middleOf(this.memory.box, this.plot, next)));
      else if (event.key === "Enter" || event.key === " ") choose(this.hover);
      else return;
      event.preventDefault();
    });
  }

  /** The room to draw in: what the grid and the lines of the legend leave. */
  measure() {
    [this.width, this.height] = [this.paper.clientWidth, this.paper.clientHeight];
  }

  /** Take the next description; axes keep their ranges while the run is the same. The entries of its legend. */
  show(plot, pinned, theme, { run, difference, moving }) {
    if (run !== this.run || plot.shape !== this.plot?.shape) this.memory = { image: this.memory?.image };
    Object.assign(this, { plot, pinned: pinned?.shape === plot.shape ? pinned : null, run, difference, moving });
    return PAINTERS[plot.shape].legend(plot, theme, this);
  }

  /** Draw it, with the entries of its legend that are its own. */
  draw(theme, entries) {
    setText(this.title, this.plot.title);
    setText(this.caption, this.plot.caption);
    // the legend may be higher or lower now; out of the page, as while a theme is changed, there is no room at all
    if (showEntries(this.legend, entries) || !this.width) this.measure();
    if (!this.width) return;
    const ctx = openSheet(this.canvas, this.width, this.height);
    const sheet = { ctx, width: this.width, height: this.height, theme, memory: this.memory };
    this.showTip(PAINTERS[this.plot.shape].draw(sheet, this.plot, this.pinned, this));
    this.tell(!this.moving);
  }

  showTip(tip) {
    this.tip.hidden = !tip;
    if (!tip) return;
    this.tip.replaceChildren(...tip.lines.map((text) => make("div", { text })));
    if (document.activeElement === this.canvas) this.announce(tip.lines.join("; "));
    const side = tip.x > this.width / 2 ? `right: ${this.width - tip.x + 12}px` : `left: ${tip.x + 12}px`;
    const top = Math.max(0, Math.min(this.height - 20 * tip.lines.length - 10, tip.y - 14));
    this.tip.style.cssText = `${side}; top: ${top}px`;
  }

  /** Sentence and table for those who do not see the canvas: at once when the plot stands, else once a second. */
  tell(now) {
    const seen = this.table.isConnected && !this.table.parentNode.hidden;
    const due = this.toldPlot !== this.plot || (seen && !this.table.firstChild);
    if (!(now && due) && performance.now() - this.told < 1000) return;
    [this.told, this.toldPlot] = [performance.now(), this.plot];
    this.canvas.setAttribute("aria-label", this.plot.about + (this.pick ? say("sentences", "pick") : ""));
    this.table.setAttribute("aria-label", say("tables", "data_of", this.plot));
    this.table.replaceChildren(...(seen ? [dataTable(this.plot)] : []));
  }
}

/** Show the entries of a legend, if they are not there; whether they have changed. */
export function showEntries(legend, entries) {
  const key = JSON.stringify(entries);
  if (key === legend.dataset.key) return false;
  legend.dataset.key = key;
  legend.title = entries.map(({ text }) => text).join(", ");
  legend.replaceChildren(...entries.map(({ mark, shape, colour, text }) => {
    const marks = [mark, shape].filter(Boolean).map((name) => make("i", { class: `sb-mark sb-${name}` }));
    const swatch = make("i", {}, marks);
    swatch.style.color = colour;
    return make("span", { title: text }, [swatch, make("span", { text })]);
  }));
  return true;
}

/** The numbers of a plot as a table element. */
function dataTable({ title, table: { note, head, names, blocks } }) {
  const told = (value) => (typeof value === "string" ? value : formatValue(value));
  const numbers = (k) => blocks.flatMap((block) => rowOf(block, k)).map((value) => make("td", { text: told(value) }));
  const row = (name, k) => make("tr", {}, [make("th", { text: told(name), scope: "row" }), ...numbers(k)]);
  const header = make("tr", {}, head.map((text) => make("th", { text, scope: "col" })));
  const parts = [make("thead", {}, [header]), make("tbody", {}, Array.from(names, row))];
  return make("table", {}, [make("caption", { text: `${title}: ${note}` }), ...parts]);
}

/** Write only what changed: a write costs a layout. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
