// loader.js: all that anywidget loads for each panel. A page never lets go of a module, so the stage itself, a
// hundred times as long, is loaded once a page and kept.

const modules = (globalThis[Symbol.for("sbkit.stage")] ??= {}); // by their source

async function render(panel) {
  const source = panel.model.get("script");
  modules[source] ??= import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  return (await modules[source]).default.render(panel);
}

export default { render };
