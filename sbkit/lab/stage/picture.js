// picture.js: what stands on a stage as one PNG, for readers of the saved notebook who have no kernel.

import { make } from "./card.js";
import { say } from "./words.js";

/** The pictures of a screen and the line below them, as the bytes of a PNG. css: the stage's own style sheet. */
export async function pictureOf({ root, grid, line }, css) {
  const [width, height] = [root.clientWidth, grid.offsetHeight + line.offsetHeight + 38];
  const below = make("div", { class: "sb-shared", text: say("panel", "kept") });
  const style = make("style", { text: `${css} .sb-tip { display: none; }` });
  const copy = make("div", { class: root.className }, [style, grid.cloneNode(true), line.cloneNode(true), below]);
  const { backgroundColor, color } = getComputedStyle(root);
  Object.assign(copy.style, { backgroundColor, color, height: `${height}px` });
  const drawn = grid.querySelectorAll("canvas"); // a clone of one is blank
  const still = (one) => make("img", { src: one.toDataURL(), width: one.offsetWidth, height: one.offsetHeight });
  copy.querySelectorAll("canvas").forEach((blank, k) => blank.replaceWith(still(drawn[k])));
  const text = new XMLSerializer().serializeToString(copy);
  const [size, svg] = [`width="${width}" height="${height}"`, 'svg xmlns="http://www.w3.org/2000/svg"'];
  const page = `<${svg} ${size}><foreignObject ${size}>${text}</foreignObject></svg>`;
  const image = make("img", { src: `data:image/svg+xml,${encodeURIComponent(page)}` });
  await image.decode();
  const sheet = new OffscreenCanvas(width, height);
  sheet.getContext("2d").drawImage(image, 0, 0);
  return (await sheet.convertToBlob()).arrayBuffer();
}
