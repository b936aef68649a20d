// bars.js: draws Bars: one bar a name (or several sides of it), one dot a run, a pinned run as hollow bars.

import { crisp, drawAxes, drawMark, drawNames, marginsOf, namesLayout, scalesOf, strokeLine } from "./axes.js";
import { rowOf } from "./decode.js";
import { bandText } from "./lines.js";
import { seriesColour, sharedEntry, traceMark } from "./marks.js";
import { formatValue, grownAxis, pale, withUnit } from "./scales.js";
import { say } from "./words.js";

export const barsPainter = { draw: drawBars, legend: barsLegend };

function drawBars(sheet, plot, pinned, { hover }) {
  const { ctx, theme } = sheet;
  const { box, scales, slot, names, told } = barsLayout(sheet, plot, pinned);
  drawAxes(ctx, box, scales, plot, theme, { told });
  const zero = scales.y(Math.max(scales.y.low, Math.min(scales.y.high, 0)));
  const sides = sidesOf(plot).length;
  const bar = plot.x ? Math.max(1, slot / sides - 1) : Math.min(56, 0.68 * slot) / sides ** 0.75;
  const xs = plot.names.map((_, k) => centreOf(box, slot, k, plot, bar));
  xs.forEach((x, k) => drawBar(ctx, plot, scales, { k, x, bar, zero, theme }));
  if (pinned) drawHollow(ctx, plot, pinned, scales, { xs, slot, bar, zero, theme });
  strokeLine(ctx, box.left, crisp(zero), box.left + box.width, crisp(zero), theme.muted);
  if (plot.low) xs.forEach((x, k) => drawWhisker(ctx, scales, plot.low[k], plot.high[k], { x, wide: bar / 5, theme }));
  if (!plot.x) drawNames(ctx, box, plot.names.slice(0, placeOf(plot, 0).count), slot, names, theme);
  for (const mark of plot.marks) {
    const k = plot.names.indexOf(mark.at);
    if (mark.at === null) drawMark(ctx, box, box.left, box.width, scales.y, mark, theme);
    else if (k >= 0) drawMark(ctx, box, box.left + k * slot + 2, slot - 4, scales.y, mark, theme);
  }
  return hover && hoverBars(ctx, box, plot, scales, slot, hover, theme);
}

/** What is compared; bars come in as many equal blocks. */
function sidesOf(plot) {
  return plot.sides?.length ? plot.sides : [""];
}

/** Side of bar k, and its place among the names. */
export function placeOf(plot, k) {
  const count = plot.names.length / sidesOf(plot).length;
  return { side: Math.floor(k / count), slot: k % count, count };
}

/** Middle of bar k; without its width, that of its name. */
function centreOf(box, width, k, plot, bar = 0) {
  const { side, slot } = placeOf(plot, k);
  return box.left + (slot + 0.5) * width + (side - (sidesOf(plot).length - 1) / 2) * (bar + 2);
}

function barsLayout(sheet, plot, pinned) {
  const { ctx, width, height, memory } = sheet;
  const marks = plot.marks.flatMap(({ low, high }) => [low, high]);
  const ends = [plot.values, plot.dots, plot.low, plot.high, pinned?.values, [0], marks];
  const y = grownAxis(memory, "y", ends, { ...plot.y, log: false });
  const { left, top, bottom, told, small } = marginsOf(sheet, plot, y);
  const slot = (width - left - 8) / Math.max(1, placeOf(plot, 0).count);
  const names = plot.x ? { room: bottom } : namesLayout(ctx, plot.names, slot, small ? 46 : 78);
  const box = { left, top, width: width - left - 8, height: height - top - names.room };
  return { box, scales: scalesOf(box, plot.x, y), slot, names, told };
}

/** A bar with its dots; the canvas leaves out what is no number. */
function drawBar(ctx, plot, scales, { k, x, bar, zero, theme }) {
  const top = scales.y(plot.values[k]);
  const colour = seriesColour(theme, placeOf(plot, k).side);
  ctx.fillStyle = pale(colour, plot.dots ? 0.42 : 0.8);
  ctx.fillRect(x - bar / 2, Math.min(top, zero), bar, Math.abs(top - zero));
  ctx.fillStyle = colour;
  ctx.fillRect(x - bar / 2, top - 1, bar, 2);
  if (!plot.dots) return;
  const runs = plot.dots.shape[1];
  const radius = Math.max(1.2, Math.min(3, bar / 9));
  ctx.beginPath();
  for (let run = 0; run < runs; run++) {
    const across = x + bar * 0.7 * ((run + 0.5) / runs - 0.5);
    const up = scales.y(plot.dots[k * runs + run]);
    traceMark(ctx, "circle", across, up, radius);
  }
  [ctx.lineWidth, ctx.strokeStyle] = [1, theme.paper];
  ctx.fill();
  if (radius > 2) ctx.stroke();
}

/** A bar's interval: a line with a bar across at each end. */
function drawWhisker(ctx, scales, low, high, { x, wide, theme }) {
  strokeLine(ctx, x, scales.y(low), x, scales.y(high), theme.ink, 1.5);
  for (const y of [scales.y(low), scales.y(high)]) strokeLine(ctx, x - wide, y, x + wide, y, theme.ink, 1.5);
}

function drawHollow(ctx, plot, pinned, scales, { xs, slot, bar, zero, theme }) {
  ctx.setLineDash([3, 3]);
  [ctx.strokeStyle, ctx.lineWidth] = [theme.grey, 1.5];
  plot.names.forEach((name, k) => {
    const same = (other, j) => other === name && placeOf(pinned, j).side === placeOf(plot, k).side;
    const top = scales.y(pinned.values[pinned.names.findIndex(same)]);
    const wide = plot.sides?.length ? bar : Math.min(bar + 6, slot - 1);
    ctx.strokeRect(xs[k] - wide / 2, Math.min(top, zero), wide, Math.abs(top - zero));
  });
  ctx.setLineDash([]);
}

function hoverBars(ctx, box, plot, scales, slot, [px], theme) {
  const { count } = placeOf(plot, 0);
  const at = Math.floor((px - box.left) / slot);
  if (at < 0 || at >= count) return null;
  ctx.fillStyle = pale(theme.grey, 0.12);
  ctx.fillRect(box.left + at * slot, box.top, slot, box.height);
  const bars = plot.names.map((_, k) => k).filter((k) => k % count === at);
  const lines = bars.flatMap((k) => [`${plot.table.names[k]}: ${withUnit(plot.values[k], plot.y)}${bandText(plot, k)}`,
    ...(plot.dots ? [say("sentences", "runs", { values: rowOf(plot.dots, k).map(formatValue).join("  ") })] : [])]);
  const top = Math.min(...bars.map((k) => scales.y(plot.values[k])));
  return { x: centreOf(box, slot, at, plot), y: Number.isFinite(top) ? top : box.top, lines };
}

/** Bars that stand for themselves need none. */
function barsLegend(plot, theme, { pinned }) {
  const entries = (plot.sides ?? []).map((text, s) => ({ mark: "bar", colour: seriesColour(theme, s), text }));
  if (plot.dots && !entries.length) entries.push(sharedEntry("bar", theme.blue, say("legends", "mean")));
  if (plot.dots) entries.push(sharedEntry("circle", theme.muted, say("legends", "run")));
  if (pinned) entries.push(sharedEntry("hollow", theme.grey, say("legends", "pinned")));
  return entries;
}
