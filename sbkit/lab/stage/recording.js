// recording.js: the frames of one run, thinned where they are many, and the curves joined over them. No DOM.

export class Recording {
  constructor(limit = 400) {
    this.limit = limit;
    this.frames = [];
  }

  get last() {
    return this.frames[this.frames.length - 1];
  }

  /** Keep a frame. A new run forgets the old one; a frame of the same step replaces it (the sharp one comes last). */
  add(frame) {
    if (this.last && this.last.run !== frame.run) this.frames = [];
    while (this.last && this.last.step >= frame.step) this.frames.pop();
    this.frames.push(frame);
    if (this.frames.length > this.limit) this.thin();
  }

  /** Drop every other frame of the older half; the first stays. */
  thin() {
    const half = this.frames.length >> 1;
    this.frames = this.frames.filter((_, k) => k >= half || k % 2 === 0);
  }

  /** Frame k with its growing lines joined over frames 0…k. */
  joined(k) {
    const frame = this.frames[k];
    if (!frame) return undefined;
    if (this.cached?.frame === frame) return this.cached.whole;
    const before = this.frames.slice(0, k + 1);
    const same = (name) => before.map((f) => f.plots.find((plot) => plot.name === name));
    const plots = frame.plots.map((plot) => (plot.shape === "lines" && plot.grows ? joinLines(plot, same(plot.name)) : plot));
    this.cached = { frame, whole: { ...frame, plots } };
    return this.cached.whole;
  }
}

function joinArrays(arrays) {
  const whole = new Float32Array(arrays.reduce((length, array) => length + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    whole.set(array, at);
    at += array.length;
  }
  return whole;
}

function joinLines(plot, parts) {
  const lines = plot.lines.map((line, k) => {
    const pieces = parts.map((part) => part?.lines?.[k]).filter(Boolean);
    const join = (key) => line[key] && joinArrays(pieces.map((piece) => piece[key] ?? []));
    return { ...line, x: join("x"), y: join("y"), low: join("low"), high: join("high") };
  });
  return { ...plot, lines };
}
