// recording.js: the frames of one run, thinned where they are many, and the curves joined over them. No DOM.

export class Recording {
  constructor(limit = 400) {
    Object.assign(this, { limit, frames: [] });
  }

  /** Keep a frame. A new run forgets the old one; a frame of the same step replaces it (the sharp one comes last). */
  add(frame) {
    if (this.frames[0]?.run !== frame.run) this.frames = [];
    while (this.frames.at(-1)?.step >= frame.step) this.frames.pop();
    this.frames.push(frame);
    const half = this.limit / 2; // where they are too many, every other frame of the older half goes; the first stays
    if (this.frames.length > this.limit) this.frames = this.frames.filter((_, k) => k >= half || k % 2 === 0);
  }

  /** Frame k with its growing lines joined over frames 0…k. */
  joined(k) {
    const frame = this.frames[k];
    if (!frame || this.cached?.frame === frame) return frame && this.cached.whole;
    const same = (name) => this.frames.slice(0, k + 1).map((f) => f.plots.find((plot) => plot.name === name));
    const plots = frame.plots.map((plot) => (plot.grows ? joinLines(plot, same(plot.name)) : plot));
    this.cached = { frame, whole: { ...frame, plots } };
    return this.cached.whole;
  }
}

/** The growing lines of a plot joined over those of all parts, and their table, which is seldom looked at. */
function joinLines(plot, parts) {
  const known = parts.filter((part) => part?.lines?.length === plot.lines.length);
  const over = (of) => of(plot) && Float32Array.from(known.flatMap((part) => Array.from(of(part) ?? [])));
  const ends = (k) => ["x", "y", "low", "high"].map((key) => [key, over((part) => part.lines[k][key])]);
  const lines = plot.lines.map((line, k) => ({ ...line, ...Object.fromEntries(ends(k)) }));
  const blocks = () => plot.table.blocks.map((_, k) => over((part) => part.table.blocks[k]));
  const table = () => ({ ...plot.table, names: over((part) => part.table.names), blocks: blocks() });
  return { ...plot, lines, get table() { return table(); } };
}
