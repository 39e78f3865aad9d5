/** Splits a mask into its objects, like `inference/watershed.py`: a watershed on the distance to the background. */

const MOST_PX = 127;
const LEVELS = 16;
const NUM_SMOOTHINGS = 2;

/** A label per pixel of a mask, in no order; `kept` / 255 is the share of its height that a pixel keeps. */
export function basins(
  mask: Uint8Array,
  height: number,
  width: number,
  leastPass: number,
  kept: Uint8Array | null,
): Int32Array {
  const levels = distanceLevels(mask, height, width);
  if (kept) levels.forEach((level, at) => (levels[at] = Math.floor((level * kept[at]) / 255)));
  const heights = padded(smooth(levels, height, width), mask, height, width);
  const stride = width + 2;
  const { hills, peaks } = climb(heights, stride);
  const merged = merge(hills, heights, stride, peaks, leastPass);
  const labels = new Int32Array(height * width);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      labels[row * width + column] = merged[hills[(row + 1) * stride + column + 1]];
    }
  }
  return labels;
}

/** The distance to the nearest background in 1/16 px, up to 127 px; beyond the image is no background. */
export function distanceLevels(mask: Uint8Array, height: number, width: number): Uint16Array {
  const squares = verticalPx(mask, height, width);
  squares.forEach((distance, at) => (squares[at] = distance * distance));
  const levels = new Uint16Array(mask.length);
  for (let start = 0; start < mask.length; start += width) {
    for (let column = 0; column < width; column++) {
      let nearest = squares[start + column];
      for (let shift = 1; shift * shift < nearest && shift < width; shift++) {
        const square = shift * shift;
        if (column >= shift) nearest = Math.min(nearest, squares[start + column - shift] + square);
        if (column + shift < width) nearest = Math.min(nearest, squares[start + column + shift] + square);
      }
      levels[start + column] = Math.round(LEVELS * Math.sqrt(nearest));
    }
  }
  return levels;
}

function verticalPx(mask: Uint8Array, height: number, width: number): Int32Array {
  const distance = Int32Array.from(mask, (is) => (is ? MOST_PX : 0));
  for (let at = width; at < distance.length; at++) distance[at] = Math.min(distance[at], distance[at - width] + 1);
  for (let at = (height - 1) * width - 1; at >= 0; at--) {
    distance[at] = Math.min(distance[at], distance[at + width] + 1);
  }
  return distance;
}

/** The filter 1 2 1 along rows and columns; the edge is repeated. */
function smooth(levels: Uint16Array, height: number, width: number): Uint16Array {
  let heights = levels;
  for (let pass = 0; pass < NUM_SMOOTHINGS; pass++) {
    const down = new Uint16Array(heights.length);
    for (let row = 0; row < height; row++) {
      const [above, here, below] = [Math.max(0, row - 1), row, Math.min(height - 1, row + 1)].map((at) => at * width);
      for (let column = 0; column < width; column++) {
        down[here + column] = (heights[above + column] + heights[below + column] + 2 * heights[here + column] + 2) >> 2;
      }
    }
    const across = new Uint16Array(heights.length);
    for (let start = 0; start < down.length; start += width) {
      for (let column = 0; column < width; column++) {
        const left = down[start + Math.max(0, column - 1)];
        const right = down[start + Math.min(width - 1, column + 1)];
        across[start + column] = (left + right + 2 * down[start + column] + 2) >> 2;
      }
    }
    heights = across;
  }
  return heights;
}

/** Heights of at least 1 inside the mask, with a border of background. */
function padded(heights: Uint16Array, mask: Uint8Array, height: number, width: number): Uint16Array {
  const framed = new Uint16Array((height + 2) * (width + 2));
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const at = row * width + column;
      if (mask[at]) framed[(row + 1) * (width + 2) + column + 1] = Math.max(1, heights[at]);
    }
  }
  return framed;
}

/** The hill of each pixel, from 1, and each hill's peak height (first entry unused). */
function climb(heights: Uint16Array, stride: number): { hills: Int32Array; peaks: number[] } {
  const steps = [-stride - 1, -stride, -stride + 1, -1, 0, 1, stride - 1, stride, stride + 1];
  const up = new Int32Array(heights.length);
  for (let at = 0; at < heights.length; at++) {
    if (heights[at] === 0) continue;
    let best = 0;
    for (let code = 0; code < 9; code++) best = Math.max(best, (heights[at + steps[code]] << 4) | code);
    up[at] = at + steps[best & 15];
  }
  const hills = new Int32Array(heights.length);
  const peaks = [0];
  for (let at = 0; at < heights.length; at++) {
    if (heights[at] > 0 && up[at] === at) {
      hills[at] = peaks.length;
      peaks.push(heights[at]);
    }
  }
  for (let at = 0; at < heights.length; at++) {
    if (heights[at] === 0 || hills[at] > 0) continue;
    let top = at;
    while (hills[top] === 0) top = up[top];
    for (let place = at; hills[place] === 0; place = up[place]) hills[place] = hills[top];
  }
  return { hills, peaks };
}

/** The object of each hill: two are one from a pass of `leastPass` times the lower of their peaks on. */
function merge(
  hills: Int32Array,
  heights: Uint16Array,
  stride: number,
  tops: readonly number[],
  leastPass: number,
): Int32Array {
  const parents = Int32Array.from(tops, (_, hill) => hill);
  const root = (hill: number): number => {
    while (parents[hill] !== hill) hill = parents[hill] = parents[parents[hill]];
    return hill;
  };
  for (const [first, second, saddle] of passes(hills, heights, stride, tops.length)) {
    const [left, right] = [root(first), root(second)];
    if (left === right) continue;
    const [low, high] = tops[left] <= tops[right] ? [left, right] : [right, left];
    if (saddle >= leastPass * tops[low]) parents[low] = high;
  }
  return parents.map((_, hill) => root(hill));
}

/** Each pair of neighbouring hills with the height of the highest pass between them, the highest pass first. */
function passes(hills: Int32Array, heights: Uint16Array, stride: number, num: number): [number, number, number][] {
  const highest = new Map<number, number>();
  for (let at = 0; at < hills.length; at++) {
    const own = hills[at];
    if (own === 0) continue;
    for (const step of [1, stride - 1, stride, stride + 1]) {
      const beside = hills[at + step];
      if (beside === own || beside === 0) continue;
      const key = Math.min(own, beside) * num + Math.max(own, beside);
      const saddle = Math.min(heights[at], heights[at + step]);
      if (saddle > (highest.get(key) ?? 0)) highest.set(key, saddle);
    }
  }
  return [...highest]
    .sort(([key, saddle], [otherKey, otherSaddle]) => otherSaddle - saddle || key - otherKey)
    .map(([key, saddle]) => [Math.floor(key / num), key % num, saddle]);
}
