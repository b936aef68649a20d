// field.js: draws a Field: heat map of P(class 1), grey where the runs disagree, the .5 contour, test points.

import { crisp, drawAxes, tickRoom } from "./axes.js";
import { contourOf, joinSegments, resample } from "./contour.js";
import { formatTick, formatValue, hexToRgb, makeScale, withUnit } from "./scales.js";

const PIXELS = 160; // side of the heat map before the browser stretches it
const MARKS = ["circle", "square", "triangle"];

export const fieldPainter = { draw: drawField, legend: fieldLegend, table: fieldTable, describe: describeField };

function drawField(sheet, plot, pinned, { difference, hover }) {
  const { ctx, theme } = sheet;
  const other = difference && pinned && sameWindow(plot, pinned) ? pinned : null;
  const { box, scales } = fieldLayout(sheet, plot);
  ctx.imageSmoothingEnabled = true;
  ctx.drawImage(heatMap(sheet, plot, other), box.left, box.top, box.width, box.height);
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, box.top, box.width, box.height);
  ctx.clip();
  if (plot.points) drawPoints(ctx, plot, scales, theme);
  if (pinned) drawContour(ctx, scales, pinned, { colour: theme.grey, dash: [5, 4] });
  drawContour(ctx, scales, plot, { colour: theme.ink, dash: [] });
  ctx.restore();
  ctx.strokeStyle = theme.muted;
  ctx.lineWidth = 1;
  ctx.strokeRect(crisp(box.left), crisp(box.top), Math.round(box.width), Math.round(box.height));
  drawAxes(ctx, box, scales, plot, theme, { grid: false });
  drawColourBar(ctx, box, theme, other !== null);
  return hover && hoverField(ctx, box, plot, other, scales, hover, theme);
}

function fieldLayout({ ctx, width, height }, plot) {
  const top = 26;
  const side = height - top - 42;
  const left = tickRoom(ctx, plot.y.low, plot.y.high, false, side);
  const box = { left, top, width: Math.min(width - left - 64, 1.35 * side), height: side };
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
  paintPixels(pixels.data, plot, other, theme);
  ctx.putImageData(pixels, 0, 0);
  return memory.image;
}

/** Fill RGBA bytes, top row first: colour by the value, mixed toward grey by twice the spread. */
export function paintPixels(bytes, plot, other, theme) {
  const size = [PIXELS, PIXELS];
  const values = shownValues(resample(plot.values, plot.values.shape, size), other, size);
  const spread = plot.spread && !other ? resample(plot.spread, plot.spread.shape, size) : null;
  const grey = hexToRgb(theme.grey);
  for (let i = 0; i < PIXELS; i++) {
    for (let j = 0; j < PIXELS; j++) {
      const from = i * PIXELS + j;
      const at = 4 * ((PIXELS - 1 - i) * PIXELS + j);
      const k = 3 * Math.max(0, Math.min(255, Math.round(values[from] * 255)));
      const weight = spread ? Math.min(0.8, spread[from] / 255) : 0;
      for (let c = 0; c < 3; c++) bytes[at + c] = theme.ramp[k + c] + (grey[c] - theme.ramp[k + c]) * weight;
      bytes[at + 3] = Number.isNaN(values[from]) ? 0 : 255;
    }
  }
}

/** Whether two fields look at the same part of the plane, to a fiftieth: only then is a difference one. */
function sameWindow(one, other) {
  return ["x", "y"].every((key) => ["low", "high"].every((end) =>
    Math.abs(one[key][end] - other[key][end]) <= 0.02 * (one[key].high - one[key].low)));
}

/** The values themselves, or their half-scaled difference from another field, .5 = no difference. */
export function shownValues(values, other, shape) {
  if (!other) return values;
  const before = resample(other.values, other.values.shape, shape);
  return values.map((v, k) => 0.5 + (v - before[k]) / 2);
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
      tracePoint(ctx, MARKS[mark], scales.x(points[2 * k]), scales.y(points[2 * k + 1]), radius);
    }
    [ctx.fillStyle, ctx.strokeStyle, ctx.lineWidth] = [theme.series[mark], theme.paper, 0.8];
    ctx.fill();
    ctx.stroke();
  }
}

function tracePoint(ctx, mark, x, y, r) {
  if (mark === "circle") {
    ctx.moveTo(x + r, y);
    ctx.arc(x, y, r, 0, 2 * Math.PI);
  } else if (mark === "triangle") {
    ctx.moveTo(x, y - 1.3 * r);
    ctx.lineTo(x + 1.15 * r, y + 0.8 * r);
    ctx.lineTo(x - 1.15 * r, y + 0.8 * r);
    ctx.closePath();
  } else ctx.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
}

function drawColourBar(ctx, box, theme, difference) {
  const [left, steps] = [box.left + box.width + 14, 64];
  for (let k = 0; k < steps; k++) {
    const at = 3 * Math.round((k / (steps - 1)) * 255);
    ctx.fillStyle = `rgb(${theme.ramp[at]},${theme.ramp[at + 1]},${theme.ramp[at + 2]})`;
    ctx.fillRect(left, box.top + (box.height * (steps - 1 - k)) / steps, 12, box.height / steps + 0.6);
  }
  [ctx.textAlign, ctx.textBaseline, ctx.fillStyle] = ["left", "middle", theme.muted];
  for (const p of [0, 0.5, 1]) {
    const inset = 6 * (1 - 2 * p);
    ctx.fillText(formatTick(difference ? 2 * p - 1 : p), left + 17, box.top + box.height * (1 - p) - inset);
  }
  ctx.textBaseline = "alphabetic";
  ctx.fillText(difference ? "change" : "P(class 1)", left - 8, box.top - 10);
}

function hoverField(ctx, box, plot, other, scales, [px, py], theme) {
  if (px < box.left || px > box.left + box.width || py < box.top || py > box.top + box.height) return null;
  const [rows, columns] = plot.values.shape;
  const j = Math.round(((px - box.left) / box.width) * (columns - 1));
  const i = Math.round((1 - (py - box.top) / box.height) * (rows - 1));
  const [x, y] = [gridValue(plot.x, j, columns), gridValue(plot.y, i, rows)];
  const value = plot.values[i * columns + j];
  const lines = [`${plot.x.label} ${withUnit(x, plot.x)}, ${plot.y.label} ${withUnit(y, plot.y)}`];
  const spread = plot.spread ? ` ± ${formatValue(plot.spread[i * columns + j] / 510)} over runs` : "";
  lines.push(`P(class 1) ${formatValue(value)}${spread}`);
  if (other) lines.push(`change ${formatValue(value - resample(other.values, other.values.shape, [rows, columns])[i * columns + j])}`);
  [ctx.strokeStyle, ctx.lineWidth] = [theme.ink, 1];
  ctx.strokeRect(crisp(scales.x(x) - 4), crisp(scales.y(y) - 4), 8, 8);
  return { x: scales.x(x), y: scales.y(y), lines };
}

function gridValue(axis, k, count) {
  return axis.low + ((axis.high - axis.low) * k) / Math.max(1, count - 1);
}

function fieldLegend(plot, theme, { pinned, difference }) {
  const classes = plot.points ? [...new Set(plot.labels ?? [0])].sort().slice(0, 3) : [];
  const entries = classes.map((c) => ({ mark: MARKS[c], colour: theme.series[c], text: `class ${c}` }));
  entries.push({ mark: "line", colour: theme.ink, text: "P = .5" });
  if (plot.spread && !difference) entries.push({ mark: "bar", colour: theme.grey, text: "runs disagree" });
  if (pinned) entries.push({ mark: "dash", colour: theme.grey, text: "pinned" });
  return entries;
}

/** P(class 1) at up to 11 × 11 places of the grid. */
function fieldTable(plot) {
  const [rows, columns] = plot.values.shape;
  const pick = (n) => Array.from({ length: Math.min(n, 11) }, (_, k) => Math.round((k * (n - 1)) / Math.max(1, Math.min(n, 11) - 1)));
  const across = pick(columns);
  return {
    note: `P(class 1) at ${pick(rows).length} × ${across.length} of ${rows} × ${columns} grid points`,
    head: [`${plot.y.label} \\ ${plot.x.label}`, ...across.map((j) => formatValue(gridValue(plot.x, j, columns)))],
    rows: pick(rows).reverse().map((i) => [
      formatValue(gridValue(plot.y, i, rows)), ...across.map((j) => formatValue(plot.values[i * columns + j]))]),
  };
}

function describeField(plot) {
  const share = plot.values.reduce((count, v) => count + (v > 0.5), 0) / plot.values.length;
  return `${plot.title}: P(class 1) over ${plot.x.label} and ${plot.y.label}; above one half on ${Math.round(100 * share)} % of the plane.`;
}
