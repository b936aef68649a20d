// The catalogue as the joined script teaches it.
import { readFileSync } from "node:fs";
import { learn } from "../../sbkit/lab/stage/words.js";

learn(JSON.parse(readFileSync(new URL("../../sbkit/plots/words.json", import.meta.url), "utf8")));
