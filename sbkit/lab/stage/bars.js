// bars.js: draws Bars: one bar a name, one dot a run, the zero line, a pinned run as hollow bars.

import { crisp, drawAxes, drawMark, shortened, strokeLine, tickRoom } from "./axes.js";
import { extentOf, formatValue, growRange, makeScale, markEnds, markText, withUnit } from "./scales.js";
import { say } from "./words.js";

export const barsPainter = { draw: drawBars, legend: barsLegend, table: barsTable, describe: describeBars };

function drawBars(sheet, plot, pinned, { hover }) {
  const { ctx, theme } = sheet;
  const { box, scales, slot, names } = barsLayout(sheet, plot, pinned);
  drawAxes(ctx, box, scales, { y: plot.y }, theme);
  const zero = scales.y(Math.max(scales.y.low, Math.min(scales.y.high, 0)));
  const bar = Math.min(56, 0.68 * slot);
  plot.names.forEach((_, k) => drawBar(ctx, plot, scales, { k, x: centreOf(box, slot, k), bar, zero, theme }));
  if (pinned) drawHollow(ctx, plot, pinned, scales, { box, slot, bar, zero, theme });
  [ctx.strokeStyle, ctx.lineWidth] = [theme.muted, 1];
  strokeLine(ctx, box.left, crisp(zero), box.left + box.width, crisp(zero));
  drawNames(ctx, box, plot, slot, names, theme);
  for (const mark of plot.marks ?? []) {
    const k = plot.names.indexOf(mark.at);
    if (mark.at === null) drawMark(ctx, box, box.left, box.width, scales.y, mark, theme);
    else if (k >= 0) drawMark(ctx, box, box.left + k * slot + 2, slot - 4, scales.y, mark, theme);
  }
  return hover && hoverBars(ctx, box, plot, scales, slot, hover, theme);
}

function centreOf(box, slot, k) {
  return box.left + (k + 0.5) * slot;
}

function barsLayout({ ctx, width, height, memory }, plot, pinned) {
  const [low, high] = extentOf([plot.values, plot.dots, pinned?.values, [0], ...markEnds(plot)]);
  memory.y = growRange(memory.y, [low, high], plot.y);
  const left = tickRoom(ctx, ...memory.y, false, height - 68);
  const slot = (width - left - 16) / Math.max(1, plot.names.length);
  const names = namesLayout(ctx, plot.names, slot);
  const box = { left, top: 26, width: width - left - 16, height: height - 26 - names.room };
  return { box, scales: { y: makeScale(...memory.y, box.top + box.height, box.top) }, slot, names };
}

/** Names lie flat where they fit, else slanted, else upright and, with hundreds of bars, only every few. */
function namesLayout(ctx, names, slot) {
  const widest = Math.max(0, ...names.map((name) => ctx.measureText(name).width));
  if (widest <= slot - 6) return { angle: 0, room: 42, most: widest, every: 1 };
  const most = Math.min(widest, 78);
  if (slot >= 18) return { angle: -Math.PI / 4, room: Math.max(42, 0.71 * most + 22), most, every: 1 };
  return { angle: -Math.PI / 2, room: Math.max(42, most + 14), most, every: Math.ceil(14 / slot) };
}

function drawNames(ctx, box, plot, slot, { angle, most, every }, theme) {
  ctx.fillStyle = theme.muted;
  for (let k = 0; k < plot.names.length; k += every) {
    ctx.save();
    ctx.translate(centreOf(box, slot, k), box.top + box.height + (angle ? 7 : 8));
    ctx.rotate(angle);
    [ctx.textAlign, ctx.textBaseline] = angle ? ["right", "middle"] : ["center", "top"];
    ctx.fillText(shortened(ctx, plot.names[k], Math.max(most, 12)), 0, 0);
    ctx.restore();
  }
}

function drawBar(ctx, plot, scales, { k, x, bar, zero, theme }) {
  const top = scales.y(plot.values[k]);
  if (!Number.isFinite(top)) return;
  ctx.fillStyle = theme.blue;
  ctx.globalAlpha = plot.dots ? 0.42 : 0.8;
  ctx.fillRect(x - bar / 2, Math.min(top, zero), bar, Math.abs(top - zero));
  ctx.globalAlpha = 1;
  ctx.fillRect(x - bar / 2, top - 1, bar, 2);
  if (!plot.dots) return;
  const runs = plot.dots.shape[1];
  const radius = Math.max(1.2, Math.min(3, bar / 9));
  ctx.beginPath();
  for (let run = 0; run < runs; run++) {
    const across = x + bar * 0.7 * ((run + 0.5) / runs - 0.5);
    const up = scales.y(plot.dots[k * runs + run]);
    if (!Number.isFinite(up)) continue;
    ctx.moveTo(across + radius, up);
    ctx.arc(across, up, radius, 0, 2 * Math.PI);
  }
  [ctx.lineWidth, ctx.strokeStyle] = [1, theme.paper];
  ctx.fill();
  if (radius > 2) ctx.stroke();
}

function drawHollow(ctx, plot, pinned, scales, { box, slot, bar, zero, theme }) {
  ctx.setLineDash([3, 3]);
  [ctx.strokeStyle, ctx.lineWidth] = [theme.grey, 1.5];
  plot.names.forEach((name, k) => {
    const top = scales.y(pinned.values[pinned.names.indexOf(name)]);
    if (!Number.isFinite(top)) return;
    const wide = Math.min(bar + 6, slot - 1);
    ctx.strokeRect(centreOf(box, slot, k) - wide / 2, Math.min(top, zero), wide, Math.abs(top - zero));
  });
  ctx.setLineDash([]);
}

function hoverBars(ctx, box, plot, scales, slot, [px], theme) {
  const k = Math.floor((px - box.left) / slot);
  if (k < 0 || k >= plot.names.length) return null;
  ctx.fillStyle = theme.ink;
  ctx.globalAlpha = 0.06;
  ctx.fillRect(box.left + k * slot, box.top, slot, box.height);
  ctx.globalAlpha = 1;
  const lines = [`${plot.names[k]} ${withUnit(plot.values[k], plot.y)}`];
  if (plot.dots) lines.push(say("sentences", "runs", { values: runsOf(plot, k).map(formatValue).join("  ") }));
  const top = scales.y(plot.values[k]);
  return { x: centreOf(box, slot, k), y: Number.isFinite(top) ? top : box.top, lines };
}

function runsOf(plot, k) {
  const runs = plot.dots.shape[1];
  return Array.from(plot.dots.subarray(k * runs, (k + 1) * runs));
}

function barsLegend(plot, theme, { pinned }) {
  const entries = [{ mark: "bar", colour: theme.blue, text: say("legends", plot.dots ? "mean" : "value") }];
  if (plot.dots) entries.push({ mark: "circle", colour: theme.blue, text: say("legends", "run") });
  if (pinned) entries.push({ mark: "hollow", colour: theme.grey, text: say("legends", "pinned") });
  return entries;
}

function barsTable(plot) {
  const runs = plot.dots ? Array.from({ length: plot.dots.shape[1] }, (_, run) => say("tables", "run", { run })) : [];
  return {
    note: plot.y.unit ? say("tables", "in", plot.y) : plot.y.label,
    head: [say("tables", "name"), say("legends", plot.dots ? "mean" : "value"), ...runs],
    rows: plot.names.map((name, k) => [name, formatValue(plot.values[k]), ...(plot.dots ? runsOf(plot, k).map(formatValue) : [])]),
  };
}

function describeBars(plot) {
  const shown = plot.names.slice(0, 6).map((name, k) => `${name} ${formatValue(plot.values[k])}`);
  const rest = plot.names.length > 6 ? say("sentences", "more", { n: plot.names.length - 6 }) : "";
  return say("sentences", "bars", { title: plot.title, y: plot.y.label, shown: shown.join(", "), rest }) + markText(plot);
}
