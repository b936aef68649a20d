// axes.js: the sheet of a plot: theme colours, a canvas at device pixels, the box with its axes and ticks.

import { divergingColours, formatTick, hexToRgb, risingColours, ticksOf } from "./scales.js";

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif";
const SMALL = 200; // pixels: lower pictures have smaller letters and margins
const LONGEST = 200; // letters that are measured; no plot has room for more

/** The colours in force at `root`, which it marks as dark or light by its own background. */
export function readTheme(root) {
  const style = getComputedStyle(root);
  const [r, g, b] = style.backgroundColor.match(/[\d.]+/g).map(Number);
  root.classList.toggle("sb-dark", 0.299 * r + 0.587 * g + 0.114 * b < 110);
  const colour = (name) => style.getPropertyValue(`--sb-${name}`).trim();
  const names = ["blue", "orange", "green", "purple", "sky", "neutral", "grey", "muted", "grid", "low", "high", "cold"];
  const theme = Object.fromEntries(names.map((name) => [name, colour(name)]));
  [theme.ink, theme.paper] = [style.color, style.backgroundColor]; // what is in force, also where the system forces colours
  theme.series = [theme.blue, theme.orange, theme.green, theme.purple, theme.sky];
  const [low, blue, high, cold, neutral, orange] = ["low", "blue", "high", "cold", "neutral", "orange"].map((name) => hexToRgb(theme[name]));
  theme.ramp = divergingColours(cold, neutral, orange);
  theme.change = divergingColours(cold, neutral, orange, 21); // an odd number: no change has no colour
  theme.rising = risingColours([low, blue, high]);
  return theme;
}

/** Size the canvas to its box in device pixels; returns its context, cleared and scaled to CSS pixels. */
export function openSheet(canvas, width, height) {
  const ratio = globalThis.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    [canvas.width, canvas.height] = [w, h];
    canvas.style.height = `${height}px`;
  }
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, width, height);
  ctx.font = `${height < SMALL ? 11 : 12}px ${FONT}`;
  ctx.lineJoin = "round";
  return ctx;
}

/** A coordinate on the middle of a device pixel, so that hairlines are sharp. */
export function crisp(v) {
  const ratio = globalThis.devicePixelRatio || 1;
  return (Math.round(v * ratio - 0.5) + 0.5) / ratio;
}

/** Axis name with its unit: "loss (nats)". */
function axisName(axis) {
  return axis.unit ? `${axis.label} (${axis.unit})` : axis.label;
}

/** Room above the box for the name of its upright axis, none where the title says it, and below it for ticks and name. */
export function marginsOf(height, plot) {
  const small = height < SMALL;
  const told = !plot.y.unit && plot.title.toLowerCase().includes(plot.y.label.toLowerCase());
  return { top: told ? 7 : small ? 17 : 22, bottom: small ? 30 : 36, told, small };
}

/** Grid lines, ticks and names; `box` is {left, top, width, height}, x and y are scales. */
export function drawAxes(ctx, box, scales, axes, theme, { grid = true, told = false } = {}) {
  drawUpTicks(ctx, box, scales.y, theme, grid);
  if (axes.x) drawAcrossTicks(ctx, box, scales.x, theme);
  ctx.fillStyle = theme.muted;
  ctx.textBaseline = "alphabetic";
  ctx.textAlign = "left";
  if (!told) ctx.fillText(shortened(ctx, axisName(axes.y), box.left + box.width), 2, box.top - 6);
  if (!axes.x) return;
  [ctx.textAlign, ctx.textBaseline] = ["center", "top"];
  ctx.fillText(shortened(ctx, axisName(axes.x), box.left + box.width), box.left + box.width / 2, box.top + box.height + 18);
}

/** About so many ticks stand along an upright axis. */
function upTicks(height) {
  return Math.max(2, height / 34);
}

function drawUpTicks(ctx, box, scale, theme, grid) {
  const ticks = ticksOf(scale.low, scale.high, upTicks(box.height), scale.log);
  const step = scale.log ? undefined : ticks[1] - ticks[0];
  [ctx.textAlign, ctx.textBaseline, ctx.lineWidth, ctx.strokeStyle] = ["right", "middle", 1, theme.grid];
  ctx.fillStyle = theme.muted;
  for (const tick of ticks) {
    const y = crisp(scale(tick));
    strokeLine(ctx, grid ? box.left : box.left - 4, y, grid ? box.left + box.width : box.left, y);
    ctx.fillText(formatTick(tick, step), box.left - 7, y + 0.5);
  }
}

function drawAcrossTicks(ctx, box, scale, theme) {
  const ticks = ticksOf(scale.low, scale.high, Math.max(2, box.width / 60), scale.log);
  const step = scale.log ? undefined : ticks[1] - ticks[0];
  const bottom = crisp(box.top + box.height);
  [ctx.textAlign, ctx.textBaseline, ctx.lineWidth, ctx.strokeStyle] = ["center", "top", 1, theme.muted];
  ctx.fillStyle = theme.muted;
  strokeLine(ctx, box.left, bottom, box.left + box.width, bottom);
  for (const tick of ticks) {
    const x = crisp(scale(tick));
    strokeLine(ctx, x, bottom, x, bottom + 3);
    ctx.fillText(formatTick(tick, step), x, bottom + 5);
  }
}

/** A range of values as a dashed frame from `left` on, its label above it or, where there is no room, below. */
export function drawMark(ctx, box, left, width, scale, mark, theme) {
  const [low, high] = [scale(mark.low), scale(mark.high)].map((y) => Math.max(box.top, Math.min(box.top + box.height, y)));
  ctx.save();
  ctx.globalAlpha = 0.1;
  ctx.fillStyle = theme.ink;
  ctx.fillRect(left, high, width, low - high);
  ctx.globalAlpha = 1;
  ctx.setLineDash([5, 3]);
  [ctx.strokeStyle, ctx.lineWidth] = [theme.ink, 1.5];
  ctx.strokeRect(left, high, width, low - high);
  ctx.restore();
  ctx.fillStyle = theme.ink;
  const above = high - 8 > box.top;
  [ctx.textAlign, ctx.textBaseline] = ["center", above ? "bottom" : "top"];
  const half = ctx.measureText(mark.label).width / 2;
  const middle = Math.max(box.left + half, Math.min(box.left + box.width - half, left + width / 2));
  ctx.fillText(shortened(ctx, mark.label, box.width), middle, above ? high - 4 : low + 4);
}

export function strokeLine(ctx, x0, y0, x1, y1) {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

/** The text, shortened with … where it is wider than `room`. */
export function shortened(ctx, text, room) {
  if (text.length < LONGEST && ctx.measureText(text).width <= room) return text;
  let keep = Math.min(text.length, LONGEST); // a stranger's column may be named by a page of text
  while (keep > 1 && ctx.measureText(`${text.slice(0, keep)}…`).width > room) keep--;
  return `${text.slice(0, keep)}…`;
}

/** The width that the widest tick of the range needs left of the box. */
export function tickRoom(ctx, low, high, log, height) {
  const ticks = ticksOf(low, high, upTicks(height), log);
  const step = log ? undefined : ticks[1] - ticks[0];
  return Math.max(28, ...ticks.map((tick) => ctx.measureText(formatTick(tick, step)).width + 12));
}
