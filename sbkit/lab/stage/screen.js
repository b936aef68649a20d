// screen.js: the whole panel on the page: controls, the grid of cards, one drawing at most per animation frame.

import { readTheme } from "./axes.js";
import { Card, make, setText } from "./card.js";
import { Controls } from "./controls.js";
import { Announcer } from "./live.js";
import { say } from "./words.js";

export class Screen {
  /** `source()` gives the view to draw. Everything that outlives `el` ends with `ended`, an AbortController. */
  constructor(el, source, actions, options) {
    Object.assign(this, { source, actions, cards: new Map(), ended: new AbortController(), pending: 0 });
    const live = make("div", { class: "sb-unseen", "aria-live": "polite" }); // the only one
    const announcer = new Announcer((text) => (live.textContent = text));
    this.announce = (text) => announcer.say(text);
    this.controls = new Controls(actions, options, this.announce);
    this.grid = make("div", { class: "sb-grid" });
    this.said = make("pre", { class: "sb-said", tabindex: "0", role: "region", "aria-label": say("controls", "said"), hidden: "" });
    const parts = [this.controls.head, this.grid, this.controls.foot, this.said, live];
    this.root = make("div", { class: "sb-stage" }, parts);
    this.root.stageStats = { frames: 0, lastFrameAt: 0, drawMs: 0 };
    el.replaceChildren(this.root);
    this.watch();
  }

  /** Draw anew when the size, the theme or the pixel ratio changes. */
  watch() {
    const fresh = () => {
      this.theme = null;
      for (const card of this.cards.values()) card.measure();
      this.redraw();
    };
    this.sizes = new ResizeObserver(fresh);
    this.sizes.observe(this.root);
    this.themes = new MutationObserver(fresh);
    for (const node of [document.body, document.documentElement]) {
      this.themes.observe(node, { attributes: true, attributeFilter: ["class", "theme", "data-jp-theme-name", "data-jp-theme-light"] });
    }
    const { signal } = this.ended;
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) matchMedia(query).addEventListener("change", fresh, { signal });
    globalThis.addEventListener("resize", fresh, { signal });
  }

  redraw() {
    this.pending ||= requestAnimationFrame(() => {
      this.pending = 0;
      this.draw();
    });
  }

  draw() {
    const start = performance.now();
    const view = this.source();
    this.controls.update(view);
    this.root.classList.toggle("sb-stale", Boolean(view.stale));
    setText(this.said, view.said ?? "");
    this.said.hidden = !view.said;
    const { frame } = view;
    Object.assign(this.root.dataset, { state: view.word, step: frame?.step ?? 0, run: frame?.run ?? "", pinned: Boolean(view.pinned) });
    if (!frame || !this.root.isConnected) return;
    const calm = view.moving && matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (calm && start - this.root.stageStats.lastFrameAt < 500) return; // pictures that follow each other, no film
    this.arrange(frame.plots);
    this.theme ??= readTheme(this.root);
    for (const plot of frame.plots) {
      const card = this.cards.get(plot.name);
      const pinned = view.pinned?.plots.find((other) => other.name === plot.name);
      card.show(plot, pinned, { run: frame.run, difference: view.difference, moving: view.moving });
      card.draw(this.theme);
    }
    this.count(frame, start);
  }

  count(frame, start) {
    const stats = this.root.stageStats;
    if (frame !== this.counted) stats.frames += 1;
    this.counted = frame;
    stats.lastFrameAt = performance.now();
    stats.drawMs = stats.lastFrameAt - start;
    this.root.dataset.frames = stats.frames;
  }

  /** One card a plot, in their order; cards stay while their names do. */
  arrange(plots) {
    const names = plots.map((plot) => plot.name);
    if (names.join() === [...this.cards.keys()].join()) return;
    const kept = new Map(names.map((name) => [name, this.cards.get(name) ?? new Card(() => this.redraw(), this.actions.pick, this.announce)]));
    this.cards = kept;
    this.grid.replaceChildren(...[...kept.values()].map((card) => card.root));
    for (const card of kept.values()) card.measure();
  }

  destroy() {
    cancelAnimationFrame(this.pending);
    this.sizes.disconnect();
    this.themes.disconnect();
    this.ended.abort();
    this.root.remove();
  }
}
