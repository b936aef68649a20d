// dials.js: what ipywidgets leaves out for those who use a keyboard or do not see its sliders.

/** The notebook takes a key before it arrives, unless the very element that has the focus says no by this attribute. */
export function keepKeys({ target }) {
  if (target.closest(".sb-panel")) target.setAttribute("data-lm-suppress-shortcuts", "true");
}

/** A slider has no name, and a logarithmic one tells its exponent: give it its label, and what stands beside it. */
export function nameSliders(panel, signal) {
  const name = () => panel.querySelectorAll(".noUi-handle").forEach(nameSlider);
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
