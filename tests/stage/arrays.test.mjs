import assert from "node:assert/strict";
import { test } from "node:test";
import "./words.mjs";
import { decodeArray, decodeFrame, ownBytes, rowOf } from "../../sbkit/lab/stage/decode.js";
import { changeOf, paintPixels, shadesOf } from "../../sbkit/lab/stage/field.js";
import { nearestIndex } from "../../sbkit/lab/stage/lines.js";
import { resample } from "../../sbkit/lab/stage/resample.js";

const PLANE = Float32Array.from({ length: 100 }, (_, k) => (k % 10) / 9); // values rise along columns

test("REFs become typed arrays, from a view that is not aligned", () => {
  const whole = new ArrayBuffer(3 + 12);
  const view = new DataView(whole, 3);
  view.setFloat32(0, 0.5, true);
  view.setFloat32(4, -2, true);
  view.setUint8(8, 255);
  const plot = { shape: "lines", lines: [{ name: "train", x: { at: 0, type: "f4", shape: [2] }, low: null }], labels: { at: 8, type: "u1", shape: [1] } };
  const [read] = decodeFrame({ type: "frame", plots: [plot] }, view).plots;
  assert.deepEqual([...read.lines[0].x], [0.5, -2]);
  assert.deepEqual(read.lines[0].x.shape, [2]);
  assert.equal(read.lines[0].low, null);
  assert.equal(read.labels[0], 255);
});

test("a frame without plots or buffer is read, an unknown number type is refused", () => {
  assert.deepEqual(decodeFrame({ type: "frame" }, undefined).plots, []);
  assert.throws(() => decodeArray({ at: 0, type: "f8", shape: [1] }, new ArrayBuffer(8)), /f4 or u1, got f8/);
  assert.equal(ownBytes(new Uint8Array([1, 2])).byteLength, 2);
});

test("a row of an array is read by its shape, beyond its end it is empty", () => {
  const block = Object.assign(Float32Array.from([1, 2, 3, 4]), { shape: [2, 2] });
  assert.deepEqual(rowOf(block, 1), [3, 4]);
  assert.deepEqual(rowOf(block, 2), [undefined, undefined]);
  assert.deepEqual(rowOf(Float32Array.from([1, 2]), 1), [2]);
});

test("resampling keeps corners and planes", () => {
  const finer = resample(PLANE, [10, 10], [25, 19]);
  for (let i = 0; i < 25; i++) for (let j = 0; j < 19; j++) assert.ok(Math.abs(finer[i * 19 + j] - j / 18) < 1e-6);
  assert.deepEqual([...resample([7], [1, 1], [2, 2])], [7, 7, 7, 7]);
});

test("the change of a field to itself is 0, also at another resolution", () => {
  const own = { values: Object.assign(PLANE.slice(), { shape: [10, 10] }) };
  const other = { values: Object.assign(resample(PLANE, [10, 10], [20, 20]), { shape: [20, 20] }) };
  for (const v of changeOf(own, other).values) assert.ok(Math.abs(v) < 1e-6);
});

test("a scale from −a to a is around 0, any other one rises, none is a chance", () => {
  const theme = { ramp: [0], change: [1], rising: [2] };
  const look = (scale) => [shadesOf(scale, theme).ramp[0], ...[-2, 0, 2].map(shadesOf(scale, theme).shade)];
  assert.deepEqual(look({ low: -2, high: 2 }), [1, 0, 3 * 128, 3 * 255]);
  assert.deepEqual(look({ low: 0, high: 4 }), [2, 0, 0, 3 * 128]);
  assert.deepEqual(look(null), [0, 0, 0, 3 * 255]);
});

test("row 0 is painted at the bottom, spread pulls toward grey, NaN is left out", () => {
  const ramp = Uint8ClampedArray.from({ length: 768 }, (_, k) => Math.floor(k / 3));
  const theme = { ramp, grey: "#808080" };
  const bytes = new Uint8ClampedArray(160 * 160 * 4);
  const values = (list) => Object.assign(Float32Array.from(list), { shape: [2, 2] });
  paintPixels(bytes, { values: values([0, 0, 1, 1]), spread: null }, theme);
  assert.deepEqual([bytes[0], bytes[bytes.length - 4]], [255, 0]);
  const spread = Object.assign(new Uint8Array(4).fill(255), { shape: [2, 2] });
  paintPixels(bytes, { values: values([0, 0, 1, 1]), spread }, theme);
  assert.ok(bytes[0] < 160 && bytes[bytes.length - 4] > 90);
  paintPixels(bytes, { values: values([NaN, NaN, NaN, NaN]), spread: null }, theme);
  assert.equal(bytes[3], 0);
});

test("nearestIndex finds the closest value, -1 of none", () => {
  assert.equal(nearestIndex([0, 10, 20], 14), 1);
  assert.equal(nearestIndex([], 1), -1);
});
