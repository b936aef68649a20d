// field.js: draws a Field over a plane: heat map of P(class 1), grey where the runs disagree, the .5 contour, test
// points; or of any other quantity, told by its scale.

import { clipTo, crisp, drawAxes, marginsOf, scalesOf, shortened, strokeBox, write } from "./axes.js";
import { strokeCurve } from "./lines.js";
import { markOf, seriesColour, sharedEntry, traceMark } from "./marks.js";
import { resample } from "./resample.js";
import { formatValue, hexToRgb, withUnit } from "./scales.js";
import { say } from "./words.js";

const PIXELS = 160; // side of the heat map before the browser stretches it
const chance = (plot) => ({ label: say("axes", "chance", { name: className(plot, 1) }), unit: "", low: 0, high: 1 });
const change = () => ({ label: say("axes", "change"), unit: "", low: -1, high: 1 });

/** What class c is called in a legend. */
export function className(plot, c) {
  return plot.called?.[c] ?? say("legends", "class", { c });
}

export const fieldPainter = { draw: drawField, legend: fieldLegend };

function drawField(sheet, plot, pinned, { difference, hover }) {
  const { ctx, theme } = sheet;
  const other = difference && pinned && !plot.scale && sameWindow(plot, pinned) ? pinned : null;
  const { box, scales } = fieldLayout(sheet, plot);
  ctx.imageSmoothingEnabled = true;
  ctx.drawImage(heatMap(sheet, plot, other), box.left, box.top, box.width, box.height);
  clipTo(ctx, box);
  if (plot.points) drawPoints(ctx, plot, scales, theme);
  if (pinned?.boundary) strokeCurve(ctx, pinned.boundary, scales, { colour: theme.grey, dash: [5, 4] });
  if (plot.boundary) strokeCurve(ctx, plot.boundary, scales, { colour: theme.ink });
  ctx.restore();
  strokeBox(ctx, crisp(box.left), crisp(box.top), Math.round(box.width), Math.round(box.height), theme.muted);
  drawAxes(ctx, box, scales, plot, theme, { grid: false });
  drawColourBar(ctx, box, theme, other ? change() : plot.scale, chance(plot));
  return hover && hoverField(ctx, box, plot, other, scales, hover, theme);
}

function fieldLayout(sheet, plot) {
  const [x, y] = [plot.x, plot.y].map((axis) => ({ ...axis, log: false }));
  const { left, top, bottom } = marginsOf(sheet, plot, y);
  const across = sheet.width - left - 58;
  const height = Math.min(sheet.height - top - bottom, Math.max(160, 1.7 * across));
  const box = { left, top, width: Math.min(across, 1.35 * height), height };
  return { box, scales: scalesOf(box, x, y) };
}

/** The heat map as a small canvas, painted anew only when what it shows has changed. */
function heatMap({ memory, theme }, plot, other) {
  if (memory.painted === plot.values && memory.against === other && memory.ramp === theme.ramp) return memory.image;
  Object.assign(memory, { painted: plot.values, against: other, ramp: theme.ramp });
  memory.image ??= Object.assign(document.createElement("canvas"), { width: PIXELS, height: PIXELS });
  const pixels = new ImageData(PIXELS, PIXELS);
  paintPixels(pixels.data, other ? changeOf(plot, other) : plot, theme);
  memory.image.getContext("2d").putImageData(pixels, 0, 0);
  return memory.image;
}

/** Fill RGBA bytes, top row first: colour by the value on its scale, mixed toward grey by twice the spread. */
export function paintPixels(bytes, plot, theme) {
  const size = [PIXELS, PIXELS];
  const values = resample(plot.values, plot.values.shape, size);
  const spread = plot.spread && !plot.scale ? resample(plot.spread, plot.spread.shape, size) : null;
  const grey = hexToRgb(theme.grey);
  const { ramp, shade } = shadesOf(plot.scale, theme);
  values.forEach((value, from) => {
    const [i, j] = [Math.floor(from / PIXELS), from % PIXELS];
    const [at, k] = [4 * ((PIXELS - 1 - i) * PIXELS + j), shade(value)];
    const weight = spread ? Math.min(0.8, spread[from] / 255) : 0;
    for (let c = 0; c < 3; c++) bytes[at + c] = ramp[k + c] + (grey[c] - ramp[k + c]) * weight;
    bytes[at + 3] = Number.isNaN(value) ? 0 : 255;
  });
}

/** The colours of a scale, and the place of a value among them: around 0 if it is symmetric, else rising. */
export function shadesOf(scale, theme) {
  const { low, high } = scale ?? { low: 0, high: 1 };
  const ramp = !scale ? theme.ramp : low === -high ? theme.change : theme.rising;
  return { ramp, shade: (v) => 3 * Math.max(0, Math.min(255, Math.round((255 * (v - low)) / (high - low)))) };
}

/** Whether two fields, of the same classes over the same part of the plane, to a fiftieth, have a difference. */
function sameWindow(one, other) {
  return String(one.names) === String(other.names) && ["x", "y"].every((key) => ["low", "high"].every((end) =>
    Math.abs(one[key][end] - other[key][end]) <= 0.02 * (one[key].high - one[key].low)));
}

/** A field of what has changed since another one, at the resolution of the first. */
export function changeOf(plot, other) {
  const { shape } = plot.values;
  const before = resample(other.values, other.values.shape, shape);
  const values = plot.values.map((v, k) => v - before[k]);
  return { ...plot, values: Object.assign(values, { shape }), scale: change(), spread: null };
}

/** Points, those of a class in its colour and shape; the canvas leaves out those that have no place. */
export function drawPoints(ctx, plot, scales, theme) {
  const { points, labels } = plot;
  const radius = points.length > 300 ? 2.7 : 3.4;
  for (const c of classesOf(plot)) {
    ctx.beginPath();
    for (let k = 0; k < points.length / 2; k++) {
      const [x, y] = [scales.x(points[2 * k]), scales.y(points[2 * k + 1])];
      if ((labels?.[k] ?? 0) === c) traceMark(ctx, markOf(c), x, y, radius);
    }
    [ctx.fillStyle, ctx.strokeStyle, ctx.lineWidth] = [seriesColour(theme, c), theme.paper, 0.8];
    ctx.fill();
    ctx.stroke();
  }
}

const classesOf = ({ labels }) => [...new Set(labels ?? [0])].sort((a, b) => a - b);

/** The classes of points, for a legend. */
export function classEntries(plot, theme) {
  return classesOf(plot).map((c) => ({ mark: markOf(c), colour: seriesColour(theme, c), text: className(plot, c) }));
}

/** The bar that says what the colours are, right of the box. */
export function drawColourBar(ctx, box, theme, scale, standard) {
  const [left, steps] = [box.left + box.width + 14, 64];
  const { ramp, shade } = shadesOf(scale, theme);
  const { label, low, high } = scale ?? standard;
  for (let k = 0; k < steps; k++) {
    const at = shade(low + ((high - low) * k) / (steps - 1));
    ctx.fillStyle = `rgb(${ramp.subarray(at, at + 3)})`;
    ctx.fillRect(left, box.top + (box.height * (steps - 1 - k)) / steps, 12, box.height / steps + 0.6);
  }
  for (const p of [0, 0.5, 1]) {
    const y = box.top + box.height * (1 - p) - 6 * (1 - 2 * p);
    write(ctx, formatValue(low + (high - low) * p), left + 17, y, theme.muted, "left", "middle");
  }
  write(ctx, shortened(ctx, label, box.width / 2), left + 42, box.top - 6, theme.muted, "right", "alphabetic");
}

function hoverField(ctx, box, plot, other, scales, [px, py], theme) {
  if (px < box.left || px > box.left + box.width || py < box.top || py > box.top + box.height) return null;
  const [rows, columns] = plot.values.shape;
  const j = Math.round(((px - box.left) / box.width) * (columns - 1));
  const i = Math.round((1 - (py - box.top) / box.height) * (rows - 1));
  const value = ({ low, high }, k, count) => low + ((high - low) * k) / Math.max(1, count - 1);
  const [x, y] = [value(plot.x, j, columns), value(plot.y, i, rows)];
  const [k, scale] = [i * columns + j, plot.scale ?? chance(plot)];
  const spread = plot.spread ? spreadText(plot.spread[k] / (plot.scale ? 1 : 510)) : "";
  const place = { x: `${plot.x.label} ${withUnit(x, plot.x)}`, y: `${plot.y.label} ${withUnit(y, plot.y)}` };
  const lines = [say("sentences", "place", place), `${scale.label} ${withUnit(plot.values[k], scale)}${spread}`];
  if (other) lines.push(`${change().label} ${formatValue(changeOf(plot, other).values[k])}`);
  strokeBox(ctx, crisp(scales.x(x) - 4), crisp(scales.y(y) - 4), 8, 8, theme.ink);
  return { x: scales.x(x), y: scales.y(y), lines };
}

function fieldLegend(plot, theme, { pinned, difference }) {
  const entries = plot.points ? classEntries(plot, theme) : [];
  if (plot.scale) return entries;
  entries.push(sharedEntry("line", theme.ink, say("legends", "half")));
  if (plot.spread && !difference) entries.push(sharedEntry("bar", theme.grey, say("legends", "disagree")));
  if (pinned) entries.push(sharedEntry("dash", theme.grey, say("legends", "pinned")));
  return entries;
}

export function spreadText(spread) {
  return say("sentences", "spread", { spread: formatValue(spread) });
}
