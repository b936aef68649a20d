import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldPainter } from "../../sbkit/lab/stage/field.js";
import "./words.mjs";

const values = Object.assign(Float32Array.from([0, 1, 1, 1]), { shape: [2, 2] });
const points = Object.assign(Float32Array.from([0, 0, 1, 1]), { shape: [2, 2] });
const axis = (label) => ({ label, unit: "", low: 0, high: 1, ticks: [] });
const field = (names) => ({ title: "Boundary", x: axis("a"), y: axis("b"), scale: null, values, points, labels: Uint8Array.from([0, 1]), called: names });
const theme = { series: ["blue", "orange"], ink: "black", grey: "grey" };

test("the legend calls classes what the data call them", () => {
  const plot = field(["no", "<b>yes</b>"]);
  assert.deepEqual(fieldPainter.legend(plot, theme, {}).map(({ text }) => text), ["no", "<b>yes</b>", "P = .5"]);
});

test("classes without names have numbers", () => {
  assert.deepEqual(fieldPainter.legend(field([]), theme, {}).map(({ text }) => text), ["class 0", "class 1", "P = .5"]);
});
