// dials.js: what ipywidgets leaves out for those who use a keyboard or do not see its sliders.

/**
 * A key pressed in a panel is not the notebook's, unless Ctrl or the like is held: an arrow there moves to the next
 * cell, an M hides all outputs. The notebook looks for this attribute at the very element that has the focus.
 */
export function keepKey({ target, ctrlKey, metaKey, altKey }) {
  if (target.closest?.(".sb-panel")) target.toggleAttribute("data-lm-suppress-shortcuts", !(ctrlKey || metaKey || altKey));
}

/**
 * A slider has no name, and a logarithmic one tells its exponent: give it its label, and what stands beside it. A
 * label that is cut short tells all of itself to the pointer.
 */
export function nameSliders(panel, signal) {
  const name = () => {
    panel.querySelectorAll(".noUi-handle").forEach(nameSlider);
    for (const label of panel.querySelectorAll(".widget-label, .widget-label-basic")) label.title ||= label.textContent;
  };
  const watch = new MutationObserver(name);
  watch.observe(panel, { subtree: true, childList: true, attributeFilter: ["aria-valuetext"] });
  signal.addEventListener("abort", () => watch.disconnect());
  name();
}

function nameSlider(handle) {
  const row = handle.closest(".widget-inline-hbox");
  for (const [name, place] of [["aria-label", ".widget-label"], ["aria-valuetext", ".widget-readout"]]) {
    const text = row?.querySelector(place)?.textContent;
    if (text && text !== handle.getAttribute(name)) handle.setAttribute(name, text);
  }
}
