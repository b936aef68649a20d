// stage.js: the anywidget: wires the player and the screen to the kernel's messages and ends both together.

import { renderBoard } from "./board.js";
import { download } from "./controls.js";
import { decodeFrame } from "./decode.js";
import { keepKey, nameDials } from "./dials.js";
import { pictureOf } from "./picture.js";
import { Player } from "./player.js";
import { Screen } from "./screen.js";

const TOUCHES = ["keydown", "pointerdown", "pointermove", "change"];
const links = new Map(); // by a model's controls object: all views of one model share one link

/** The kernel's side of a panel: its messages, one player, the screens that show it. */
class Link {
  constructor(model, controls) {
    Object.assign(this, { model, controls, screens: new Set() });
    const status = ({ content }) => (this.player.taken = content.execution_state === "busy");
    this.player = new Player((message) => model.send(message, { iopub: { status } }));
    this.player.allowed = controls.idle || Infinity;
    this.receive = (message, buffers) => this.take(message, buffers);
    model.on("msg:custom", this.receive);
    this.obey = () => this.redraw((this.player.locked = model.get("locked") ?? ""));
    model.on("change:locked", this.obey);
    this.timer = setInterval(() => this.tick(), 250);
    const first = model.get("frame"); // in sight before the kernel, which may be busy for long, has answered
    if (first?.type) this.player.receive(readMessage(first, [model.get("arrays")]));
    this.player.request("look");
    this.obey();
  }

  redraw() {
    for (const screen of this.screens) screen.redraw();
  }

  take(message, buffers) {
    this.player.receive(readMessage(message, buffers));
    if (message.type === "replay") download(message.name, message.html);
    if (message.type === "code") for (const screen of this.screens) screen.controls.showCode(message.texts);
    this.redraw();
  }

  tick() {
    const [{ root }] = this.screens; // ipywidgets tells what is gone, JupyterLab a cell's run, its manager a connection
    this.player.setGone(Boolean(root.closest(".jupyter-widgets-disconnected")));
    const indicator = ".jp-Notebook-ExecutionIndicator[data-status=busy]";
    const runs = root.closest(".jp-NotebookPanel, body")?.querySelector(indicator);
    this.player.tick(this.model.widget_manager?.kernel?.connectionStatus === "connected", Boolean(runs));
    this.keep();
    const words = this.player.words().join(); // some come with time alone
    if (words === this.told && !this.player.running) return;
    this.told = words;
    this.redraw();
  }

  /** Hand what stands to the notebook, as a PNG: once, when all is at rest and drawn. */
  keep() {
    const { player, model } = this;
    const [screen] = this.screens;
    if (!player.rests || !screen.root.clientWidth || screen.drawn === this.kept) return;
    this.kept = screen.drawn;
    pictureOf(screen, model.get("_css")).then((png) => player.over || model.send({ type: "picture" }, {}, [png]));
  }

  /** Nothing is asked for while no screen can be seen. */
  look() {
    const seen = [...this.screens].some((screen) => screen.root.getClientRects().length);
    this.player.setHidden(document.hidden || !seen);
    this.redraw();
  }

  leave(screen) {
    this.screens.delete(screen);
    screen.destroy();
    if (this.screens.size) return;
    clearInterval(this.timer);
    this.model.off("msg:custom", this.receive);
    this.model.off("change:locked", this.obey);
    this.player.closed = true;
    links.delete(this.controls);
  }
}

/** A stage in el; a bare one draws nothing and only keeps the keys of the panel around it. */
function render({ model, el }) {
  globalThis.addEventListener("keydown", keepKey, true); // before anybody else; once, however often it is added
  const controls = model.get("controls") ?? {};
  if (controls.bare) return;
  if (controls.board) return renderBoard(model, el, controls.board);
  const link = links.get(controls) ?? new Link(model, controls);
  links.set(controls, link);
  const screen = new Screen(el, () => link.player.view(), stageActions(link, controls), controls);
  link.screens.add(screen);
  const { signal } = screen.ended;
  const touch = (event) => {
    link.player.wake();
    if (!screen.root.contains(event.target) && event.buttons !== 0) link.player.touch(); // no pointer that only passes
  };
  let panel = null;
  const sight = new ResizeObserver(() => {
    link.look();
    if (panel || !(panel = screen.root.closest(".sb-panel"))) return; // the dials too
    nameDials(panel, signal);
    for (const name of TOUCHES) panel.addEventListener(name, touch, { capture: true, signal });
  });
  sight.observe(screen.root);
  document.addEventListener("visibilitychange", () => link.look(), { signal });
  screen.redraw();
  signal.addEventListener("abort", () => sight.disconnect());
  return () => link.leave(screen);
}

/** What each control does; every one is followed by a drawing. */
function stageActions(link, { picks }) {
  const { player } = link;
  const then = (act) => (...given) => link.redraw(act(...given));
  return {
    run: then(() => (player.running ? player.pause() : player.run())),
    step: then(() => player.step()),
    restart: then((type) => player.restart(type)),
    speed: then((word) => (player.speed = word)),
    scrub: then((index) => player.scrub(index)),
    pin: picks ? null : then(() => player.togglePin()),
    difference: then((on) => (player.difference = on)),
    code: then(() => player.request("code")),
    save: then(() => player.request("replay")),
    pick: picks && then((plot, row, column) => player.request("pick", { plot, row, column })),
  };
}

/** A frame with its arrays; one that cannot be read becomes an Error with the reason. */
function readMessage(message, buffers) {
  if (message.type !== "frame") return message;
  try {
    return decodeFrame(message, buffers?.[0]);
  } catch (problem) {
    return { ...message, plots: [], state: "Error", reason: `This frame could not be read: ${problem.message}` };
  }
}

export default { render };
