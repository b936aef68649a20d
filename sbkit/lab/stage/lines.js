// lines.js: draws Lines: means with shapes along them, bands from the lowest to the highest run, a pinned run grey.

import { clipTo, crisp, drawAxes, drawMark, marginsOf, scalesOf, strokeLine } from "./axes.js";
import { markOf, markedPoints, seriesColour, sharedEntry, traceMark } from "./marks.js";
import { formatValue, grownAxis, pale, withUnit } from "./scales.js";
import { say } from "./words.js";

export const linesPainter = { draw: drawLines, legend: linesLegend };

function drawLines(sheet, plot, pinned, { hover }) {
  const { ctx, theme } = sheet;
  const { box, scales } = openLines(sheet, plot, pinned);
  plot.lines.forEach((line, k) => line.low && line.high && drawBand(ctx, line, scales, seriesColour(theme, k)));
  const ghost = { colour: theme.grey, width: 1.25, dash: [3, 3] };
  for (const line of pinned?.lines ?? []) strokeCurve(ctx, line, scales, ghost);
  plot.lines.forEach((line, k) => {
    const colour = seriesColour(theme, k);
    const start = { colour: pale(colour, 0.6), width: 1.5, dash: [4, 3] };
    if (line.start) strokeCurve(ctx, { x: line.x, y: line.start }, scales, start);
    strokeCurve(ctx, line, scales, { colour, dash: line.dash ? [7, 4] : [] });
    drawMarks(ctx, plot, k, scales, colour);
  });
  ctx.restore();
  for (const mark of plot.marks) drawMark(ctx, box, box.left, box.width, scales.y, mark, theme);
  return hover && hoverLines(ctx, box, plot, scales, hover, theme);
}

/** Draw the axes of lines, and then inside of them only, till `restore`; their box and scales. */
export function openLines(sheet, plot, pinned) {
  const lines = [...plot.lines, ...(pinned?.lines ?? [])];
  const marks = plot.marks.flatMap(({ low, high }) => [low, high]);
  const ys = [...lines.flatMap((line) => [line.y, line.low, line.high, line.start]), marks];
  const x = grownAxis(sheet.memory, "x", lines.map((line) => line.x), plot.x);
  const y = grownAxis(sheet.memory, "y", ys, plot.y);
  const { left, top, bottom, told } = marginsOf(sheet, plot, y);
  const box = { left, top, width: sheet.width - left - 14, height: sheet.height - top - bottom };
  const scales = scalesOf(box, x, y);
  drawAxes(sheet.ctx, box, scales, plot, sheet.theme, { told });
  clipTo(sheet.ctx, box, 4);
  return { box, scales };
}

/** Pixel height of a value; on a log axis what is not positive lies on the floor. */
function heightOf(scale, v) {
  return scale(scale.log ? Math.max(v, scale.low) : v);
}

/** A line through all places with a number; NaN parts two lines. */
export function strokeCurve(ctx, { x, y }, scales, { colour, width = 2, dash = [] }) {
  ctx.beginPath();
  let to = "moveTo";
  for (let k = 0; k < x.length; k++) {
    const known = Number.isFinite(y[k]);
    if (known) ctx[to](scales.x(x[k]), heightOf(scales.y, y[k]));
    to = known ? "lineTo" : "moveTo";
  }
  ctx.setLineDash(dash);
  [ctx.strokeStyle, ctx.lineWidth] = [colour, width];
  ctx.stroke();
  ctx.setLineDash([]);
}

/** From the lowest to the highest run; a place without a number is passed over, as the canvas does. */
function drawBand(ctx, { x, low, high }, scales, colour) {
  ctx.beginPath();
  high.forEach((v, k) => ctx.lineTo(scales.x(x[k]), heightOf(scales.y, v)));
  for (let k = x.length - 1; k >= 0; k--) ctx.lineTo(scales.x(x[k]), heightOf(scales.y, low[k]));
  ctx.fillStyle = pale(colour, 0.2);
  ctx.fill();
}

/** Lines of a plot that has several carry shapes of their own; what grows is marked where it is. */
function drawMarks(ctx, plot, k, scales, colour) {
  const line = plot.lines[k];
  const places = plot.lines.length > 1 ? markedPoints(Array.from(line.x, scales.x), k) : [];
  if (plot.grows) places.push(line.x.length - 1);
  for (const i of places) markPlace(ctx, k, scales.x(line.x[i]), heightOf(scales.y, line.y[i]), colour);
}

function markPlace(ctx, k, x, y, colour) {
  ctx.beginPath();
  traceMark(ctx, markOf(k), x, y, 3.4);
  ctx.fillStyle = colour;
  ctx.fill();
}

/** Index of the value nearest to v, -1 of none. */
export function nearestIndex(values, v) {
  const nearer = (best, value, k) => (Math.abs(value - v) < Math.abs(values[best] - v) ? k : best);
  return values.reduce(nearer, values.length - 1);
}

function hoverLines(ctx, box, plot, scales, [px, py], theme) {
  if (px < box.left - 4 || px > box.left + box.width + 8 || !plot.lines.length) return null;
  const xs = plot.lines.flatMap((line) => [...line.x]);
  const x = xs[nearestIndex(xs, scales.x.invert(px))];
  if (x === undefined) return null;
  strokeLine(ctx, crisp(scales.x(x)), box.top, crisp(scales.x(x)), box.top + box.height, theme.muted);
  const lines = [`${plot.x.label} ${withUnit(x, plot.x)}`];
  plot.lines.forEach((line, k) => {
    const at = line.x.indexOf(x);
    if (at < 0) return;
    markPlace(ctx, k, scales.x(x), heightOf(scales.y, line.y[at]), seriesColour(theme, k));
    lines.push(`${line.name} ${withUnit(line.y[at], plot.y)}${bandText(line, at)}`);
  });
  return { x: scales.x(x), y: py, lines };
}

export function bandText(line, k) {
  return line.low && line.high ? ` (${formatValue(line.low[k])} … ${formatValue(line.high[k])})` : "";
}

function linesLegend({ lines, title, y }, theme, { pinned }) {
  const several = lines.length > 1;
  const named = several || !`${title} ${y.label}`.toLowerCase().includes(lines[0].name.toLowerCase());
  const look = (dash, k) => ({ mark: dash ? "dash" : "line", shape: several ? markOf(k) : null });
  const entry = ({ name, dash }, k) => ({ ...look(dash, k), colour: seriesColour(theme, k), text: name });
  const entries = named ? lines.map(entry) : [];
  if (lines.some((line) => line.low)) entries.push(sharedEntry("band", theme.muted, say("legends", "band")));
  if (lines.some((line) => line.start)) entries.push(sharedEntry("dash", theme.muted, say("legends", "start")));
  if (pinned) entries.push(sharedEntry("dash", theme.grey, say("legends", "pinned")));
  return entries;
}
