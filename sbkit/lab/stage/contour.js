// contour.js: grids of numbers: the line where one crosses a level, and the same grid at another size. Pure functions.

/** Segments [x0, y0, x1, y1, …] in grid units (column, row) where the grid crosses `level` (marching squares). */
export function contourOf(values, [rows, columns], level = 0.5) {
  const segments = [];
  for (let i = 0; i + 1 < rows; i++) {
    for (let j = 0; j + 1 < columns; j++) {
      const k = i * columns + j;
      const [a, b, c, d] = [values[k], values[k + 1], values[k + columns + 1], values[k + columns]];
      const sides = (a > level) + (b > level) + (c > level) + (d > level);
      if (sides > 0 && sides < 4) squareSegments(segments, a - level, b - level, c - level, d - level, i, j);
    }
  }
  return segments;
}

/** The crossings of one square, corners a b (row i), d c (row i + 1); four crossings make two segments. */
function squareSegments(segments, a, b, c, d, i, j) {
  const points = [];
  if (a > 0 !== b > 0) points.push(j + a / (a - b), i);
  if (b > 0 !== c > 0) points.push(j + 1, i + b / (b - c));
  if (c > 0 !== d > 0) points.push(j + d / (d - c), i + 1);
  if (d > 0 !== a > 0) points.push(j, i + a / (a - d));
  const saddle = points.length === 8 && a + b + c + d > 0 !== a > 0; // the middle parts corner a from corner c
  segments.push(...(saddle ? [...points.slice(6), ...points.slice(0, 6)] : points));
}

/** The segments joined end to end into polylines [[x, y, …], …], so that dashes run on along them. */
export function joinSegments(segments) {
  const key = (x, y) => `${x.toFixed(4)} ${y.toFixed(4)}`;
  const ends = new Map();
  for (let k = 0; k < segments.length; k += 2) {
    const place = key(segments[k], segments[k + 1]);
    ends.set(place, [...(ends.get(place) ?? []), k]);
  }
  const used = new Set();
  const lines = [];
  for (let k = 0; k < segments.length; k += 4) {
    const line = [segments[k], segments[k + 1]];
    for (let from = k; from !== undefined && !used.has(from >> 2);) {
      used.add(from >> 2);
      const to = from ^ 2; // the other end of the segment
      line.push(segments[to], segments[to + 1]);
      from = ends.get(key(segments[to], segments[to + 1])).find((end) => !used.has(end >> 2));
    }
    if (line.length > 2) lines.push(line);
  }
  return lines;
}

/** The grid at [toRows, toColumns], bilinear, corners on corners. */
export function resample(values, [rows, columns], [toRows, toColumns]) {
  const out = new Float32Array(toRows * toColumns);
  for (let i = 0; i < toRows; i++) {
    const y = toRows > 1 ? (i * (rows - 1)) / (toRows - 1) : 0;
    const top = Math.min(Math.floor(y), Math.max(0, rows - 2)) * columns;
    const bottom = rows > 1 ? top + columns : top;
    const v = y - top / columns;
    for (let j = 0; j < toColumns; j++) {
      const x = toColumns > 1 ? (j * (columns - 1)) / (toColumns - 1) : 0;
      const left = Math.min(Math.floor(x), Math.max(0, columns - 2));
      const right = Math.min(columns - 1, left + 1);
      const u = x - left;
      const high = values[top + left] * (1 - u) + values[top + right] * u;
      out[i * toColumns + j] = high * (1 - v) + (values[bottom + left] * (1 - u) + values[bottom + right] * u) * v;
    }
  }
  return out;
}
