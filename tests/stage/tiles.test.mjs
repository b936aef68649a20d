import assert from "node:assert/strict";
import { test } from "node:test";
import "./words.mjs";
import { placeOf } from "../../sbkit/lab/stage/bars.js";
import { tileAfter, tileAt, middleOf } from "../../sbkit/lab/stage/tiles.js";
import { risingColours } from "../../sbkit/lab/stage/scales.js";

const BOX = { left: 50, top: 20, width: 300, height: 100 };
const PLOT = { values: Object.assign(new Float32Array(6), { shape: [2, 3] }) };

test("a point lies in a tile, row 0 lowest, or in none", () => {
  assert.deepEqual(tileAt(BOX, PLOT, [51, 119]), [0, 0]);
  assert.deepEqual(tileAt(BOX, PLOT, [349, 21]), [1, 2]);
  for (const outside of [[49, 60], [351, 60], [100, 19], [100, 121]]) assert.equal(tileAt(BOX, PLOT, outside), null);
});

test("the middle of every tile lies in it", () => {
  for (const tile of [[0, 0], [1, 1], [1, 2]]) assert.deepEqual(tileAt(BOX, PLOT, middleOf(BOX, PLOT, tile)), tile);
});

test("arrow keys lead to the next tile, as far as there is one; others nowhere", () => {
  assert.deepEqual(tileAfter(PLOT, null, "ArrowDown"), [1, 0]);
  assert.deepEqual(tileAfter(PLOT, [0, 0], "ArrowUp"), [1, 0]);
  assert.deepEqual(tileAfter(PLOT, [1, 2], "ArrowRight"), [1, 2]);
  assert.deepEqual(tileAfter(PLOT, [1, 2], "ArrowLeft"), [1, 1]);
  assert.equal(tileAfter(PLOT, [0, 0], "Enter"), undefined);
});

test("bars of two sides are two blocks of the same names", () => {
  const plot = { names: ["a", "b", "a", "b"], sides: ["A", "B"] };
  assert.deepEqual([0, 1, 2, 3].map((k) => placeOf(plot, k).side), [0, 0, 1, 1]);
  assert.deepEqual([0, 1, 2, 3].map((k) => placeOf(plot, k).slot), [0, 1, 0, 1]);
  assert.deepEqual(placeOf({ names: ["a", "b"] }, 1), { side: 0, slot: 1, count: 2 });
});

test("rising colours rise in lightness too", () => {
  const table = risingColours([[225, 238, 246], [0, 114, 178], [26, 26, 26]]);
  const light = Array.from({ length: 256 }, (_, k) => 0.299 * table[3 * k] + 0.587 * table[3 * k + 1] + 0.114 * table[3 * k + 2]);
  for (let k = 1; k < 256; k++) assert.ok(light[k] <= light[k - 1] + 1);
  assert.ok(light[0] - light[127] > 80 && light[127] - light[255] > 40);
});
