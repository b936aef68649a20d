// decode.js: the frame message and its one binary buffer → plots whose arrays are typed arrays. Pure functions.

/** A frame with every REF {at, type, shape} replaced by a typed array that carries its `shape`. */
export function decodeFrame(frame, buffer) {
  const bytes = ownBytes(buffer);
  return { ...frame, plots: (frame.plots ?? []).map((plot) => decodePart(plot, bytes)) };
}

/** The bytes in a buffer of our own: messages arrive as views, seldom aligned, into larger ones. */
export function ownBytes(view = new ArrayBuffer(0)) {
  const { buffer = view, byteOffset = 0, byteLength } = view;
  return buffer.slice(byteOffset, byteOffset + byteLength);
}

/** One REF → Float32Array or Uint8Array with `shape`. */
export function decodeArray(ref, bytes) {
  const length = ref.shape.reduce((product, n) => product * n, 1);
  const Numbers = { f4: Float32Array, u1: Uint8Array }[ref.type];
  if (!Numbers) throw new Error(`A number type is f4 or u1, got ${ref.type}.`);
  return Object.assign(new Numbers(bytes, ref.at, length), { shape: ref.shape });
}

function decodePart(part, bytes) {
  if (part === null || typeof part !== "object") return part;
  if (Array.isArray(part)) return part.map((inner) => decodePart(inner, bytes));
  if ("at" in part && "type" in part && "shape" in part) return decodeArray(part, bytes);
  return Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, decodePart(inner, bytes)]));
}

/** Row k of an array of so many columns. */
export function rowOf(values, k, columns = values.shape?.[1] ?? 1) {
  return Array.from({ length: columns }, (_, j) => values[k * columns + j]);
}
