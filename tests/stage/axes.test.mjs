import assert from "node:assert/strict";
import { test } from "node:test";
import "./words.mjs";
import { namesLayout, shortened } from "../../sbkit/lab/stage/axes.js";

test("a page of text is cut to its room without being measured letter by letter", () => {
  const measured = [];
  const ctx = { measureText: (text) => ({ width: measured.push(text.length) && text.length }) };
  assert.equal(shortened(ctx, "x".repeat(10_000), 5), "xxxx…");
  assert.ok(measured.length < 250 && Math.max(...measured) < 250, "each costs its length, in every frame");
  assert.equal(shortened(ctx, "slabs", 5), "slabs");
});

test("names of bars are counted through where a sidebar leaves them no room at all", () => {
  const ctx = { measureText: (text) => ({ width: 6 * text.length }) };
  for (const slot of [1, 0, -5]) assert.ok(namesLayout(ctx, ["linear", "slab"], slot).every >= 1, `${slot}`);
});
