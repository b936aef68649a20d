import assert from "node:assert/strict";
import { test } from "node:test";
import loader from "../../sbkit/lab/stage/loader.js";

const script = "export default { render: (panel) => (panel.rendered = panel.rendered + 1 || 1) };\nglobalThis.loads = (globalThis.loads ?? 0) + 1;";
const panelOf = (text) => ({ model: { get: (name) => (name === "script" ? text : undefined) } });

test("two panels share one module, and each is rendered", async (t) => {
  const made = t.mock.method(URL, "createObjectURL", () => `data:text/javascript,${encodeURIComponent(script)}`);
  const panels = [panelOf(script), panelOf(script)];
  await Promise.all(panels.map((panel) => loader.render(panel)));
  assert.deepEqual(panels.map((panel) => panel.rendered), [1, 1]);
  assert.equal(globalThis.loads, 1);
  assert.equal(made.mock.callCount(), 1);
});
