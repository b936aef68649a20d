// tiles.js: draws a Field whose axes have ticks: a table of coloured tiles with their numbers, grey without one.

import { drawNames, namesLayout, shortened, strokeBox, strokeLine, widest, write } from "./axes.js";
import { drawColourBar, shadesOf, spreadText } from "./field.js";
import { formatValue, inkOn, withUnit } from "./scales.js";
import { say } from "./words.js";

export const tilesPainter = { draw: drawTiles, legend: tilesLegend };

function drawTiles(sheet, plot, pinned, { hover, picked }) {
  const { ctx, theme } = sheet;
  const { box, names } = tilesLayout(sheet, plot);
  const columns = plot.x.ticks.length;
  plot.values.forEach((value, k) => drawTile(ctx, plot, placeOfTile(box, plot, k), value, theme));
  drawNames(ctx, box, plot.x.ticks, box.width / columns, names, theme);
  const every = Math.ceil((14 * plot.y.ticks.length) / Math.max(14, box.height));
  for (let row = 0; row < plot.y.ticks.length; row += every) {
    const [tick, y] = [shortened(ctx, plot.y.ticks[row], box.left - 9), middleOf(box, plot, [row, 0])[1]];
    write(ctx, tick, box.left - 7, y, theme.muted, "right", "middle");
  }
  const label = shortened(ctx, plot.y.label, box.left + box.width / 2 + 40); // beside the scale's
  write(ctx, label, 2, box.top - 6, theme.muted, "left", "alphabetic");
  const [middle, below] = [box.left + box.width / 2, box.top + box.height + names.room + 10];
  write(ctx, shortened(ctx, plot.x.label, box.left + box.width), middle, below, theme.muted, "center", "alphabetic");
  drawColourBar(ctx, box, theme, plot.scale);
  if (picked) outline(ctx, placeOfTile(box, plot, picked[0] * columns + picked[1]), theme, 2);
  const tile = hover && tileAt(box, plot, hover);
  return tile && hoverTile(ctx, box, plot, tile, theme);
}

function tilesLayout({ ctx, width, height, memory }, plot) {
  const left = Math.min(110, 14 + widest(ctx, plot.y.ticks));
  const names = namesLayout(ctx, plot.x.ticks, (width - left - 64) / plot.x.ticks.length);
  memory.box = { left, top: 22, width: width - left - 64, height: height - 22 - names.room - 18 };
  return { box: memory.box, names };
}

/** Where tile k lies in the box; row 0 is the lowest. */
function placeOfTile(box, plot, k) {
  const [rows, columns] = plot.values.shape;
  const [width, height] = [box.width / columns, box.height / rows];
  const [across, down] = [k % columns, rows - 1 - Math.floor(k / columns)];
  return { left: box.left + across * width, top: box.top + down * height, width, height };
}

/** The tile [row, column] at a point of the canvas, null outside. */
export function tileAt(box, plot, [px, py]) {
  const [rows, columns] = plot.values.shape;
  const column = Math.floor(((px - box.left) / box.width) * columns);
  const below = Math.floor(((py - box.top) / box.height) * rows);
  const inside = column >= 0 && column < columns && below >= 0 && below < rows;
  return inside ? [rows - 1 - below, column] : null;
}

/** The middle of a tile [row, column]. */
export function middleOf(box, plot, [row, column]) {
  const place = placeOfTile(box, plot, row * plot.values.shape[1] + column);
  return [place.left + place.width / 2, place.top + place.height / 2];
}

/** The tile that an arrow key leads to from another one, or from none; undefined for any other key. */
export function tileAfter(plot, tile, key) {
  const step = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key];
  if (!step) return undefined;
  if (!tile) return [plot.values.shape[0] - 1, 0];
  return tile.map((k, axis) => Math.max(0, Math.min(plot.values.shape[axis] - 1, k + step[axis])));
}

function drawTile(ctx, plot, { left, top, width, height }, value, theme) {
  const { ramp, shade } = shadesOf(plot.scale, theme);
  const none = Number.isNaN(value);
  const colour = none ? null : ramp.subarray(shade(value), shade(value) + 3);
  ctx.fillStyle = none ? theme.grid : `rgb(${colour})`;
  ctx.fillRect(left + 1, top + 1, width - 2, height - 2);
  const text = none ? say("legends", "none") : formatValue(value);
  if (ctx.measureText(text).width <= width - 6 && height >= 16) {
    write(ctx, text, left + width / 2, top + height / 2, none ? theme.ink : inkOn(colour), "center", "middle");
  } else if (none) strokeLine(ctx, left + 1, top + height - 1, left + width - 1, top + 1, theme.grey);
}

/** A frame around a tile, to be seen on every colour. */
function outline(ctx, { left, top, width, height }, theme, line) {
  const frame = (colour, wide) => strokeBox(ctx, left + 2.5, top + 2.5, width - 5, height - 5, colour, wide);
  frame(theme.paper, line + 3);
  frame(theme.orange, line);
}

function hoverTile(ctx, box, plot, [row, column], theme) {
  const k = row * plot.x.ticks.length + column;
  const place = placeOfTile(box, plot, k);
  outline(ctx, place, theme, 3);
  const right = place.left + place.width / 2 > box.left + box.width / 2; // then the tip lies to the left of the tile
  const value = Number.isNaN(plot.values[k]) ? say("legends", "none") : withUnit(plot.values[k], plot.scale);
  const spread = plot.spread && !Number.isNaN(plot.spread[k]) ? spreadText(plot.spread[k]) : "";
  const where = { x: `${plot.x.label} ${plot.x.ticks[column]}`, y: `${plot.y.label} ${plot.y.ticks[row]}` };
  const lines = [say("sentences", "place", where), `${plot.scale.label} ${value}${spread}`];
  return { x: place.left + (right ? 0 : place.width) - 6, y: place.top + place.height / 2, lines };
}

function tilesLegend(plot, theme) {
  return plot.values.some(Number.isNaN) ? [{ mark: "hollow", colour: theme.grey, text: say("legends", "none") }] : [];
}
