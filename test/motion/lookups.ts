// Plain loops that do what the graphs do: one sample at a time, in the precision of JavaScript.

/** A map of numbers, row by row. */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly at: (row: number, column: number) => number;
}

/** A channel of a tensor [1, C, height, width] or [height, width]. */
export function plane(data: ArrayLike<number | bigint>, width: number, height: number, channel = 0): Plane {
  return { width, height, at: (row, column) => Number(data[(channel * height + row) * width + column]) };
}

/** The value at a position in samples (0 is the first centre), linear in between; positions beyond are clamped. */
export function bilinear(map: Plane, row: number, column: number): number {
  const y = Math.min(Math.max(row, 0), map.height - 1);
  const x = Math.min(Math.max(column, 0), map.width - 1);
  const [y0, x0] = [Math.floor(y), Math.floor(x)];
  const [y1, x1] = [Math.min(y0 + 1, map.height - 1), Math.min(x0 + 1, map.width - 1)];
  const [v, u] = [y - y0, x - x0];
  const upper = map.at(y0, x0) * (1 - u) + map.at(y0, x1) * u;
  const lower = map.at(y1, x0) * (1 - u) + map.at(y1, x1) * u;
  return upper * (1 - v) + lower * v;
}

/** The value of the pixel that a position falls in. */
export function nearest(map: Plane, row: number, column: number): number {
  const inside = (position: number, count: number): number => Math.min(Math.max(Math.round(position), 0), count - 1);
  return map.at(inside(row, map.height), inside(column, map.width));
}

/** The most that numbers are apart; from zero, without others. */
export function most(ours: ArrayLike<number | bigint> = [NaN], theirs?: ArrayLike<number | bigint>): number {
  let apart = theirs === undefined || theirs.length === ours.length ? 0 : NaN;
  for (let at = 0; at < ours.length; at++)
    apart = Math.max(apart, Math.abs(Number(ours[at]) - Number(theirs?.[at] ?? 0)));
  return apart;
}
