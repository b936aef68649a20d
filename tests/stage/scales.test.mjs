import assert from "node:assert/strict";
import { test } from "node:test";
import "./words.mjs";
import * as s from "../../sbkit/lab/stage/scales.js";

test("a scale maps its ends to its pixels and back", () => {
  for (const [low, high, log] of [[-1, 3, false], [1e-4, 10, true]]) {
    const scale = s.makeScale(low, high, 300, 20, log);
    assert.equal(scale(low), 300);
    assert.ok(Math.abs(scale(high) - 20) < 1e-9);
    assert.ok(Math.abs(scale.invert(scale(0.5)) - 0.5) < 1e-9);
  }
});

test("steps are 1, 2 or 5 times a power of ten", () => {
  for (const [span, count, step] of [[1, 5, 0.2], [1000, 6, 200], [0.03, 3, 0.01], [7, 10, 1], [2.1, 4, 1]]) {
    assert.ok(Math.abs(s.niceStep(span, count) - step) < 1e-12 * step, `${span} in ${count}`);
  }
});

test("ticks lie inside the range, zero is exactly zero", () => {
  assert.deepEqual(s.ticksOf(-0.2, 0.6, 4).map((v) => Number(v.toFixed(6))), [-0.2, 0, 0.2, 0.4, 0.6]);
  assert.ok(s.ticksOf(-0.3, 0.3, 6).includes(0));
  assert.deepEqual(s.ticksOf(1e-3, 1, 5, true).map((v) => Number(v.toPrecision(3))), [0.001, 0.01, 0.1, 1]);
  assert.deepEqual(s.ticksOf(0.1, 1, 5, true).map((v) => Number(v.toPrecision(3))), [0.1, 0.2, 0.5, 1]);
  assert.ok(s.ticksOf(1e-12, 1, 5, true).length <= 6);
});

test("ticks share their decimals", () => {
  assert.deepEqual([0, 0.5, 1].map((v) => s.formatTick(v, 0.5)), ["0.0", "0.5", "1.0"]);
  assert.equal(s.formatTick(-1000, 500), "−1,000");
  assert.equal(s.formatTick(1e-5), "1e−5");
  assert.deepEqual([0, 5e-10].map((v) => s.formatTick(v, 5e-10)), ["0", "5e−10"]);
  assert.equal(s.formatTick(0, 1e-4), "0.0000");
});

test("values are told with three digits and their unit", () => {
  for (const [v, text] of [[0.48214, "0.482"], [12345, "12,345"], [1.23e-6, "1.2e−6"], [NaN, "–"], [-Infinity, "−∞"], [0, "0"]]) {
    assert.equal(s.formatValue(v), text);
  }
  assert.equal(s.withUnit(0.5, { unit: "nats" }), "0.5 nats");
});

test("extents skip what is not finite, and what a log axis cannot show", () => {
  assert.deepEqual(s.extentOf([[1, NaN, 3], null, [-2]]), [-2, 3]);
  assert.deepEqual(s.extentOf([[0, 0.1, 3]], true), [0.1, 3]);
});

test("ranges only grow, to nice bounds, and obey fixed ends", () => {
  const axis = { low: null, high: null, log: false };
  let range = s.growRange(undefined, [0.1, 0.69], axis);
  assert.ok(range[0] === 0 && Math.abs(range[1] - 0.8) < 1e-9);
  assert.deepEqual(s.growRange(range, [0.2, 0.3], axis), range);
  range = s.growRange(range, [-0.05, 0.9], axis);
  assert.ok(range[0] <= -0.05 && range[1] >= 0.9);
  assert.deepEqual(s.growRange(undefined, [5, 7], { low: 0, high: 1, log: false }), [0, 1]);
  assert.deepEqual(s.growRange(undefined, [0.004, 0.69], { log: true }).map((v) => Number(v.toPrecision(3))), [0.001, 1]);
  assert.deepEqual(s.growRange([-0.1, 0.5], [0, 0.58], { low: 0, high: 0.6 }), [-0.1, 0.6]); // own ends may move, never inward
  assert.deepEqual(s.growRange(undefined, [1, 100], { low: 1, high: null }), [1, 100]);
  assert.ok(Math.abs(s.growRange(undefined, [0.69, 0.7], { low: 0, high: null })[1] - 0.8) < 1e-9);
  for (const none of [[Infinity, -Infinity], [0, 0], [3, 3], [-2, -2]]) {
    const [low, high] = s.growRange(undefined, none, axis);
    assert.ok(low < high, `${none}`);
  }
});

test("the diverging ramp goes from blue over neutral to orange", () => {
  const ramp = s.divergingColours([[0, 0, 255], [255, 255, 255], [255, 128, 0]], 10);
  assert.equal(ramp.length, 768);
  assert.ok(ramp[2] > ramp[0] && ramp[765] > ramp[767]);
  assert.deepEqual(s.hexToRgb("#0072b2"), [0, 114, 178]);
});
