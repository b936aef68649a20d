// scatter.js: draws Scatter: points on two axes, each as its class looks, the line y = x, a pinned run grey behind.

import { drawMark, strokeBox } from "./axes.js";
import { rowOf } from "./decode.js";
import { classEntries, className, drawPoints } from "./field.js";
import { openLines, strokeCurve } from "./lines.js";
import { sharedEntry } from "./marks.js";
import { withUnit } from "./scales.js";
import { say } from "./words.js";

export const scatterPainter = { draw: drawScatter, legend: scatterLegend };

function drawScatter(sheet, plot, pinned, { hover }) {
  const { ctx, theme } = sheet;
  const { box, scales } = openLines(sheet, asLines(plot), pinned && asLines(pinned));
  const x = Array.from({ length: 41 }, (_, k) => scales.x.invert(box.left + (box.width * k) / 40)); // bent on log axes
  if (plot.diagonal) strokeCurve(ctx, { x, y: x }, scales, { colour: theme.grey, width: 1.5, dash: [6, 4] });
  if (pinned) drawPoints(ctx, pinned, scales, { ...theme, series: [theme.grey] });
  drawPoints(ctx, plot, scales, theme);
  ctx.restore();
  for (const mark of plot.marks) drawMark(ctx, box, box.left, box.width, scales.y, mark, theme);
  const k = hover ? nearestPoint(plot.points, scales, hover) : -1;
  if (k < 0) return null;
  const [across, up] = rowOf(plot.points, k);
  const at = { x: scales.x(across), y: scales.y(up) };
  strokeBox(ctx, at.x - 6, at.y - 6, 12, 12, theme.ink);
  const lines = [`${plot.x.label} ${withUnit(across, plot.x)}`, `${plot.y.label} ${withUnit(up, plot.y)}`];
  return { ...at, lines: plot.labels ? [className(plot, plot.labels[k]), ...lines] : lines };
}

/** The points as a line, for its axes; with a diagonal both axes hold all coordinates. */
function asLines(plot) {
  const [x, y] = [0, 1].map((side) => plot.points.filter((_, k) => plot.diagonal || k % 2 === side));
  return { ...plot, lines: [{ x, y }] };
}

/** The point nearest to a place of the canvas, -1 where none is near. */
export function nearestPoint(points, scales, [px, py], reach = 24) {
  const far = (k) => Math.hypot(scales.x(points[2 * k]) - px, scales.y(points[2 * k + 1]) - py);
  const away = Array.from({ length: points.length / 2 }, (_, k) => far(k));
  return away.indexOf(Math.min(reach, ...away.filter((d) => d < reach)));
}

function scatterLegend(plot, theme, { pinned }) {
  const entries = plot.labels ? classEntries(plot, theme) : [];
  if (plot.diagonal) entries.push({ mark: "dash", colour: theme.grey, text: say("legends", "diagonal") });
  if (pinned) entries.push(sharedEntry("circle", theme.grey, say("legends", "pinned")));
  return entries;
}
