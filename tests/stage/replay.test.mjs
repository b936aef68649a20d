import assert from "node:assert/strict";
import { test } from "node:test";
import "./words.mjs";
import { decodeFrame } from "../../sbkit/lab/stage/decode.js";
import { decodeReplay } from "../../sbkit/lab/stage/replay.js";

test("a replay's text gives frames with their buffers", () => {
  const buffer = Buffer.from(new Float32Array([1, 0.5]).buffer).toString("base64");
  const plots = [{ shape: "bars", names: ["a", "b"], values: { at: 0, type: "f4", shape: [2] }, dots: null }];
  const [{ json, buffer: bytes }] = decodeReplay(JSON.stringify({ frames: [{ type: "frame", step: 3, plots, buffer }] }));
  assert.equal(json.step, 3);
  assert.equal("buffer" in json, false);
  assert.deepEqual([...decodeFrame(json, bytes).plots[0].values], [1, 0.5]);
});
