import assert from "node:assert/strict";
import { test } from "node:test";
import { announcer } from "../../sbkit/lab/stage/live.js";

/** An announcer under a clock of its own; `pass(ms)` lets time go by. */
function setUp() {
  const [told, timers] = [[], []];
  let t = 0;
  const later = (act, wait) => timers.push({ act, at: t + wait });
  const say = announcer((text) => told.push([t, text]), () => t, later);
  const pass = (ms) => {
    const end = t + ms;
    for (timers.sort((a, b) => a.at - b.at); timers[0]?.at <= end;) ({ at: t } = timers[0]), timers.shift().act();
    t = end;
  };
  return { say, told, pass };
}

test("at most one message a second, and the latest is always told", () => {
  const { say, told, pass } = setUp();
  for (let k = 0; k < 300; k++) {
    say(`message ${k}`);
    pass(10);
  }
  pass(1000);
  const gaps = told.slice(1).map(([t], k) => t - told[k][0]);
  assert.ok(told.length >= 3 && Math.min(...gaps) >= 1000, `${gaps}`);
  assert.deepEqual([told[0], told.at(-1)[1]], [[0, "message 0"], "message 299"]);
});

test("what is over before it is told is left out, and nothing is told twice", () => {
  const { say, told, pass } = setUp();
  for (const text of ["Ready", "Ready", "Training", "Ready"]) say(text);
  pass(5000);
  say("Ready");
  say("Done");
  assert.deepEqual(told, [[0, "Ready"], [5000, "Done"]]);
});
