// stage.js: the anywidget: wires the player and the screen to the kernel's messages and ends both together.

import { download } from "./controls.js";
import { decodeFrame } from "./decode.js";
import { Player } from "./player.js";
import { Screen } from "./screen.js";

function render({ model, el }) {
  const player = new Player((message) => model.send(message));
  const screen = new Screen(el, () => player.view(), stageActions(player, () => screen), model.get("controls") ?? {});
  const receive = (message, buffers) => {
    player.receive(readMessage(message, buffers));
    if (message.type === "code") screen.controls.showCode(message.text);
    if (message.type === "replay") download(message.name, message.html);
    screen.redraw();
  };
  model.on("msg:custom", receive);
  const timer = setInterval(() => {
    const before = player.words().join();
    player.tick();
    if (player.words().join() !== before || player.running) screen.redraw();
  }, 250);
  const looked = () => player.setHidden(document.hidden || !screen.root.getClientRects().length);
  const sight = new ResizeObserver(looked);
  sight.observe(screen.root);
  document.addEventListener("visibilitychange", looked, { signal: screen.ended.signal });
  player.request("look");
  screen.redraw();
  return () => {
    clearInterval(timer);
    sight.disconnect();
    model.off("msg:custom", receive);
    screen.destroy();
  };
}

/** What each control does; every one is followed by a drawing. */
function stageActions(player, screen) {
  const then = (act) => (...given) => {
    act(...given);
    screen().redraw();
  };
  return {
    run: then(() => (player.running ? player.pause() : player.run())),
    step: then(() => player.step()),
    restart: then((type) => player.restart(type)),
    speed: then((word) => (player.speed = word)),
    scrub: then((index) => player.scrub(index)),
    pin: then(() => player.togglePin()),
    difference: then((on) => (player.difference = on)),
    code: then(() => player.request("code")),
    save: then(() => player.request("replay")),
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
