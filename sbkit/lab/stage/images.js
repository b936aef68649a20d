// images.js: draws Images: a grid of grey or coloured images with labels, an overlay orange above 0 and blue below.

import { shortened, strokeBox, write } from "./axes.js";
import { rowOf } from "./decode.js";
import { formatTick, hexToRgb } from "./scales.js";
import { say } from "./words.js";

export const imagesPainter = { draw: drawImages, legend: () => [] };

const [GAP, BELOW] = [5, 16]; // pixels between images, and for a label

function drawImages({ ctx, width, height, theme }, plot, pinned, { hover }) {
  const [count, high, wide] = plot.pixels.shape;
  const { columns, zoom, below } = gridOf(plot, width, height);
  const strip = new OffscreenCanvas(wide, count * high); // all images below each other, a pixel a pixel
  strip.getContext("2d").putImageData(new ImageData(paintImages(plot, theme), wide, count * high), 0, 0);
  ctx.imageSmoothingEnabled = zoom < 1;
  let tip = null;
  for (let k = 0; k < count; k++) {
    const [left, top] = [(k % columns) * (wide * zoom + GAP), Math.floor(k / columns) * (high * zoom + GAP + below)];
    ctx.drawImage(strip, 0, k * high, wide, high, left, top, wide * zoom, high * zoom);
    const label = below ? shortened(ctx, plot.labels[k], wide * zoom + GAP) : "";
    write(ctx, label, left + (wide * zoom) / 2, top + high * zoom + 3, theme.ink, "center", "top");
    const [j, i] = hover ? [Math.floor((hover[0] - left) / zoom), Math.floor((hover[1] - top) / zoom)] : [-1, -1];
    if (j < 0 || j >= wide || i < 0 || i >= high) continue;
    strokeBox(ctx, left + j * zoom, top + i * zoom, zoom, zoom, theme.orange, 2);
    tip = { x: left + (j + 1) * zoom, y: top + i * zoom, lines: pixelText(plot, k, i, j) };
  }
  return tip;
}

/** The number of columns with the largest images: with it the side of a pixel, and the room of a label. */
export function gridOf(plot, width, height, below = plot.labels.length ? BELOW : 0) {
  const [count, high, wide] = plot.pixels.shape;
  let best = { zoom: 0.01, columns: plot.columns ?? Math.ceil(Math.sqrt(count)), below };
  for (let columns = plot.columns ?? 1; columns <= (plot.columns ?? count); columns++) {
    const zoom = Math.min((width / columns - GAP) / wide, (height / Math.ceil(count / columns) - GAP - below) / high);
    if (zoom > best.zoom) best = { columns, zoom, below };
  }
  return below && best.zoom * wide < BELOW ? gridOf(plot, width, height, 0) : best;
}

/** RGBA bytes of all images. A byte stands for a value from 1, the low end of its scale, to 255; 0 is none. */
export function paintImages({ pixels, overlay, scale }, theme) {
  const [, , , colours = 1] = pixels.shape;
  const signed = colours === 1 && scale.low === -scale.high;
  const [above, under] = [theme.orange, theme.cold].map(hexToRgb);
  const bytes = new Uint8ClampedArray((4 * pixels.length) / colours).fill(255);
  for (let at = 0; at < bytes.length / 4; at++) {
    const weight = overlay?.[at] ? (overlay[at] - 128) / 127 : 0;
    for (let c = 0; c < 3; c++) {
      const byte = pixels[colours * at + (c % colours)];
      const base = signed ? theme.change[3 * byte + c] : (255 * (byte - 1)) / 254;
      bytes[4 * at + c] = base + 0.8 * Math.abs(weight) * ((weight > 0 ? above : under)[c] - base);
      if (byte === 0) bytes[4 * at + 3] = 0;
    }
  }
  return bytes;
}

/** The image, the place and the values of a pixel, to a hundredth of their scale. */
export function pixelText({ pixels, overlay, labels, scale, heat }, k, i, j) {
  const [, high, wide, colours = 1] = pixels.shape;
  const at = (k * high + i) * wide + j;
  const value = (byte, low, span) => (byte ? formatTick(low + (span * (byte - 1)) / 254, span / 100) : "–");
  const told = (bytes, { label, unit, low, high: top }) =>
    `${label} ${Array.from(bytes, (byte) => value(byte, low, top - low)).join(", ")} ${unit}`.trim();
  return [
    [say("sentences", "image", { k }), ...labels.slice(k, k + 1)].join(": "),
    say("sentences", "pixel", { i, j }),
    told(rowOf(pixels, at, colours), scale),
    ...(overlay ? [told([overlay[at]], heat)] : []),
  ];
}
