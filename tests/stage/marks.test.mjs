import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import "./words.mjs";
import { linesPainter } from "../../sbkit/lab/stage/lines.js";
import { MARKS, markedPoints, markOf, traceMark } from "../../sbkit/lab/stage/marks.js";
import { divergingColours, hexToRgb, inkOn, luminanceOf, risingColours } from "../../sbkit/lab/stage/scales.js";

/** The colours of the style sheet, light and dark, by name. */
const css = readFileSync(new URL("../../sbkit/lab/stage/stage.css", import.meta.url), "utf8");
const colours = (text) => Object.fromEntries([...text.matchAll(/--sb-(\w+):.*?(#[0-9a-f]{6})\)*;/g)].map(([, name, hex]) => [name, hexToRgb(hex)]));
const light = colours(css.slice(0, css.indexOf("@media")));
const dark = { ...light, ...colours(css.slice(css.indexOf("@media"), css.indexOf("[theme="))), ...colours(css.slice(css.indexOf(".sb-dark"), css.indexOf("\n}", css.indexOf(".sb-dark")))) };
const ratio = (one, other) => {
  const [low, high] = [luminanceOf(one), luminanceOf(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
};
const lightness = (colour) => 116 * Math.cbrt(luminanceOf(colour)) - 16; // CIE L*
const ends = (table) => [0, 765].map((k) => [...table.subarray(k, k + 3)]);

for (const [name, theme] of Object.entries({ light, dark })) {
  const ramps = { chance: divergingColours([theme.cold, theme.neutral, theme.orange]), rising: risingColours([theme.low, theme.blue, theme.high]) };

  test(`${name}: text on paper, on striped rows and on every tile has contrast 4.5`, () => {
    for (const ink of ["ink", "muted", "warn"]) for (const paper of ["paper", "hover"]) {
      const got = ratio(theme[ink], theme[paper]);
      assert.ok(got >= 4.5, `${ink} on ${paper}: ${got}`);
    }
    for (const ramp of Object.values(ramps)) for (let k = 0; k < 768; k += 3) {
      const tile = ramp.subarray(k, k + 3);
      assert.ok(ratio(tile, hexToRgb(inkOn(tile))) >= 4.5, `${tile}`);
    }
  });

  test(`${name}: in grey the ends of a scale differ`, () => {
    for (const ramp of Object.values(ramps)) {
      const [low, high] = ends(ramp).map(lightness);
      assert.ok(Math.abs(low - high) >= 15, `${low} ${high}`);
    }
  });

  test(`${name}: what is ringed by focus shows it with contrast 3`, () => {
    assert.ok(ratio(theme.blue, theme.paper) >= 3);
  });
}

test("five marks differ in shape", () => {
  const shapes = MARKS.map((mark) => {
    const path = [];
    const keep = (name) => (...given) => path.push([name, ...given]);
    traceMark({ moveTo: keep("move"), lineTo: keep("line"), arc: keep("arc"), closePath: keep("close") }, mark, 10, 10, 3);
    return JSON.stringify(path);
  });
  assert.equal(new Set(shapes).size, 5);
});

test("marks stand about evenly, those of two lines beside each other", () => {
  const pixels = Array.from({ length: 400 }, (_, k) => k);
  const [one, other] = [0, 1].map((k) => markedPoints(pixels, k));
  assert.deepEqual(one, [64, 128, 192, 256, 320, 384]);
  assert.ok(other.every((at, k) => at !== one[k]) && other.length >= 6);
  assert.deepEqual(markedPoints([0, 100, 200], 0), [1, 2], "few points, each with its mark");
});

test("the legend shows the shape of each of several lines, and none of a single one", () => {
  const line = (name) => ({ name, dash: false, x: [0, 1], y: [0, 1], low: null, high: null, start: null });
  const shapes = (...names) => linesPainter.legend({ title: "Curves", y: { label: "height" }, lines: names.map(line) }, { series: ["blue", "orange"] }, {}).map(({ shape }) => shape);
  assert.deepEqual(shapes("a", "b"), ["circle", "square"]);
  assert.deepEqual(shapes("a"), [null]);
  assert.deepEqual(shapes("curve"), []); // the title says it
});

test("no two of twenty-five lines share both colour and shape", () => {
  const looks = Array.from({ length: 25 }, (_, k) => `${k % 5} ${markOf(k)}`);
  assert.equal(new Set(looks).size, 25);
});
