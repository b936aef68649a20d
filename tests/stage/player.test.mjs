import assert from "node:assert/strict";
import { test } from "node:test";
import "./words.mjs";
import { Player } from "../../sbkit/lab/stage/player.js";
import { Recording } from "../../sbkit/lab/stage/recording.js";

/** A player with a clock and a list of what it has sent. */
function setUp(ahead = 1) {
  const sent = [];
  const clock = { t: 0 };
  return { player: new Player((message) => sent.push(message), () => clock.t, ahead), sent, clock };
}

function frame(step, changes = {}) {
  const line = { name: "train", x: [step], y: [step / 10], low: null, high: null };
  const table = { names: [step], blocks: [[step / 10]] };
  const plots = [{ shape: "lines", name: "loss", grows: true, lines: [line], table }];
  return { type: "frame", run: 1, step, steps: 100, state: step ? "Training" : "Ready", reason: "", moving: true, pushed: false, plots, ...changes };
}

const standing = (step, changes) => frame(step, { moving: false, ...changes });
const types = (sent) => sent.map((message) => message.type);

test("running asks for the next frame whenever one has come, one at a time", () => {
  const { player, sent } = setUp();
  player.request("look");
  player.receive(standing(0));
  assert.equal(player.words()[0], "Ready");
  player.run();
  player.run();
  assert.deepEqual(sent, [{ type: "look" }, { type: "advance", seconds: 0.022, frames: 2, paced: 1 }]);
  player.receive(frame(5));
  assert.equal(sent.length, 3);
  assert.equal(player.words()[0], "Training");
  player.speed = "slow";
  player.receive(frame(10));
  assert.deepEqual(sent[3], { type: "advance", steps: 1 });
});

test("while a hand is on a dial training makes way", () => {
  const { player, sent, clock } = setUp(2);
  player.run();
  player.touch();
  player.receive(frame(5, { more: 1 }));
  assert.equal(sent.length, 1, "one request is enough");
  player.receive(frame(10));
  assert.deepEqual(sent[1], { type: "advance", steps: 1 });
  clock.t = 2000;
  player.receive(frame(11));
  assert.deepEqual(sent.slice(2), [{ type: "advance", seconds: 0.022, frames: 2, paced: 1 }]);
});

test("pause is at once and asks once for the sharp standing frame", () => {
  const { player, sent, clock } = setUp();
  player.run();
  player.pause();
  assert.equal(player.view().running, false);
  player.receive(frame(5));
  player.receive(standing(5));
  clock.t = 2000;
  player.tick();
  assert.deepEqual(types(sent), ["advance", "look"]);
  assert.equal(player.words()[0], "Paused");
  assert.equal(player.recording.frames.length, 1);
});

test("a step settles into one standing frame", () => {
  const { player, sent, clock } = setUp();
  player.step();
  player.receive(frame(1));
  player.tick();
  assert.deepEqual(types(sent), ["advance"]);
  clock.t = 400;
  player.tick();
  player.receive(standing(1));
  clock.t = 900;
  player.tick();
  assert.deepEqual(types(sent), ["advance", "look"]);
});

test("done stops, looks once, and running again rewinds first", () => {
  const { player, sent } = setUp();
  player.run();
  player.receive(frame(100, { state: "Done", reason: "all 100 steps done" }));
  player.receive(standing(100, { state: "Done", reason: "all 100 steps done" }));
  assert.deepEqual(types(sent), ["advance", "look"]);
  assert.deepEqual(player.words(), ["Done", "all 100 steps done"]);
  player.run();
  player.receive(standing(0, { run: 2 }));
  assert.deepEqual(types(sent).slice(2), ["rewind", "advance"]);
  assert.equal(player.recording.frames.length, 1);
});

test("a restart while running counts both answers and stands at step 0", () => {
  const { player, sent } = setUp();
  player.run();
  player.restart("seed");
  player.receive(frame(5));
  player.receive(standing(0, { run: 2 }));
  assert.deepEqual(types(sent), ["advance", "seed"]);
  assert.deepEqual(player.inflight, []);
  assert.equal(player.words()[0], "Ready");
});

test("a dial: refresh when idle, the next advance when running, once for many moves", () => {
  const { player, sent, clock } = setUp();
  for (let k = 0; k < 50; k++) player.receive({ type: "dirty" });
  assert.deepEqual(types(sent), ["refresh"]);
  player.receive(standing(0, { run: 2 }));
  assert.deepEqual(types(sent), ["refresh", "refresh"]);
  player.receive(standing(0, { run: 3 }));
  clock.t = 400;
  player.tick();
  assert.equal(sent.pop().type, "look");
  player.receive(standing(0, { run: 3 }));
  player.run();
  player.receive({ type: "dirty" });
  player.receive(frame(0, { run: 4 }));
  assert.deepEqual(types(sent).slice(2), ["advance", "advance"]);
});

test("the watchdog says so after five seconds and goes on when an answer comes", () => {
  const { player, sent, clock } = setUp();
  player.run();
  clock.t = 5001;
  player.tick();
  assert.equal(player.words()[0], "No answer from the kernel");
  assert.ok(player.view().stale && !player.view().moving);
  player.receive(frame(5)); // late; what was asked for since is still to be answered
  assert.deepEqual([player.words()[0], ...player.inflight], ["Training", "look"]);
  player.receive(standing(5));
  assert.deepEqual(types(sent), ["advance", "look", "advance"]);
});

test("a connection cut for long is asked again, less and less often, and training goes on when it is back", () => {
  const { player, sent, clock } = setUp();
  player.run();
  for (clock.t = 0; clock.t <= 60_000; clock.t += 250) player.tick();
  assert.deepEqual(types(sent), ["advance", "look", "look", "look"], "after 5, 15 and 35 seconds");
  assert.deepEqual(player.inflight, ["look"]);
  for (let k = 0; k < 3; k++) player.receive(standing(5));
  assert.deepEqual(types(sent).slice(4), ["advance"]);
  assert.deepEqual(player.words(), ["Training", ""]);
});

test("a first frame stands while a cell runs for a minute: no alarm, nothing is asked twice", () => {
  const { player, sent, clock } = setUp();
  player.receive(standing(0, { pushed: true }));
  player.request("look");
  for (; clock.t <= 60_000; clock.t += 250) player.tick(true, true);
  assert.deepEqual(types(sent), ["look"]);
  assert.deepEqual(player.words(), ["Ready", ""]);
  assert.equal(player.view().frame.step, 0);
});

for (const [what, act, asked] of [
  ["Run", (p) => p.run(), ["look", "advance"]],
  ["Step", (p) => p.step(), ["look", "advance"]],
  ["New seed", (p) => p.restart("seed"), ["look", "seed"]],
  ["a dial", (p) => p.touch(), ["look"]],
]) {
  test(`${what}, while a cell runs, waits in words and goes on by itself`, () => {
    const { player, sent, clock } = setUp();
    player.receive(standing(0, { pushed: true }));
    player.request("look");
    for (; clock.t <= 20_000; clock.t += 250) player.tick(true, true);
    act(player);
    player.tick(true, true);
    assert.notEqual(player.words()[0], "Busy");
    for (; clock.t <= 40_000; clock.t += 250) player.tick(true, true);
    assert.deepEqual(player.words(), ["Busy", "waiting for the cell that is running"]);
    player.receive(standing(0));
    player.tick(true, false);
    assert.deepEqual(types(sent), asked);
    assert.notEqual(player.words()[0], "Busy");
  });
}

test("a kernel that works long on a request itself is not told to run a cell", () => {
  const { player, clock } = setUp();
  player.receive(standing(0, { pushed: true }));
  player.run();
  player.taken = true;
  for (; clock.t <= 4000; clock.t += 250) player.tick(true, true);
  assert.equal(player.words()[0], "Training");
});

test("frames that a cell pushes play, in words too, and end with the run", () => {
  const { player, sent, clock } = setUp();
  player.receive(standing(0, { pushed: true }));
  player.request("look");
  for (const step of [10, 20, 30]) {
    clock.t += 200;
    player.tick(true, true);
    player.receive(frame(step, { pushed: true }));
    assert.equal(player.words()[0], "Training");
    assert.equal(player.view().moving, true);
  }
  player.receive(standing(100, { pushed: true, state: "Done", reason: "all 100 steps done" }));
  assert.deepEqual(player.words(), ["Done", "all 100 steps done"]);
  assert.deepEqual([types(sent), player.recording.frames.length], [["look"], 5]);
});

test("a loop that a cell leaves is a pause, seen sharply once", () => {
  const { player, sent, clock } = setUp();
  player.receive(frame(10, { pushed: true }));
  for (; clock.t < 4000; clock.t += 250) player.tick(true, true);
  assert.deepEqual([player.words()[0], types(sent)], ["Paused", ["look"]]);
});

test("a look that nobody asked for may be lost in silence", () => {
  const { player, sent, clock } = setUp();
  player.receive(standing(0, { pushed: true }));
  player.request("look");
  for (; clock.t <= 16_000; clock.t += 250) player.tick();
  assert.deepEqual([types(sent), player.words()[0]], [["look", "look", "look"], "Ready"]);
  player.run();
  assert.equal(player.words()[0], "No answer from the kernel");
});

test("a kernel that is gone: said at once, also of a run that stands, and nothing is asked of it", () => {
  const { player, sent } = setUp();
  player.run();
  player.receive(frame(5));
  player.setGone(true);
  player.setGone(true);
  for (const act of ["run", "pause", "step", "tick"]) player[act]();
  player.restart("seed");
  assert.equal(sent.length, 2);
  assert.equal(player.words()[0], "Stopped");
  const { stale, closed, moving, frame: kept } = player.view();
  assert.deepEqual([stale, closed, moving, kept.step], [true, true, false, 5]);
  player.setGone(false); // the same kernel after all
  assert.deepEqual(types(sent).slice(2), ["look"]);
});

test("lost answers do not leave two requests in the air", () => {
  const { player, sent, clock } = setUp();
  player.run();
  clock.t = 6000;
  player.tick();
  player.pause();
  player.run();
  assert.deepEqual(types(sent), ["advance", "look"], "asked again by itself");
  player.receive(frame(5)); // late
  assert.deepEqual(player.inflight, ["look"]);
  player.receive(standing(5));
  assert.deepEqual(player.inflight, ["advance"]);
});

test("hidden: asks for nothing, says so, goes on when seen", () => {
  const { player, sent } = setUp();
  player.run();
  player.setHidden(true);
  player.receive(frame(5));
  assert.equal(sent.length, 1);
  assert.deepEqual(player.words(), ["Paused", "while it is out of sight"]);
  player.setHidden(false);
  assert.equal(sent.length, 2);
});

test("closed: stopped for good", () => {
  const { player, sent } = setUp();
  player.run();
  player.receive({ type: "closed" });
  player.receive(frame(5));
  player.run();
  player.step();
  assert.equal(sent.length, 1);
  assert.equal(player.words()[0], "Stopped");
});

test("an error ends the run and keeps the last picture, marked as stale", () => {
  const { player } = setUp();
  player.run();
  player.receive(frame(5));
  player.receive(standing(0, { run: 2, state: "Error", reason: "lr is positive, got -1.", plots: [] }));
  assert.deepEqual(player.words(), ["Error", "lr is positive, got -1."]);
  assert.equal(player.view().frame.step, 5);
  assert.ok(player.view().stale);
  assert.equal(player.running, false);
});

for (const kind of ["code", "replay"]) {
  test(`an error answers a request for ${kind} too`, () => {
    const { player, sent } = setUp();
    player.request(kind);
    player.step();
    player.receive(standing(0, { state: "Error", reason: "a lesson that fails" }));
    assert.deepEqual(player.inflight, ["advance"]);
    player.receive(frame(1));
    player.run();
    assert.deepEqual(types(sent), [kind, "advance", "advance"]);
  });
}

test("code and replay answers do not disturb the pull", () => {
  const { player, sent } = setUp();
  player.run();
  player.request("code");
  player.receive(frame(5));
  player.receive({ type: "code", texts: {} });
  assert.deepEqual(types(sent), ["advance", "code", "advance"]);
  player.receive(frame(9, { pushed: true }));
  assert.deepEqual(player.inflight, ["advance"]);
});

test("scrubbing pauses, shows the past with its curve, and the pin keeps it", () => {
  const { player } = setUp();
  player.run();
  for (const step of [1, 2, 3, 4]) player.receive(frame(step));
  player.scrub(1);
  assert.equal(player.running, false);
  assert.deepEqual([...player.view().frame.plots[0].lines[0].x], [1, 2]);
  player.togglePin();
  player.scrub(3);
  assert.deepEqual([...player.view().frame.plots[0].lines[0].x], [1, 2, 3, 4]);
  assert.deepEqual([...player.view().frame.plots[0].table.names], [1, 2, 3, 4]);
  assert.deepEqual([...player.view().pinned.plots[0].lines[0].x], [1, 2]);
  player.receive(standing(0, { run: 2 }));
  assert.equal(player.view().pinned.step, 2);
  player.togglePin();
  assert.equal(player.view().pinned, null);
});

test("a recording is thinned, keeps its first and last frame and forgets on a new run", () => {
  const recording = new Recording(40);
  for (let step = 0; step <= 1000; step++) recording.add(frame(step));
  assert.ok(recording.frames.length <= 40);
  assert.equal(recording.frames[0].step, 0);
  assert.equal(recording.frames.at(-1).step, 1000);
  const steps = recording.frames.map((f) => f.step);
  assert.deepEqual(steps, [...steps].sort((a, b) => a - b));
  recording.add(frame(0, { run: 2 }));
  assert.equal(recording.frames.length, 1);
});

test("a sharp frame replaces the moving one of its step, also in the joined curve", () => {
  const recording = new Recording();
  recording.add(frame(1));
  recording.add(frame(2));
  recording.add(standing(2));
  assert.equal(recording.frames.length, 2);
  assert.equal(recording.joined(1).moving, false);
  assert.deepEqual([...recording.joined(1).plots[0].lines[0].x], [1, 2]);
  assert.equal(new Recording().joined(-1), undefined);
});

test("curves are joined by their names, though a plot comes and goes before them", () => {
  const recording = new Recording();
  const other = { shape: "field", name: "difference" };
  recording.add(frame(1));
  const second = frame(2);
  recording.add({ ...second, plots: [other, ...second.plots] });
  assert.deepEqual([...recording.joined(1).plots[1].lines[0].x], [1, 2]);
});

test("two advances are under way, so that Python trains while the page draws", () => {
  const { player, sent, clock } = setUp(2);
  player.speed = "fast";
  player.run();
  assert.deepEqual(types(sent), ["advance", "advance"]);
  player.receive(frame(5));
  assert.equal(sent.length, 3);
  player.pause();
  assert.equal(player.words()[0], "Paused");
  player.receive(frame(10));
  player.receive(frame(15));
  player.receive(standing(15));
  clock.t = 2000;
  player.tick();
  assert.deepEqual(types(sent), ["advance", "advance", "advance", "look"]);
  assert.deepEqual(player.inflight, []);
});

test("one request brings several frames; the next is made when the last of them is due", () => {
  const { player, sent } = setUp(2);
  player.run();
  assert.equal(sent.length, 1);
  for (const [k, more, asked] of [[1, 1, 2], [2, 0, 2], [3, 1, 3], [4, 0, 3]]) {
    player.receive(frame(k, { more }));
    assert.deepEqual([sent.length, player.inflight.length], [asked, asked - Math.floor(k / 2)], `frame ${k}`);
  }
  player.receive(frame(5, { state: "Error", reason: "Interrupted", moving: false })); // no `more`: the rest does not come
  assert.deepEqual([player.inflight, player.words()[0]], [[], "Error"]);
});

test("paused between the frames of a request, it takes them all before it looks", () => {
  const { player, sent } = setUp(2);
  player.run();
  player.receive(frame(1, { more: 1 }));
  player.pause();
  for (const k of [2, 3, 4]) player.receive(frame(k, { more: k % 2 }));
  assert.deepEqual([types(sent), player.inflight], [["advance", "advance", "look"], ["look"]]);
  player.receive(standing(4));
  assert.deepEqual([player.inflight, player.words()[0], player.view().frame.step], [[], "Paused", 4]);
});

test("what was asked for before an error does not hide it", () => {
  const { player } = setUp(2);
  player.speed = "fast";
  player.run();
  player.receive(frame(5, { state: "Error", reason: "Interrupted" }));
  player.receive(frame(10));
  assert.deepEqual(player.words(), ["Error", "Interrupted"]);
  player.run();
  player.receive(frame(15));
  assert.equal(player.words()[0], "Training");
});

test("a value that is refused stays told until the reader does something", () => {
  const { player, sent, clock } = setUp();
  const error = { state: "Error", reason: "lr is at most 1e6." };
  player.receive({ type: "dirty" });
  player.receive(standing(5, error));
  player.run();
  player.receive(frame(6, error));
  for (; clock.t < 3000; clock.t += 250) player.tick();
  assert.deepEqual(types(sent), ["refresh", "advance"]);
  assert.deepEqual(player.words(), ["Error", "lr is at most 1e6."]);
  player.step();
  player.receive(frame(7));
  assert.equal(player.words()[0], "Paused");
});

test("done with another advance under way still looks once", () => {
  const { player, sent } = setUp(2);
  player.speed = "fast";
  player.run();
  const done = { state: "Done", reason: "all 100 steps done" };
  player.receive(frame(100, done));
  player.receive(frame(100, done));
  player.receive(standing(100, done));
  assert.deepEqual(types(sent), ["advance", "advance", "look"]);
});

test("a panel that nobody touched for as long as the room allows rests, says so, and goes on by Run", () => {
  const { player, sent, clock } = setUp();
  player.allowed = 10;
  player.run();
  clock.t = 6000;
  player.wake();
  clock.t = 16_000;
  player.receive(frame(4));
  player.tick();
  assert.equal(player.running, true);
  player.receive(frame(5));
  clock.t = 16_001;
  player.tick();
  assert.deepEqual(types(sent).slice(-2), ["advance", "look"]);
  const rests = ["Stopped", "nobody touched it for 10 s; press Run to go on"];
  player.receive(frame(8));
  player.receive(standing(8));
  assert.deepEqual(player.words(), rests);
  player.run();
  assert.equal(player.words()[0], "Training");
});

test("a run that the room stopped is asked for no more, and says why until it is another run", () => {
  const { player, sent, clock } = setUp();
  const stopped = { state: "Stopped", reason: "this room allows 60 s" };
  player.run();
  player.receive(frame(5, stopped));
  assert.deepEqual([player.running, types(sent)], [false, ["advance"]]);
  clock.t = 1000;
  player.tick();
  player.receive(standing(5, stopped));
  assert.deepEqual(player.words(), ["Stopped", "this room allows 60 s"]);
  player.restart("rewind");
  player.receive(standing(0, { run: 2 }));
  assert.equal(player.words()[0], "Ready");
});

test("a build that takes longer than a blink is told, whatever asked for it, until its frame comes", () => {
  for (const ask of [(p) => p.restart("rewind"), (p) => p.restart("seed"), (p) => p.restart("data"), (p) => p.receive({ type: "dirty" })]) {
    const { player, clock } = setUp();
    player.request("look");
    player.receive(standing(0));
    ask(player);
    clock.t += 100;
    assert.equal(player.words()[0], "Ready");
    clock.t += 100;
    assert.equal(player.words()[0], "Building …");
    assert.equal(player.view().builds, true);
    player.receive(standing(0, { run: 2 }));
    assert.equal(player.words()[0], "Ready");
  }
});

test("the first opening is told too; a locked panel stays locked", () => {
  const { player, clock } = setUp();
  player.request("look");
  clock.t += 200;
  assert.equal(player.words()[0], "Building …");
  player.locked = "predict";
  assert.equal(player.words()[0], "Locked");
});

test("a kernel that says it builds is not taken for silent, and one that says nothing is", () => {
  const { player, clock } = setUp();
  player.request("look");
  player.receive(standing(0));
  player.restart("rewind");
  player.receive({ type: "building" });
  clock.t += 6000;
  player.tick();
  assert.equal(player.words()[0], "Building …");
  assert.equal(player.view().stale, false);
  player.receive(standing(0, { run: 2 }));
  assert.equal(player.words()[0], "Ready");
  player.restart("rewind");
  clock.t += 6000;
  player.tick();
  assert.equal(player.words()[0], "No answer from the kernel");
});

test("while it trains, a build begins when the kernel says so and ends with the next answer, an error too", () => {
  const { player, clock } = setUp();
  player.request("look");
  player.receive(standing(0));
  player.run();
  player.receive({ type: "dirty" });
  player.receive(frame(1));
  clock.t += 200;
  assert.equal(player.words()[0], "Training");
  player.receive({ type: "building" });
  clock.t += 200;
  assert.equal(player.words()[0], "Building …");
  player.receive(frame(0, { run: 2 }));
  assert.equal(player.words()[0], "Training");
  player.receive({ type: "building" });
  clock.t += 200;
  player.receive({ ...frame(0, { run: 2 }), state: "Error", reason: "too deep" });
  assert.equal(player.words()[0], "Error");
});
