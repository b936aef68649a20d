// loader.js: all that anywidget loads for each panel. A page never lets go of a module, so the stage itself, a
// hundred times as long, is loaded once a page and kept.

const modules = (globalThis[Symbol.for("sbkit.stage")] ??= new Map()); // by their source

function load(source) {
  if (!modules.has(source)) {
    modules.set(source, import(URL.createObjectURL(new Blob([source], { type: "text/javascript" }))));
  }
  return modules.get(source);
}

export default {
  async render(panel) {
    const stage = await load(panel.model.get("script"));
    return stage.default.render(panel);
  },
};
