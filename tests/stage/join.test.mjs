import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const folder = new URL("../../sbkit/lab/stage/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".js"));
const joined = files.filter((name) => name !== "loader.js"); // which stands alone
const source = (name) => readFileSync(new URL(name, folder), "utf8");

test("top-level names are unique across files, which are joined into one module", () => {
  const declared = /^(?:export )?(?:async )?(?:function|class|const|let) (\w+|\[[\w, ]+\])/gm; // one name, or [several, …]
  const names = joined.flatMap((name) => [...source(name).matchAll(declared)].flatMap((m) => m[1].match(/\w+/g)));
  assert.deepEqual(names.filter((name, k) => names.indexOf(name) !== k), []);
});

test("imports are single lines to files of the stage, exports stand at the declaration", () => {
  for (const name of joined) {
    for (const line of source(name).split("\n").filter((text) => /^import\b/.test(text))) {
      assert.match(line, /^import \{ [\w, ]+ \} from "\.\/\w+\.js";$/, name);
    }
    const exports = source(name).match(/^export .*/gm) ?? [];
    for (const line of exports) assert.match(line, /^export (default \{ render \};|(async )?(function|class|const) )/, name);
  }
});

test("files are short, and nothing is evaluated, parsed as HTML or fetched", () => {
  for (const name of files) {
    const text = source(name);
    assert.ok(text.split("\n").length <= 250, name);
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|\beval\(|new Function|\bfetch\(|https?:\/\/(?!www\.w3\.org)/, name);
    assert.ok(text.startsWith(`// ${name}: `), name);
  }
});

test("the stage is small: 1,800 lines of code at most, none over 120 letters", () => {
  const lines = files.flatMap((name) => source(name).split("\n"));
  const code = lines.filter((line) => line.trim() && !/^\s*(\/\/|\/?\*)/.test(line));
  assert.ok(code.length <= 1800, `${code.length} lines; let a library, the browser or Python do what it already does`);
  assert.deepEqual(lines.filter((line) => line.length > 120), []);
});
