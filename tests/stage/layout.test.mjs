// The places of the pictures: all in sight on a laptop, the main one the largest, none below another's.

import assert from "node:assert/strict";
import { test } from "node:test";
import { layoutOf } from "../../sbkit/lab/stage/layout.js";

const LAPTOP = 914; // pixels across, in JupyterLab with its file browser open, of a window of 1366
const USED = 100; // pixels of dials, controls and words
const cases = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16].flatMap((count) => [340, 700, LAPTOP, 1180, 1500, 2380].flatMap((width) =>
  [1, 2].filter((mains) => mains <= count).map((mains) => ({ count, width, mains }))));

/** How many cells of the grid are taken, as the browser fills it. */
function fill({ weights, rows, spans }) {
  const taken = Array.from({ length: rows }, () => weights.map(() => false));
  for (const [high, wide] of spans) {
    const fits = (i, j) => i + high <= rows && j + wide <= weights.length && taken.slice(i, i + high).every((row) => !row.slice(j, j + wide).some(Boolean));
    const at = taken.flatMap((row, i) => row.map((_, j) => [i, j])).find(([i, j]) => fits(i, j));
    assert.ok(at, "every picture has a place");
    for (const row of taken.slice(at[0], at[0] + high)) row.fill(true, at[1], at[1] + wide);
  }
  return taken;
}

for (const { count, width, mains } of cases) {
  test(`${count} pictures, ${mains} of them large, on ${width} pixels`, () => {
    const layout = layoutOf(count, width, USED, mains);
    const { weights, rows, height, spans } = layout;
    assert.equal(spans.length, count);
    const taken = fill(layout);
    if (count !== mains) assert.ok(taken.flat().filter((cell) => !cell).length < weights.length, "hardly a place is left empty");
    if (width < 560) assert.equal(weights.length, 1);
    if (width >= 900 && count >= 3) assert.ok(weights.length >= 3, "three columns or more");
    if (width < 880 || width > 1300) return;
    if (count <= 7) assert.ok(height + USED <= (count <= 3 ? 460 : 560), "seen at once on a laptop");
    assert.ok(height / rows >= 100, "no picture is lower than its letters need");
    const area = ([high, wide], k) => (high / rows) * (wide === 1 && k === 0 ? weights[0] : wide * weights.at(-1));
    const areas = spans.map(area);
    if (count <= 7) assert.equal(Math.max(...areas), areas[0], "the main picture is the largest");
  });
}

test("many dials never leave pictures that are too low to be read", () => {
  const { height, rows } = layoutOf(6, LAPTOP, 500);
  assert.ok(height / rows >= 100);
});
