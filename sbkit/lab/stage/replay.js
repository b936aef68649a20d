// replay.js: plays recorded frames without a kernel, with the drawing code of the live panel.
//
// A replay file is one HTML page: stage.css, the joined stage as a module, and
//     mountReplay(document.getElementById("replay"), decodeReplay(text))
// where text is {"frames": [{…the JSON of a frame message…, "buffer": "<its binary buffer in base64>"}, …]}.

import { decodeFrame } from "./decode.js";
import { Recording } from "./recording.js";
import { Screen } from "./screen.js";
import { say } from "./words.js";

const RATES = { slow: 4, normal: 15, fast: 45 }; // frames a second
const TURN = 12; // where each frame is another value of a dial, it stands so many times longer

/** The text of a replay → [{json, buffer}], as `mountReplay` takes them. */
export function decodeReplay(text) {
  const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer;
  return JSON.parse(text).frames.map(({ buffer, ...json }) => ({ json, buffer: bytes(buffer) }));
}

/** Play frames in el. */
export function mountReplay(el, frames) {
  const recording = new Recording(Infinity);
  for (const { json, buffer } of frames) recording.add(decodeFrame(json, buffer));
  const state = { index: 0, running: false, speed: "normal", pinned: null, difference: false, timer: 0 };
  const last = recording.frames.length - 1;
  const view = () => {
    const { index, running } = state;
    const [frame, ended] = [recording.joined(index), index === last];
    const word = running ? "Replay" : ended ? "Done" : index ? "Paused" : "Ready";
    const reason = ended ? frame?.reason ?? "" : say("states", "recorded");
    return { ...state, word, reason, count: last + 1, frame, steps: frame?.steps ?? 0, moving: running };
  };
  const set = (changes) => {
    Object.assign(state, changes);
    clearTimeout(state.timer);
    const stands = recording.frames[state.index]?.at ? TURN : 1;
    const next = () => set({ index: state.index + 1, running: state.index + 1 < last });
    if (state.running) state.timer = setTimeout(next, (1000 * stands) / RATES[state.speed]);
    screen.redraw();
  };
  const screen = new Screen(el, view, {
    run: () => set({ running: !state.running && last > 0, index: state.index >= last ? 0 : state.index }),
    step: () => set({ running: false, index: Math.min(last, state.index + 1) }),
    restart: () => set({ running: false, index: 0 }),
    speed: (speed) => set({ speed }),
    scrub: (index) => set({ running: false, index }),
    pin: () => set({ pinned: state.pinned ? null : view().frame, difference: false }),
    difference: (difference) => set({ difference }),
  });
  set({});
}
