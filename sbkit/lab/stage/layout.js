// layout.js: where the pictures of a panel stand, so that all of them are seen at once. Pure functions.

const APART = 14; // pixels between two pictures
const FEW = { most: 3, tall: 450 }; // so many pictures make a low panel, of so many pixels
const TALL = 550; // pixels of any other panel on a laptop, dials and controls included
const [NARROW, BESIDE, LAPTOP, WIDE] = [560, 640, 800, 1300]; // pixels: 2 columns from here, so beside a board, 3, more

/**
 * The grid of `count` pictures in a panel that is `width` pixels wide and has `used` pixels of dials and words: its
 * columns with their weights, its rows, its height, and the rows and columns that each picture takes. The first
 * picture is the main one, or the first two are, of one size; the last takes what is left of its row.
 */
export function layoutOf(count, width, used, mains = 1) {
  if (width < NARROW || count === 1) return stack(count, width, used);
  const beside = width < LAPTOP; // a few small ones below each other, right of the main one
  if (beside && (width < BESIDE || count > 4 || mains === 2)) return pairs(count);
  const [small, few] = [count - mains, count < FEW.most + mains];
  const most = width < 1900 || small < 10 ? 3 : 4;
  const columns = beside ? 1 : Math.min(small, few || mains === 2 || (width < WIDE && small < 7) ? 2 : most);
  const rows = mains === 1 ? Math.ceil(small / columns) : few ? 1 : Math.ceil((count + 2) / 4);
  const tall = mains === 1 ? rows : Math.min(rows, 2); // the others stand beside and below two main ones
  const main = mains === 2 ? 1 : columns === 1 ? 1.4 : 1.5;
  const spans = Array.from({ length: count }, (_, k) => [k < mains ? tall : 1, 1]);
  if (small) spans[count - 1][1] += Math.min(1, rows * (mains + columns) - mains * tall - small);
  const height = Math.max(tallest(few, width) - used, rows * 104);
  return { weights: [...Array(mains).fill(main), ...Array(columns).fill(1)], rows, height, spans };
}

/** The height of a panel: what a laptop shows of it; on wider pages a quarter of what they are wider. */
function tallest(few, width) {
  return (few ? FEW.tall : TALL) + Math.max(0, Math.min(300, (width - WIDE) / 4));
}

/** All pictures below each other, or the only one. */
function stack(count, width, used) {
  const each = count === 1 && width >= NARROW ? tallest(true, width) - used : 230;
  return { weights: [1], rows: count, height: count * each + (count - 1) * APART, spans: Array(count).fill([1, 1]) };
}

/** The main picture above the others, which stand in two columns. */
function pairs(count) {
  const rows = 2 + Math.ceil((count - 1) / 2);
  const spans = [[2, 2], ...Array.from({ length: count - 1 }, () => [1, 1])];
  if (count % 2 === 0) spans[count - 1][1] = 2;
  return { weights: [1, 1], rows, height: rows * 170, spans };
}

/** How many of `count` dials stand beside each other: all in one line where there is room, else in even lines. */
export function dialsAcross(count, width) {
  const most = width < 520 ? 1 : width < 760 ? 2 : width < 880 ? 3 : 4;
  return count < 3 ? Math.min(3, most) : Math.ceil(count / Math.ceil(count / most));
}
