// resample.js: a grid of numbers at another size. Pure functions.

/** The grid at [toRows, toColumns], bilinear, corners on corners. */
export function resample(values, [rows, columns], [toRows, toColumns]) {
  const out = new Float32Array(toRows * toColumns);
  const across = placesOf(columns, toColumns);
  placesOf(rows, toRows).forEach(({ low, high, share }, i) => {
    for (let j = 0; j < toColumns; j++) {
      const { low: left, high: right, share: u } = across[j];
      const lower = values[low * columns + left] * (1 - u) + values[low * columns + right] * u;
      const upper = values[high * columns + left] * (1 - u) + values[high * columns + right] * u;
      out[i * toColumns + j] = lower * (1 - share) + upper * share;
    }
  });
  return out;
}

/** Between which two of n places each of `count` even ones lies, and how far on. */
function placesOf(n, count) {
  return Array.from({ length: count }, (_, k) => {
    const at = count > 1 ? (k * (n - 1)) / (count - 1) : 0;
    const low = Math.min(Math.floor(at), Math.max(0, n - 2));
    return { low, high: Math.min(n - 1, low + 1), share: at - low };
  });
}
