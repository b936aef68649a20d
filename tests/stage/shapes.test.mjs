import assert from "node:assert/strict";
import { test } from "node:test";
import "./words.mjs";
import { classEntries } from "../../sbkit/lab/stage/field.js";
import { gridOf, imagesPainter, paintImages, pixelText } from "../../sbkit/lab/stage/images.js";
import { makeScale } from "../../sbkit/lab/stage/scales.js";
import { nearestPoint, scatterPainter } from "../../sbkit/lab/stage/scatter.js";

const THEME = { series: ["#000001", "#000002"], grey: "#777777", orange: "#ff8000", cold: "#0000ff", change: Uint8ClampedArray.from({ length: 768 }, (_, k) => k / 3) };
const INK = { label: "ink", unit: "", low: 0, high: 1 };
const bytes = (list, shape) => Object.assign(Uint8Array.from(list), { shape });
const images = (pixels, more = {}) => ({ pixels, overlay: null, labels: [], columns: null, scale: INK, heat: { label: "pull", unit: "", low: -2, high: 2 }, ...more });

test("the nearest point is found within its reach, points without a place are none", () => {
  const scales = { x: makeScale(0, 1, 0, 100), y: makeScale(1, 10, 100, 0, true) };
  const points = Float32Array.from([0, 1, 1, 10, NaN, 1, 0.5, -1, 0.5, 0]);
  assert.equal(nearestPoint(points, scales, [95, 4]), 1);
  assert.equal(nearestPoint(points, scales, [3, 97]), 0);
  assert.equal(nearestPoint(points, scales, [50, 50]), -1);
  assert.equal(nearestPoint(new Float32Array(0), scales, [0, 0]), -1);
});

test("classes stand in the order of their numbers, each with a colour and shape of its own", () => {
  const entries = classEntries({ labels: Uint8Array.from([10, 2, 0, 2]), called: ["a"] }, { series: [1, 2, 3, 4, 5] });
  assert.deepEqual(entries.map(({ text }) => text), ["a", "class 2", "class 10"]);
  const many = classEntries({ labels: Uint8Array.from({ length: 25 }, (_, k) => k), called: [] }, { series: [1, 2, 3, 4, 5] });
  assert.equal(new Set(many.map(({ mark, colour }) => mark + colour)).size, 25);
});

test("points have classes in their legend only if they have labels; the diagonal and a pinned run are told", () => {
  const plot = { labels: null, called: [], diagonal: true };
  assert.deepEqual(scatterPainter.legend(plot, THEME, { pinned: plot }).map(({ text }) => text), ["y = x", "pinned"]);
  assert.equal(scatterPainter.legend({ ...plot, labels: [0, 1], diagonal: false }, THEME, {}).length, 2);
});

test("images are as large as their room allows, in the columns that are asked for", () => {
  const plot = images(bytes([], [10, 8, 8]));
  assert.equal(gridOf(plot, 300, 200).columns, 4);
  assert.equal(gridOf(plot, 1000, 60).columns, 10);
  assert.equal(gridOf({ ...plot, columns: 2 }, 300, 200).columns, 2);
  for (const [width, height] of [[280, 140], [60, 60], [10, 10]]) {
    const { columns, zoom, below } = gridOf({ ...plot, labels: Array(10).fill("l") }, width, height);
    assert.ok(zoom > 0 && columns >= 1);
    if (zoom > 0.01) assert.ok(Math.ceil(10 / columns) * (8 * zoom + 5 + below) <= height + 1e-9 && columns * (8 * zoom + 5) <= width + 1e-9);
  }
  assert.equal(gridOf({ ...plot, labels: Array(10).fill("l") }, 60, 60).below, 0, "labels give way to images");
});

test("bytes become grey, colours or, around 0, blue to orange; 0 is left out", () => {
  const paint = (...about) => [...paintImages(images(...about), THEME)];
  assert.deepEqual(paint(bytes([1, 255, 0], [1, 1, 3])), [0, 0, 0, 255, 255, 255, 255, 255, ...paint(bytes([0], [1, 1, 1])).slice(0, 3), 0]);
  assert.deepEqual(paint(bytes([1, 128, 255], [1, 1, 1, 3])), [0, 128, 255, 255]);
  const signed = paint(bytes([1, 128, 255], [1, 1, 3]), { scale: { ...INK, low: -1 } });
  assert.deepEqual([signed[0], signed[4], signed[8]], [1, 128, 255]);
});

test("an overlay covers most where it is largest, nothing at 0", () => {
  const overlay = bytes([128, 255, 1, 0], [1, 1, 4]);
  const painted = [...paintImages(images(bytes([1, 1, 1, 1], [1, 1, 4]), { overlay }), THEME)];
  assert.deepEqual(painted, [0, 0, 0, 255, 204, 102, 0, 255, 0, 0, 204, 255, 0, 0, 0, 255]);
});

test("a pixel tells its image, its place and its values", () => {
  const overlay = bytes([128, 255, 1, 0], [2, 1, 2]);
  const plot = images(bytes([1, 255, 128, 0], [2, 1, 2]), { overlay, labels: ["seven", "two"], scale: { ...INK, unit: "u" } });
  assert.deepEqual(pixelText(plot, 0, 0, 1), ["image 0: seven", "row 0, column 1", "ink 1.00 u", "pull 2.00"]);
  assert.deepEqual(pixelText(plot, 1, 0, 1), ["image 1: two", "row 0, column 1", "ink – u", "pull –"]);
  assert.deepEqual(pixelText(images(bytes([1, 128, 255], [1, 1, 1, 3])), 0, 0, 0), ["image 0", "row 0, column 0", "ink 0.00, 0.50, 1.00"]);
  assert.deepEqual(imagesPainter.legend(plot), []);
});
