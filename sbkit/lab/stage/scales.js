// scales.js: from numbers to pixels, ticks, words and colours. Pure functions.

import { say } from "./words.js";

/** Map [low, high] to pixels [from, to]; `.invert` goes back. Bounds are finite and differ. */
export function makeScale(low, high, from, to, log = false) {
  const [forward, backward] = log ? [Math.log10, (v) => 10 ** v] : [(v) => v, (v) => v];
  const a = forward(low);
  const slope = (to - from) / (forward(high) - a);
  const scale = (v) => from + (forward(v) - a) * slope;
  scale.invert = (pixel) => backward(a + (pixel - from) / slope);
  return Object.assign(scale, { low, high, log });
}

/** The step of 1, 2 or 5 times a power of ten that cuts `span` into at most about `count` parts. */
export function niceStep(span, count) {
  const raw = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * [1, 2, 5, 10].find((times) => times * power >= raw * (1 - 1e-9));
}

/** Tick values inside [low, high], about `count` of them. */
export function ticksOf(low, high, count, log = false) {
  if (log) return logTicks(low, high, count);
  const step = niceStep(high - low, count);
  const first = Math.ceil(low / step - 1e-6);
  const last = Math.floor(high / step + 1e-6);
  return Array.from({ length: last - first + 1 }, (_, k) => (first + k) * step);
}

function logTicks(low, high, count) {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const stride = Math.max(1, Math.ceil((last - first + 1) / Math.max(2, count)));
  const times = last - first < 2 ? [1, 2, 5] : [1];
  const powers = Array.from({ length: (last - first + 1) / stride + 1 }, (_, k) => 10 ** (first - 1 + k * stride));
  const inside = (v) => v >= low * (1 - 1e-9) && v <= high * (1 + 1e-9);
  return powers.flatMap((power) => times.map((t) => t * power)).filter(inside);
}

/** A tick in words, with the decimals that its step needs: 0, 0.5, 1,000, 1e−5. */
export function formatTick(v, step = Math.abs(v)) {
  const size = Math.abs(v);
  if (size === 0 && step < 1e-4) return "0";
  if (size !== 0 && (size >= 1e6 || size < 1e-4)) return exponential(Number(v.toPrecision(2)));
  const decimals = Math.min(6, Math.max(0, -Math.floor(Math.log10(step || 1) + 1e-9)));
  return decimal(v, decimals, decimals);
}

/** A value in words, three significant digits: 0.482, 12,300, 1.2e−6, – for what is no number. */
export function formatValue(v) {
  if (v === null || v === undefined || Number.isNaN(v)) return "–";
  if (!Number.isFinite(v)) return v > 0 ? "∞" : "−∞";
  const size = Math.abs(v);
  if (size !== 0 && (size >= 1e6 || size < 1e-3)) return exponential(v, 1);
  return decimal(Number(v.toPrecision(size >= 1000 ? 6 : 3)), 0, 4);
}

const formats = {}; // by the least and the most decimals: to make one takes as long as to draw a picture

function decimal(v, least, most) {
  const digits = { minimumFractionDigits: least, maximumFractionDigits: most };
  return (formats[[least, most]] ??= new Intl.NumberFormat("en", digits)).format(v).replace("-", "−");
}

function exponential(v, decimals) {
  return v.toExponential(decimals).replace("e+", "e").replaceAll("-", "−");
}

/** Value and unit: "0.48 nats"; the unit stands only where there is one. */
export function withUnit(v, axis) {
  return formatValue(v) + (axis.unit ? ` ${axis.unit}` : "");
}

/** Smallest and largest finite number of several arrays, [Infinity, -Infinity] of none; log axes skip v ≤ 0. */
export function extentOf(arrays, log = false) {
  let [low, high] = [Infinity, -Infinity];
  for (const v of arrays.flatMap((values) => Array.from(values ?? []))) {
    if (Number.isFinite(v) && !(log && v <= 0)) [low, high] = [Math.min(low, v), Math.max(high, v)];
  }
  return [low, high];
}

/** An axis with the range that holds all numbers of the arrays; `memory` keeps it, so that it only grows in a run. */
export function grownAxis(memory, key, arrays, axis) {
  const [low, high] = (memory[key] = growRange(memory[key], extentOf(arrays, axis.log), axis));
  return { ...axis, low, high };
}

/** The axis range that holds `previous` and [low, high]: it only grows, to nice bounds or to the axis's own ends. */
export function growRange(previous, [low, high], axis) {
  const [least, most] = previous ?? [Infinity, -Infinity];
  if (!(low <= high)) [low, high] = previous ?? (axis.log ? [0.1, 1] : [0, 1]);
  const own = (end, otherwise) => (Number.isFinite(end) && !(axis.log && end <= 0) ? end : otherwise);
  [low, high] = [Math.min(own(axis.low, low), least), Math.max(own(axis.high, high), most)];
  if (low === least && high === most) return previous;
  if (!(low < high)) high = axis.log ? 10 * low : low + (Math.abs(low) || 1);
  const [floor, ceiling] = axis.log ? decades(low, high) : niceBounds(low, high);
  const range = [Math.min(own(axis.low, floor), least), Math.max(own(axis.high, ceiling), most)];
  return range[0] < range[1] ? range : [low, high];
}

function decades(low, high) {
  const floor = Math.floor(Math.log10(low) + 1e-6);
  return [10 ** floor, 10 ** Math.max(floor + 1, Math.ceil(Math.log10(high) - 1e-6))];
}

function niceBounds(low, high) {
  if (low > 0 && low < 0.8 * high) low = 0;
  const step = niceStep(high - low, 5);
  return [Math.floor(low / step + 1e-6) * step, Math.ceil(high / step - 1e-6) * step];
}

/** "#rrggbb" → [r, g, b]. */
export function hexToRgb(hex) {
  return [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
}

/** "#rrggbb" at a share of its strength. */
export function pale(colour, share) {
  return `rgba(${hexToRgb(colour)}, ${share})`;
}

/** Relative luminance of r, g, b, 0 … 1, as the contrast of WCAG 2 counts it. */
export function luminanceOf(colour) {
  const [r, g, b] = Array.from(colour, (v) => (v <= 10 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Black or white, whichever is read better on a colour: contrast 4.5 or more on every one. */
export function inkOn(colour) {
  return luminanceOf(colour) > 0.179 ? "#000000" : "#ffffff";
}

/** 256 colours through three, evenly, as bytes r, g, b. */
export function risingColours([low, middle, high]) {
  return colourTable((share) => (share < 0.5 ? [low, middle, 2 * share] : [middle, high, 2 * share - 1]));
}

/** 256 colours from `low` over `neutral` at .5 to `high`, in bands, as bytes; pale, so that points stand out. */
export function divergingColours([low, neutral, high], bands = 20) {
  return colourTable((share) => {
    const p = (Math.min(bands - 1, Math.floor(share * bands)) + 0.5) / bands; // the middle of its band
    return [neutral, p < 0.5 ? low : high, 0.72 * Math.abs(2 * p - 1) ** 0.85];
  });
}

/** 256 colours, each a mix [one, other, weight of the other] that is chosen by its share of the way. */
function colourTable(mix) {
  const colours = Array.from({ length: 256 }, (_, k) => {
    const [one, other, weight] = mix(k / 255);
    return one.map((v, c) => v + (other[c] - v) * weight);
  });
  return Uint8ClampedArray.from(colours.flat());
}
