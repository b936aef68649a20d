// screen.js: the whole panel on the page: controls, the grid of cards, one drawing at most per animation frame.

import { readTheme } from "./axes.js";
import { Card, make, setText, showEntries } from "./card.js";
import { Controls } from "./controls.js";
import { dialsAcross, layoutOf } from "./layout.js";
import { announcer } from "./live.js";
import { say } from "./words.js";

export class Screen {
  /** `source()` gives the view to draw. Everything that outlives `el` ends with `ended`, an AbortController. */
  constructor(el, source, actions, options) {
    Object.assign(this, { source, actions, cards: new Map(), ended: new AbortController(), pending: 0, frames: 0 });
    const live = make("div", { class: "sb-unseen", "aria-live": "polite" }); // the only one
    this.announce = announcer((text) => (live.textContent = text));
    this.tables = make("div", { class: "sb-tables", hidden: "" });
    this.controls = new Controls({ ...actions, tables: () => this.toggleTables() }, options, this.announce);
    this.grid = make("div", { class: "sb-grid" });
    this.words = make("span", { class: "sb-words" });
    this.legend = make("span", { class: "sb-legend" });
    this.line = make("div", { class: "sb-shared", "aria-hidden": "true" }, [this.legend, this.words]);
    const region = { role: "region", "aria-label": say("controls", "said") };
    this.said = make("pre", { class: "sb-said", tabindex: "0", hidden: "", ...region });
    const parts = [this.controls.head, this.grid, this.line, this.controls.codeBox, this.tables, this.said, live];
    this.root = make("div", { class: "sb-stage" }, parts);
    el.replaceChildren(this.root);
    this.watch();
  }

  /** Draw anew when the size, the theme or the pixel ratio changes. */
  watch() {
    const fresh = () => {
      this.theme = null;
      this.place();
      this.redraw();
    };
    this.sizes = new ResizeObserver(fresh);
    this.sizes.observe(this.root);
    this.themes = new MutationObserver(fresh);
    const attributeFilter = ["class", "theme", "data-jp-theme-name", "data-jp-theme-light"];
    for (const node of [document.body, document.documentElement]) this.themes.observe(node, { attributeFilter });
    const { signal } = this.ended;
    const queries = ["(prefers-color-scheme: dark)", "(forced-colors: active)"];
    for (const query of queries) matchMedia(query).addEventListener("change", fresh, { signal });
    globalThis.addEventListener("resize", fresh, { signal });
  }

  redraw() {
    this.pending ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.pending = 0;
    const view = this.source();
    this.controls.update(view);
    this.root.classList.toggle("sb-stale", Boolean(view.stale));
    setText(this.said, view.said ?? "");
    this.said.hidden = !view.said;
    const { frame } = view;
    const { step = 0, run = "" } = frame ?? {};
    Object.assign(this.root.dataset, { state: view.word, step, run, pinned: Boolean(view.pinned) });
    if (!frame || !this.root.isConnected) return;
    const calm = view.moving && matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (calm && performance.now() - this.drawnAt < 500) return; // pictures that follow each other, no film
    this.arrange(frame.plots);
    this.theme ??= readTheme(this.root);
    this.paint(frame, view);
    if (frame !== this.drawn) this.root.dataset.frames = ++this.frames;
    [this.drawn, this.drawnAt] = [frame, performance.now()];
  }

  /** Draw every picture. What several legends say stands once, below all of them, as does what all pictures are of. */
  paint({ plots, run, over }, { pinned, difference, moving }) {
    const legends = plots.map((plot) => {
      const ghost = pinned?.plots.find((other) => other.name === plot.name);
      return this.cards.get(plot.name).show(plot, ghost, this.theme, { run, difference, moving });
    });
    const keys = legends.flat().map((entry) => JSON.stringify(entry));
    const several = (key) => keys.indexOf(key) < keys.lastIndexOf(key);
    const isShared = (entry) => plots.length > 1 && (entry.shared || several(JSON.stringify(entry)));
    const own = legends.map((entries) => entries.filter((entry) => !isShared(entry)));
    plots.forEach((plot, k) => this.cards.get(plot.name).draw(this.theme, own[k]));
    const shared = new Map(legends.flat().filter(isShared).map((entry) => [entry.text, entry]));
    const words = plots.length === 1 ? plots[0].caption : over ?? "";
    if (!showEntries(this.legend, [...shared.values()]) && words === this.words.textContent) return;
    this.words.textContent = words;
    this.place(); // it may be higher now, or lower
  }

  /** One card a plot, in their order; cards stay while their names do. */
  arrange(plots) {
    const names = plots.map((plot) => plot.name);
    if (names.join() === [...this.cards.keys()].join()) return;
    const card = (name) => this.cards.get(name) ?? new Card(() => this.redraw(), this.actions.pick, this.announce);
    this.cards = new Map(names.map((name) => [name, card(name)]));
    this.grid.replaceChildren(...[...this.cards.values()].map(({ root }) => root));
    this.tables.replaceChildren(...[...this.cards.values()].map(({ table }) => table));
    this.place();
  }

  /** Give every picture its place, so that dials, controls and pictures together are no higher than a laptop shows. */
  place() {
    if (!this.cards.size) return;
    const panel = this.root.closest(".sb-panel");
    if (panel !== this.panel && panel) this.sizes.observe((this.panel = panel)); // its dials may need more room
    for (const dials of panel?.querySelectorAll(":scope > .sb-dials") ?? []) {
      dials.style.setProperty("--sb-columns", dialsAcross(dials.childElementCount, panel.clientWidth));
    }
    const above = panel ? this.root.getBoundingClientRect().top - panel.getBoundingClientRect().top : 0;
    const used = above + this.controls.head.offsetHeight + this.line.offsetHeight + 28;
    const [first, second] = this.cards.keys();
    const mains = first.endsWith(" A") && second === first.replace(/A$/, "B") ? 2 : 1; // two sides of one picture
    const { weights, rows, height, spans } = layoutOf(this.cards.size, this.root.clientWidth, used, mains);
    const columns = weights.map((weight) => `minmax(0, ${weight}fr)`).join(" ");
    this.grid.style.gridTemplate = `repeat(${rows}, minmax(0, 1fr)) / ${columns}`;
    this.grid.style.height = `${height}px`;
    const cards = [...this.cards.values()];
    cards.forEach(({ root }, k) => (root.style.gridArea = `span ${spans[k][0]} / span ${spans[k][1]}`));
    for (const card of cards) card.measure();
  }

  /** Show the tables of all pictures below them, or hide them. */
  toggleTables() {
    this.tables.hidden = !this.tables.hidden;
    this.controls.tables.setAttribute("aria-expanded", String(!this.tables.hidden));
    this.redraw();
  }

  destroy() {
    cancelAnimationFrame(this.pending);
    for (const watch of [this.sizes, this.themes]) watch.disconnect();
    this.ended.abort();
    this.root.remove();
  }
}
