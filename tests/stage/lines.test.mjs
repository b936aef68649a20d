import assert from "node:assert/strict";
import { test } from "node:test";
import "./words.mjs";
import { linesPainter } from "../../sbkit/lab/stage/lines.js";

const axis = { label: "index", unit: "", low: null, high: null, log: false, ticks: [] };
const line = (name, start) => ({ name, dash: false, x: [1, 2], y: [4, 2], low: null, high: null, start });
const plot = (...lines) => ({ title: "S", x: axis, y: { ...axis, log: true }, grows: false, marks: [], lines });
const theme = { series: ["#0000ff", "#ff8000"], muted: "muted", grey: "grey" };

/** A canvas that keeps every dash pattern with its colour. */
function paper(kept) {
  const calls = { setLineDash: (dash) => { state.dash = dash; }, stroke: () => kept.push([state.strokeStyle, ...state.dash]),
    measureText: () => ({ width: 20 }) };
  const state = { dash: [] };
  return new Proxy(state, { get: (_, key) => calls[key] ?? state[key] ?? (() => {}) });
}

test("where a line began is drawn as dashes of its colour, within the axes", () => {
  const [kept, memory] = [[], {}];
  const sheet = { ctx: paper(kept), width: 300, height: 200, theme, memory };
  linesPainter.draw(sheet, plot(line("layer 1", [9, 0.1]), line("layer 2", null)), null, {});
  assert.deepEqual(kept.slice(-3), [["rgba(0,0,255, 0.6)", 4, 3], ["#0000ff"], ["#ff8000"]]);
  assert.ok(memory.y[0] <= 0.1 && memory.y[1] >= 9);
});

test("the legend says so, where there is one", () => {
  const texts = (...lines) => linesPainter.legend(plot(...lines), theme, {}).map(({ text }) => text);
  assert.deepEqual(texts(line("layer 1", [9, 1]), line("layer 2", [9, 1])), ["layer 1", "layer 2", "at step 0"]);
  assert.deepEqual(texts(line("layer 1", null)), ["layer 1"]);
});
