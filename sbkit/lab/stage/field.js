// field.js: draws a Field over a plane: heat map of P(class 1), grey where the runs disagree, the .5 contour, test
// points; or of any other quantity, told by its scale.

import { crisp, drawAxes, marginsOf, shortened, tickRoom } from "./axes.js";
import { contourOf, joinSegments, resample } from "./contour.js";
import { MARKS, traceMark } from "./marks.js";
import { extentOf, formatValue, hexToRgb, makeScale, withUnit } from "./scales.js";
import { say } from "./words.js";

const PIXELS = 160; // side of the heat map before the browser stretches it

const LETTERS = 32; // of a class's name in a legend
const chance = (plot, most) => ({ label: say("axes", "chance", { name: className(plot, 1, most) }), unit: "", low: 0, high: 1 });
const change = () => ({ label: say("axes", "change"), unit: "", low: -1, high: 1 });

/** What class c is called, cut for a legend. */
export function className(plot, c, most = LETTERS) {
  const name = (plot.names?.[c] ?? say("legends", "class", { c })).replace(/\s+/g, " ");
  return name.length <= most ? name : `${name.slice(0, most - 1)}…`;
}

export const fieldPainter = { draw: drawField, legend: fieldLegend, table: fieldTable, describe: describeField };

function drawField(sheet, plot, pinned, { difference, hover }) {
  const { ctx, theme } = sheet;
  const other = difference && pinned && !plot.scale && sameWindow(plot, pinned) ? pinned : null;
  const { box, scales } = fieldLayout(sheet, plot);
  ctx.imageSmoothingEnabled = true;
  ctx.drawImage(heatMap(sheet, plot, other), box.left, box.top, box.width, box.height);
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, box.top, box.width, box.height);
  ctx.clip();
  if (plot.points) drawPoints(ctx, plot, scales, theme);
  if (pinned && !plot.scale) drawContour(ctx, scales, pinned, { colour: theme.grey, dash: [5, 4] });
  if (!plot.scale) drawContour(ctx, scales, plot, { colour: theme.ink, dash: [] });
  ctx.restore();
  ctx.strokeStyle = theme.muted;
  ctx.lineWidth = 1;
  ctx.strokeRect(crisp(box.left), crisp(box.top), Math.round(box.width), Math.round(box.height));
  drawAxes(ctx, box, scales, plot, theme, { grid: false });
  drawColourBar(ctx, box, theme, other ? change() : plot.scale, chance(plot));
  return hover && hoverField(ctx, box, plot, other, scales, hover, theme);
}

function fieldLayout({ ctx, width, height }, plot) {
  const { top, bottom } = marginsOf(height, plot);
  const left = tickRoom(ctx, plot.y.low, plot.y.high, false, height - top - bottom);
  const across = width - left - 58;
  const side = Math.min(height - top - bottom, Math.max(160, 1.7 * across));
  const box = { left, top, width: Math.min(across, 1.35 * side), height: side };
  const scales = {
    x: makeScale(plot.x.low, plot.x.high, left, left + box.width),
    y: makeScale(plot.y.low, plot.y.high, top + side, top),
  };
  return { box, scales };
}

/** The heat map as a small canvas, painted anew only when what it shows has changed. */
function heatMap({ memory, theme }, plot, other) {
  if (memory.painted === plot.values && memory.against === other && memory.ramp === theme.ramp) return memory.image;
  Object.assign(memory, { painted: plot.values, against: other, ramp: theme.ramp });
  memory.image ??= Object.assign(document.createElement("canvas"), { width: PIXELS, height: PIXELS });
  const ctx = memory.image.getContext("2d");
  const pixels = ctx.createImageData(PIXELS, PIXELS);
  paintPixels(pixels.data, other ? changeOf(plot, other) : plot, theme);
  ctx.putImageData(pixels, 0, 0);
  return memory.image;
}

/** Fill RGBA bytes, top row first: colour by the value on its scale, mixed toward grey by twice the spread. */
export function paintPixels(bytes, plot, theme) {
  const size = [PIXELS, PIXELS];
  const values = resample(plot.values, plot.values.shape, size);
  const spread = plot.spread && !plot.scale ? resample(plot.spread, plot.spread.shape, size) : null;
  const grey = hexToRgb(theme.grey);
  const { ramp, shade } = shadesOf(plot.scale, theme);
  for (let i = 0; i < PIXELS; i++) {
    for (let j = 0; j < PIXELS; j++) {
      const from = i * PIXELS + j;
      const at = 4 * ((PIXELS - 1 - i) * PIXELS + j);
      const k = shade(values[from]);
      const weight = spread ? Math.min(0.8, spread[from] / 255) : 0;
      for (let c = 0; c < 3; c++) bytes[at + c] = ramp[k + c] + (grey[c] - ramp[k + c]) * weight;
      bytes[at + 3] = Number.isNaN(values[from]) ? 0 : 255;
    }
  }
}

/** The colours of a scale, and the place of a value among them: around 0 if it is symmetric, else rising. */
export function shadesOf(scale, theme) {
  const { low, high } = scale ?? { low: 0, high: 1 };
  const ramp = !scale ? theme.ramp : low === -high ? theme.change : theme.rising;
  return { ramp, shade: (v) => 3 * Math.max(0, Math.min(255, Math.round((255 * (v - low)) / (high - low)))) };
}

/** Whether two fields are of the same classes over the same part of the plane, to a fiftieth: only then is a difference one. */
function sameWindow(one, other) {
  return String(one.names) === String(other.names) && ["x", "y"].every((key) => ["low", "high"].every((end) =>
    Math.abs(one[key][end] - other[key][end]) <= 0.02 * (one[key].high - one[key].low)));
}

/** A field of what has changed since another one, at the resolution of the first. */
export function changeOf(plot, other) {
  const { shape } = plot.values;
  const before = resample(other.values, other.values.shape, shape);
  return { ...plot, values: Object.assign(plot.values.map((v, k) => v - before[k]), { shape }), scale: change(), spread: null };
}

/** The .5 contour of a field, placed by the field's own axes. */
function drawContour(ctx, scales, plot, { colour, dash }) {
  const [rows, columns] = plot.values.shape;
  ctx.beginPath();
  for (const line of joinSegments(contourOf(plot.values, [rows, columns]))) {
    for (let k = 0; k < line.length; k += 2) {
      ctx[k ? "lineTo" : "moveTo"](scales.x(gridValue(plot.x, line[k], columns)), scales.y(gridValue(plot.y, line[k + 1], rows)));
    }
  }
  ctx.setLineDash(dash);
  [ctx.lineWidth, ctx.strokeStyle, ctx.lineCap] = [2, colour, "round"];
  ctx.stroke();
  ctx.setLineDash([]);
}

function drawPoints(ctx, plot, scales, theme) {
  const { points, labels } = plot;
  const radius = points.shape[0] > 150 ? 2.7 : 3.4;
  for (let mark = 0; mark < MARKS.length; mark++) {
    ctx.beginPath();
    for (let k = 0; k < points.shape[0]; k++) {
      if ((labels ? Math.min(labels[k], MARKS.length - 1) : 0) !== mark) continue;
      traceMark(ctx, MARKS[mark], scales.x(points[2 * k]), scales.y(points[2 * k + 1]), radius);
    }
    [ctx.fillStyle, ctx.strokeStyle, ctx.lineWidth] = [theme.series[mark], theme.paper, 0.8];
    ctx.fill();
    ctx.stroke();
  }
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
  [ctx.textAlign, ctx.textBaseline, ctx.fillStyle] = ["left", "middle", theme.muted];
  for (const p of [0, 0.5, 1]) {
    const inset = 6 * (1 - 2 * p);
    ctx.fillText(formatValue(low + (high - low) * p), left + 17, box.top + box.height * (1 - p) - inset);
  }
  [ctx.textAlign, ctx.textBaseline] = ["right", "alphabetic"];
  ctx.fillText(shortened(ctx, label, box.width / 2), left + 42, box.top - 6);
}

function hoverField(ctx, box, plot, other, scales, [px, py], theme) {
  if (px < box.left || px > box.left + box.width || py < box.top || py > box.top + box.height) return null;
  const [rows, columns] = plot.values.shape;
  const j = Math.round(((px - box.left) / box.width) * (columns - 1));
  const i = Math.round((1 - (py - box.top) / box.height) * (rows - 1));
  const [x, y] = [gridValue(plot.x, j, columns), gridValue(plot.y, i, rows)];
  const [k, scale] = [i * columns + j, plot.scale ?? chance(plot)];
  const spread = plot.spread ? spreadText(plot.spread[k] / (plot.scale ? 1 : 510)) : "";
  const place = { x: `${plot.x.label} ${withUnit(x, plot.x)}`, y: `${plot.y.label} ${withUnit(y, plot.y)}` };
  const lines = [say("sentences", "place", place), `${scale.label} ${withUnit(plot.values[k], scale)}${spread}`];
  if (other) lines.push(`${change().label} ${formatValue(changeOf(plot, other).values[k])}`);
  [ctx.strokeStyle, ctx.lineWidth] = [theme.ink, 1];
  ctx.strokeRect(crisp(scales.x(x) - 4), crisp(scales.y(y) - 4), 8, 8);
  return { x: scales.x(x), y: scales.y(y), lines };
}

function gridValue(axis, k, count) {
  return axis.low + ((axis.high - axis.low) * k) / Math.max(1, count - 1);
}

function fieldLegend(plot, theme, { pinned, difference }) {
  const classes = plot.points ? [...new Set(plot.labels ?? [0])].sort().slice(0, MARKS.length) : [];
  const entries = classes.map((c) => ({ mark: MARKS[c], colour: theme.series[c], text: className(plot, c) }));
  if (plot.scale) return entries;
  entries.push({ mark: "line", colour: theme.ink, text: say("legends", "half"), shared: true });
  if (plot.spread && !difference) entries.push({ mark: "bar", colour: theme.grey, text: say("legends", "disagree"), shared: true });
  if (pinned) entries.push({ mark: "dash", colour: theme.grey, text: say("legends", "pinned"), shared: true });
  return entries;
}

/** The value at up to 11 × 11 places of the grid. */
function fieldTable(plot) {
  const [rows, columns] = plot.values.shape;
  const pick = (n) => Array.from({ length: Math.min(n, 11) }, (_, k) => Math.round((k * (n - 1)) / Math.max(1, Math.min(n, 11) - 1)));
  const across = pick(columns);
  return {
    note: say("tables", "grid", { ...(plot.scale ?? chance(plot, Infinity)), shown: `${pick(rows).length} × ${across.length}`, all: `${rows} × ${columns}` }),
    head: [`${plot.y.label} \\ ${plot.x.label}`, ...across.map((j) => formatValue(gridValue(plot.x, j, columns)))],
    rows: pick(rows).reverse().map((i) => [
      formatValue(gridValue(plot.y, i, rows)), ...across.map((j) => formatValue(plot.values[i * columns + j]))]),
  };
}

function describeField(plot) {
  const share = Math.round((100 * plot.values.reduce((count, v) => count + (v > 0.5), 0)) / plot.values.length);
  const about = { title: plot.title, label: (plot.scale ?? chance(plot, Infinity)).label, x: plot.x.label, y: plot.y.label, share };
  return plot.scale ? say("sentences", "field", { ...about, range: rangeText(plot) }) : say("sentences", "chance", about);
}

/** The least and the largest value of a field in words. */
export function rangeText(plot) {
  const [low, high] = extentOf([plot.values]);
  return low > high ? say("sentences", "no_range") : say("sentences", "range", { low: withUnit(low, plot.scale), high: withUnit(high, plot.scale) });
}

export function spreadText(spread) {
  return say("sentences", "spread", { spread: formatValue(spread) });
}
