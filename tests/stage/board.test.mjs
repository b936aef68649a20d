import assert from "node:assert/strict";
import { test } from "node:test";
import "./words.mjs";
import { placed, pointsOf, touched } from "../../sbkit/lab/stage/board.js";

test("six points lie around a dab, none further than .07, elsewhere turned otherwise", () => {
  const points = pointsOf([0.5, -0.2, 1]);
  assert.equal(points.length, 6);
  for (const [x, y] of points) assert.ok(Math.hypot(x - 0.5, y + 0.2) < 0.07);
  assert.notDeepEqual(pointsOf([0, 0]), pointsOf([0.1, 0]).map(([x, y]) => [x - 0.1, y]));
});

test("a place is on the board, to two decimals", () => {
  assert.deepEqual(placed(0.123456, -0.5), [0.12, -0.5]);
  assert.deepEqual(placed(3, -3), [0.93, -0.93]);
});

test("a stroke leaves dabs all along, and none twice", () => {
  const stroke = touched([], 1, [-0.8, 0], [0.8, 0]);
  assert.ok(stroke.length >= 15 && stroke.every(([, y, c]) => y === 0 && c === 1));
  assert.equal(touched(stroke, 1, [0, 0], [0, 0]), stroke, "where there is paint nothing changes");
  assert.equal(touched(stroke, 0, [0, 0], [0, 0]).length, stroke.length + 1, "another class may lie above");
});

test("the eraser takes what is near, of both classes", () => {
  const dabs = [[0, 0, 0], [0.05, 0, 1], [0.5, 0.5, 1]];
  assert.deepEqual(touched(dabs, 2, [0, 0], [0, 0]), [[0.5, 0.5, 1]]);
  assert.equal(touched(dabs, 2, [-0.5, 0], [-0.5, 0]), dabs);
});

test("a full board takes no more", () => {
  const full = Array.from({ length: 500 }, () => [0.9, 0.9, 0]);
  assert.equal(touched(full, 1, [0, 0], [0, 0]), full);
});
