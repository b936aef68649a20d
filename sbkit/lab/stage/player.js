// player.js: the run-state machine behind the controls: what is asked of Python and which frame is shown. No DOM.
//
// Pull: nothing is trained unless asked for. Answers come in the order of the requests, one each, so `inflight`,
// the types of the unanswered requests, says what an answer answers. While running, two advances are asked for
// ahead, so that Python trains while the page draws; the next is asked for before an answer is drawn. One request
// brings several frames, the next is made when the last of them is due: at each, the page around us shows the kernel
// busy and idle again, which costs more than a frame. While a reader moves a dial it is one step at a time, so that
// little stands in the queue before the dial's new value. A kernel that runs a cell answers once that has ended: till
// then nothing is asked again, and nothing is said unless the reader has asked for something and waits.

import { Recording } from "./recording.js";
import { say } from "./words.js";

export const SPEEDS = { slow: { steps: 1 }, normal: { seconds: 0.022, frames: 2, paced: 1 }, fast: { seconds: 0.12 } };
const AHEAD = 2; // advances under way while running, the first of them at its last frame
const PATIENCE = 5000; // ms without an answer until the stage says so and asks again, then twice as long, and so on
const WAIT = 1000; // ms that a reader waits for an answer until the stage says why
const PUSHES = 3000; // ms after a frame that a cell pushed for which it is taken to train on
const TOUCH = 1000; // ms after the last touch of a dial for which training makes way
const ENDS = ["Done", "Error", "Stopped"]; // states that end a run until the reader wants it otherwise
const BUILDS = ["rewind", "seed", "data", "refresh", "pick"]; // requests for which Python calls the lesson
const FLASH = 150; // ms that a lesson may take to build its run before the stage says so
const SETTLE = 300; // ms after the last step or dial move until the sharp standing frame is asked for

export class Player {
  constructor(send, now = () => performance.now(), ahead = AHEAD) {
    Object.assign(this, { send, now, ahead, recording: new Recording(), speed: "normal", dirty: false });
    Object.assign(this, { inflight: [], more: 0, since: 0, settleAt: null, lost: false, patience: PATIENCE });
    Object.assign(this, { buildsSince: null, acknowledged: false, askedAt: null, cut: false, taken: false });
    Object.assign(this, { touchedAt: -Infinity, pushedAt: -Infinity, wokeAt: now(), allowed: Infinity, idle: false });
    Object.assign(this, { running: false, hidden: false, closed: false, gone: false, cell: false, locked: "" });
    Object.assign(this, { shown: null, pinned: null, difference: false });
    this.status = { state: "Ready", reason: "", step: 0, steps: 0 };
  }

  // what the reader does

  run() {
    if (this.over || this.locked) return;
    if (this.status.state === "Done") this.request("rewind");
    [this.running, this.shown, this.settleAt] = [true, null, null];
    if (!this.lost) this.inflight = this.inflight.filter((type) => type !== "look"); // its answer may come late
    this.askedAt ??= this.now();
    this.wake();
    this.next();
  }

  pause() {
    if (!this.running) return;
    this.running = false;
    if (!this.lost) this.request("look");
  }

  step() {
    if (this.locked) return;
    [this.running, this.shown] = [false, null];
    this.status = { ...this.status, state: "", reason: "" }; // an error told so far is over
    this.request("advance", { steps: 1 });
  }

  /** "rewind", "seed" or "data": a new run, standing at step 0. */
  restart(type) {
    if (this.locked) return;
    this.running = false;
    this.request(type);
  }

  scrub(index) {
    this.pause();
    this.shown = index >= this.recording.frames.length - 1 ? null : index;
  }

  /** Pin the frame in sight, or let go of the pinned one. */
  togglePin() {
    this.pinned = this.pinned ? null : this.view().frame ?? null;
    this.difference = false;
  }

  setHidden(hidden) {
    this.hidden = hidden;
    this.next();
  }

  /** Whether the kernel that held the run has ended or begun anew; a connection that is lost may come back. */
  setGone(gone) {
    if (gone === this.gone) return;
    Object.assign(this, { gone, running: false, inflight: [], buildsSince: null, acknowledged: false });
    if (!gone) this.request("look");
  }

  /** The reader's hand is on a dial. */
  touch() {
    this.touchedAt = this.now();
    if (this.cell) this.askedAt ??= this.now();
  }

  /** Somebody is here, and the room's time to rest begins anew. */
  wake() {
    this.wokeAt = this.now();
  }

  // what Python says; `taken` is true while the kernel works on a request

  request(type, details = {}) {
    if (this.over) return;
    if (type !== "look") [this.idle, this.askedAt] = [false, this.askedAt ?? this.now()];
    if (this.lost) this.inflight = []; // the answers may never come: start counting anew
    if (!this.inflight.length) this.since = this.now();
    if (BUILDS.includes(type) || !this.status.plots) this.buildsSince ??= this.now();
    this.inflight.push(type);
    this.settleAt = null;
    this.send({ type, ...details });
  }

  /** Take a message; asks for the next frame where one is due. */
  receive(message) {
    Object.assign(this, { lost: false, since: this.now(), patience: PATIENCE, askedAt: null, cut: false });
    if (message.type === "building") [this.buildsSince, this.acknowledged] = [this.buildsSince ?? this.now(), true];
    else if (message.type === "dirty") this.dirty = true;
    else if (message.type === "closed") [this.closed, this.running] = [true, false];
    else if (message.type === "frame") this.take(message, message.pushed ? null : this.answered(message));
    else {
      this.inflight.splice(this.inflight.indexOf(message.type) >>> 0, 1);
      if (this.acknowledged) [this.buildsSince, this.acknowledged] = [null, false];
    }
    this.next();
    if (this.inflight.some((asked) => asked !== "look")) this.askedAt ??= this.now();
  }

  /** The request that a frame answers; null for one left over from before a lost answer. */
  answered(frame) {
    if (frame.state === "Error" && ["code", "replay"].includes(this.inflight[0])) return this.inflight.shift();
    const asked = (fits) => this.inflight.findIndex((type) => type !== "code" && type !== "replay" && fits(type));
    let at = asked((type) => (type === "advance") === frame.moving);
    if (at < 0 && frame.state === "Error") at = asked(() => true);
    this.more = frame.more ?? 0;
    if (at < 0) return null;
    return this.more ? this.inflight[at] : this.inflight.splice(at, 1)[0];
  }

  take(frame, request) {
    if (request !== "advance" || this.acknowledged) [this.buildsSince, this.acknowledged] = [null, false];
    const fresh = frame.run !== this.status.run;
    const { state, reason } = this.status;
    const late = state === "Error" && !fresh && !this.running && request === "advance"; // asked for before the error
    this.status = late ? { ...frame, state, reason } : frame;
    if (fresh) this.shown = null;
    if (frame.plots.length) this.recording.add(frame);
    if (frame.pushed && frame.moving) this.pushedAt = this.now();
    if (ENDS.includes(frame.state)) this.running = false;
    if (this.running || this.inflight.length) return;
    if (frame.state === "Done" && request === "advance" && frame.moving) this.request("look");
    else if (frame.steps > 0 && (frame.pushed || ["advance", "refresh"].includes(request))) {
      this.settleAt = this.status.state === "Error" ? null : this.now() + SETTLE; // the answer would hide the reason
    }
  }

  /** Ask for what is due, if nothing is under way. */
  next() {
    if (this.over || this.hidden || this.inflight.some((type) => type !== "advance")) return;
    const touched = this.now() - this.touchedAt < TOUCH;
    const [ahead, slice] = touched ? [1, SPEEDS.slow] : [this.ahead, SPEEDS[this.speed]];
    const due = (slice.frames ?? 1) > 1 && this.more !== 1 ? 1 : ahead;
    if (this.running) while (this.inflight.length < due) this.request("advance", slice);
    else if (this.dirty && !this.inflight.length) this.request("refresh");
    else return;
    this.dirty = false;
  }

  /**
   * Called a few times a second: the watchdog, and the sharp frame once things have settled. connected: no message
   * is lost as long as it is true; cell: a cell is known to run.
   */
  tick(connected = false, cell = false) {
    [this.cut, this.cell] = [this.cut || !connected, cell];
    if (!this.cut) this.since = this.now();
    if (!cell && !this.inflight.length) this.askedAt = null;
    if (this.running && this.now() - this.wokeAt > 1000 * this.allowed) {
      this.pause();
      this.idle = true;
    }
    if (this.inflight.length && this.now() - this.since > this.patience) {
      [this.lost, this.patience] = [true, 2 * this.patience];
      this.request("look"); // the one thing under way: once it is answered, training goes on
    }
    const settled = this.settleAt !== null && this.now() >= this.settleAt;
    if (settled && !this.running && !this.inflight.length && !this.hidden) this.request("look");
  }

  // what is in sight

  get over() {
    return this.closed || this.gone;
  }

  /** Whether pictures stand, and nothing is under way that might change them. */
  get rests() {
    const changes = this.running || this.cell || this.follows || this.inflight.length || this.settleAt !== null;
    return Boolean(this.status.plots?.length) && !this.over && !this.hidden && !changes;
  }

  /** Whether the reader has waited for a while, as a cell is running. */
  get waits() {
    return !this.cut && !this.taken && this.askedAt !== null && this.now() - this.askedAt > WAIT;
  }

  /** Whether a cell trains the run and pushes its frames. */
  get follows() {
    return this.status.pushed && this.status.moving && this.now() - this.pushedAt < PUSHES;
  }

  /** [state word, reason]. */
  words() {
    const { state, reason, step } = this.status;
    if (this.over) return ["Stopped", say("states", this.closed ? "closed" : "gone")];
    const builds = this.buildsSince !== null && this.now() - this.buildsSince > FLASH && !this.locked;
    if (builds && (this.acknowledged || !(this.lost || this.waits))) return [say("states", "building"), ""];
    if (this.lost && this.askedAt !== null) return [say("states", "silent"), say("states", "lost")];
    if (this.waits) return [say("states", "busy"), say("states", "waits")];
    if (this.locked) return ["Locked", this.locked];
    if (ENDS.includes(state)) return [state, reason];
    if (this.idle) return ["Stopped", say("limits", "idle", { seconds: this.allowed })];
    if (this.running && this.hidden) return ["Paused", say("states", "hidden")];
    if (this.running || this.follows) return ["Training", reason];
    return [step > 0 ? "Paused" : "Ready", reason];
  }

  view() {
    const { pinned, difference, running, locked, status: { steps, said } } = this;
    const count = this.recording.frames.length;
    const index = Math.min(this.shown ?? Infinity, count - 1);
    const [word, reason] = this.words();
    const [builds, silent] = ["building", "silent"].map((name) => word === say("states", name));
    const stale = this.over || silent || (word === "Error" && !this.status.plots?.length);
    const moving = (running || this.follows) && !this.hidden && !this.lost && !this.waits;
    const shown = { index, count, frame: this.recording.joined(index), steps, said };
    const how = { running, moving, stale, closed: this.over, locked: Boolean(locked), builds };
    return { word, reason, pinned, difference, ...shown, ...how };
  }
}
