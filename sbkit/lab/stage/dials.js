// dials.js: what ipywidgets leaves out for those who use a keyboard or do not see its sliders.

import { say } from "./words.js";

/**
 * A key pressed in a panel is not the notebook's, unless Ctrl or the like is held: an arrow there moves to the next
 * cell, an M hides all outputs. The notebook looks for this attribute at the very element that has the focus.
 */
export function keepKey({ target, ctrlKey, metaKey, altKey }) {
  const plain = !(ctrlKey || metaKey || altKey);
  if (target.closest?.(".sb-panel, .sb-board")) target.toggleAttribute("data-lm-suppress-shortcuts", plain);
}

/**
 * A slider has no name, and a logarithmic one tells its exponent: every dial gets its words, which also say whether it
 * restarts the run, and a slider what stands beside it. A name that is cut short tells all of itself to the pointer.
 */
export function nameDials(panel, signal) {
  const name = () => panel.querySelectorAll(".widget-inline-hbox").forEach(nameDial);
  const watch = new MutationObserver(name);
  watch.observe(panel, { subtree: true, childList: true, attributeFilter: ["aria-valuetext"] });
  signal.addEventListener("abort", () => watch.disconnect());
  name();
}

function nameDial(row) {
  const label = row.querySelector(".widget-label, .widget-label-basic");
  const [name, mark] = (label?.textContent.trim() ?? "").split(" ↻");
  const again = say("dials", "begins", { name }); // ipywidgets tells no tooltip of a drop-down
  const text = mark === undefined ? (label?.title !== again && label?.title) || row.title || name : again;
  const part = row.querySelector(".noUi-handle, select, input");
  const about = { "aria-label": text, "aria-valuetext": row.querySelector(".widget-readout")?.textContent };
  for (const [name, value] of Object.entries(part ? about : {})) {
    if (value && part.getAttribute(name) !== value) part.setAttribute(name, value);
  }
  if (label && text) label.title = text;
}
