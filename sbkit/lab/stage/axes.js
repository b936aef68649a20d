// axes.js: the sheet of a plot: theme colours, a canvas at device pixels, the box with its axes and ticks.

import { divergingColours, formatTick, hexToRgb, makeScale, risingColours, ticksOf } from "./scales.js";

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif";
const SMALL = 200; // pixels: lower pictures have smaller letters and margins
const TICK_ROOM = { up: 34, across: 60 }; // pixels between two ticks, about
const LONGEST = 200; // letters that are measured; no plot has room for more

/** The colours in force at `root`, which it marks as dark or light by its own background. */
export function readTheme(root) {
  const style = getComputedStyle(root);
  const [r, g, b] = style.backgroundColor.match(/[\d.]+/g).map(Number);
  root.classList.toggle("sb-dark", 0.299 * r + 0.587 * g + 0.114 * b < 110);
  const names = ["blue", "orange", "green", "purple", "sky", "neutral", "grey", "muted", "grid", "low", "high", "cold"];
  const theme = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--sb-${name}`).trim()]));
  const colours = (...ends) => ends.map((name) => hexToRgb(theme[name]));
  const around = colours("cold", "neutral", "orange");
  return Object.assign(theme, {
    ink: style.color, // what is in force, also where the system forces colours
    paper: style.backgroundColor,
    series: [theme.blue, theme.orange, theme.green, theme.purple, theme.sky],
    ramp: divergingColours(around),
    change: divergingColours(around, 21), // an odd number: no change has no colour
    rising: risingColours(colours("low", "blue", "high")),
  });
}

/** Size the canvas to its box in device pixels; returns its context, cleared and scaled to CSS pixels. */
export function openSheet(canvas, width, height) {
  const ratio = globalThis.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
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

/** About `count` ticks of a scale or an axis, each with its words. */
function tickTexts({ low, high, log }, count) {
  const ticks = ticksOf(low, high, Math.max(2, count), log);
  const step = log ? undefined : ticks[1] - ticks[0];
  return ticks.map((tick) => [tick, formatTick(tick, step)]);
}

/**
 * What a plot leaves free around its box: left of it for the ticks of the range y, above it for the name of that axis,
 * unless the title says it, and below it for ticks and name.
 */
export function marginsOf({ ctx, height }, plot, y) {
  const small = height < SMALL;
  const told = !plot.y.unit && plot.title.toLowerCase().includes(plot.y.label.toLowerCase());
  const [top, bottom] = [told ? 7 : small ? 17 : 22, small ? 30 : 36];
  const texts = tickTexts(y, (height - top - bottom) / TICK_ROOM.up).map(([, text]) => text);
  return { left: Math.max(28, 12 + widest(ctx, texts)), top, bottom, told, small };
}

/** Scales from the ranges x, if there is one, and y to the pixels of a box {left, top, width, height}. */
export function scalesOf({ left, top, width, height }, x, y) {
  const across = x && makeScale(x.low, x.high, left, left + width, x.log);
  return { x: across, y: makeScale(y.low, y.high, top + height, top, y.log) };
}

/** Grid lines, ticks and names of the axes around a box. */
export function drawAxes(ctx, box, scales, axes, theme, { grid = true, told = false } = {}) {
  drawUpTicks(ctx, box, scales.y, theme, grid);
  if (axes.x) drawAcrossTicks(ctx, box, scales.x, theme);
  const name = ({ label, unit }) => shortened(ctx, unit ? `${label} (${unit})` : label, box.left + box.width);
  if (!told) write(ctx, name(axes.y), 2, box.top - 6, theme.muted, "left", "alphabetic");
  const [middle, below] = [box.left + box.width / 2, box.top + box.height + 18];
  if (axes.x) write(ctx, name(axes.x), middle, below, theme.muted, "center", "top");
}

function drawUpTicks(ctx, box, scale, theme, grid) {
  const [from, to] = grid ? [box.left, box.left + box.width] : [box.left - 4, box.left];
  for (const [tick, text] of tickTexts(scale, box.height / TICK_ROOM.up)) {
    const y = crisp(scale(tick));
    strokeLine(ctx, from, y, to, y, theme.grid);
    write(ctx, text, box.left - 7, y + 0.5, theme.muted, "right", "middle");
  }
}

function drawAcrossTicks(ctx, box, scale, theme) {
  const bottom = crisp(box.top + box.height);
  strokeLine(ctx, box.left, bottom, box.left + box.width, bottom, theme.muted);
  for (const [tick, text] of tickTexts(scale, box.width / TICK_ROOM.across)) {
    const [x, last] = [crisp(scale(tick)), box.left + box.width + 12 - ctx.measureText(text).width / 2]; // inside
    strokeLine(ctx, x, bottom, x, bottom + 3, theme.muted);
    write(ctx, text, Math.min(x, last), bottom + 5, theme.muted, "center", "top");
  }
}

/** Names lie flat where they fit, else slanted, else upright and, with hundreds of bars, only every few. */
export function namesLayout(ctx, names, slot, longest = 78) {
  const wide = widest(ctx, names);
  if (wide <= slot - 6) return { angle: 0, room: 22, most: wide, every: 1 };
  const most = Math.min(wide, longest);
  if (slot >= 18) return { angle: -Math.PI / 4, room: 0.71 * most + 18, most, every: 1 };
  return { angle: -Math.PI / 2, room: most + 12, most, every: Math.ceil(14 / Math.max(1, slot)) };
}

export function drawNames(ctx, box, names, slot, { angle, most, every }, theme) {
  for (let k = 0; k < names.length; k += every) {
    ctx.save();
    ctx.translate(box.left + (k + 0.5) * slot, box.top + box.height + 6);
    ctx.rotate(angle);
    const place = angle ? ["right", "middle"] : ["center", "top"];
    write(ctx, shortened(ctx, names[k], Math.max(most, 12)), 0, 0, theme.muted, ...place);
    ctx.restore();
  }
}

/** A range of values as a dashed frame from `left` on, its label above it or, where there is no room, below. */
export function drawMark(ctx, box, left, width, scale, mark, theme) {
  const inside = (v) => Math.max(box.top, Math.min(box.top + box.height, scale(v)));
  const [low, high] = [inside(mark.low), inside(mark.high)];
  ctx.save();
  ctx.setLineDash([5, 3]);
  strokeBox(ctx, left, high, width, low - high, theme.ink, 1.5);
  [ctx.fillStyle, ctx.globalAlpha] = [theme.ink, 0.1];
  ctx.fillRect(left, high, width, low - high);
  ctx.restore();
  const half = ctx.measureText(mark.label).width / 2;
  const middle = Math.max(box.left + half, Math.min(box.left + box.width - half, left + width / 2));
  const [y, baseline] = high - 8 > box.top ? [high - 4, "bottom"] : [low + 4, "top"];
  write(ctx, shortened(ctx, mark.label, box.width), middle, y, theme.ink, "center", baseline);
}

/** Draw only inside a box and so many pixels around it, till `restore`. */
export function clipTo(ctx, { left, top, width, height }, around = 0) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(left - around, top - around, width + 2 * around, height + 2 * around);
  ctx.clip();
}

/** A text at a place, which is its left end, its middle or its right end. */
export function write(ctx, text, x, y, colour, align, baseline) {
  [ctx.fillStyle, ctx.textAlign, ctx.textBaseline] = [colour, align, baseline];
  ctx.fillText(text, x, y);
}

export function strokeLine(ctx, x0, y0, x1, y1, colour, width = 1) {
  [ctx.strokeStyle, ctx.lineWidth] = [colour, width];
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

export function strokeBox(ctx, left, top, width, height, colour, line = 1) {
  [ctx.strokeStyle, ctx.lineWidth] = [colour, line];
  ctx.strokeRect(left, top, width, height);
}

/** The width of the widest of some texts. */
export function widest(ctx, texts) {
  return Math.max(0, ...texts.map((text) => ctx.measureText(text).width));
}

/** The text, shortened with … where it is wider than `room`. */
export function shortened(ctx, text, room) {
  if (text.length < LONGEST && ctx.measureText(text).width <= room) return text;
  let keep = Math.min(text.length, LONGEST); // a stranger's column may be named by a page of text
  while (keep > 1 && ctx.measureText(`${text.slice(0, keep)}…`).width > room) keep--;
  return `${text.slice(0, keep)}…`;
}
