// marks.js: colours and shapes that tell classes and lines apart, each without the other; and legends of them.

export const MARKS = ["circle", "square", "triangle", "diamond", "cross"];
const CORNERS = {
  square: [-0.9, -0.9, 0.9, -0.9, 0.9, 0.9, -0.9, 0.9],
  triangle: [0, -1.3, 1.15, 0.8, -1.15, 0.8],
  diamond: [0, -1.4, 1.2, 0, 0, 1.4, -1.2, 0],
  cross: [-0.4, -1.2, 0.4, -1.2, 0.4, -0.4, 1.2, -0.4, 1.2, 0.4, 0.4, 0.4]
    .concat([0.4, 1.2, -0.4, 1.2, -0.4, 0.4, -1.2, 0.4, -1.2, -0.4, -0.4, -0.4]),
};

/** The colour of class, line or side k. */
export function seriesColour(theme, k) {
  return theme.series[k % theme.series.length];
}

/** The shape of line k; where the five colours begin anew it is another one for each. */
export function markOf(k) {
  return MARKS[(k + Math.floor(k / MARKS.length)) % MARKS.length];
}

/** Add a mark of radius r to the path. */
export function traceMark(ctx, mark, x, y, r) {
  const corners = CORNERS[mark];
  ctx.moveTo(x + r * (corners?.[0] ?? 1), y + r * (corners?.[1] ?? 0));
  if (!corners) return ctx.arc(x, y, r, 0, 2 * Math.PI);
  for (let k = 2; k < corners.length; k += 2) ctx.lineTo(x + r * corners[k], y + r * corners[k + 1]);
  ctx.closePath();
}

/** Which points of line k carry its mark: about one every `gap` pixels, for each line a little further on. */
export function markedPoints(pixels, k, gap = 64) {
  const part = (x) => Math.floor(x / gap - k / MARKS.length);
  return Array.from(pixels.keys()).filter((i) => i > 0 && part(pixels[i]) !== part(pixels[i - 1]));
}

/** An entry that is the same in every legend, which then share it. */
export function sharedEntry(mark, colour, text) {
  return { mark, colour, text, shared: true };
}
