// The search in block matching: of all shifts of a map to some reach the one that costs least around each cell, and by a
// parabola how far beside it the least would be. One level of one direction; what there is between levels, and which
// cells are to be believed, is in block-matching.ts.

import type { FlowLevel } from "./levels.ts";
import type { MotionNodes } from "./nodes.ts";

/** Number of float32 and of int64 in `Cast`. */
const castTo = { float32: 1, int64: 7 } as const;

/** What a shift costs; see `MatchOptions`. */
export interface ShiftCosts {
  readonly windowCells: number;
  readonly differenceLimit: number;
  readonly shiftCost: number;
}

/** Writes searches. */
export class BlockSearch {
  readonly #nodes: MotionNodes;
  readonly #options: ShiftCosts;

  constructor(nodes: MotionNodes, options: ShiftCosts) {
    this.#nodes = nodes;
    this.#options = options;
  }

  /** The best of all shifts up to `reach` cells to each side, [1, 2, h, w] in halves of the extent. */
  best(part: string, level: FlowLevel, ours: string, theirs: string, reach: number): string {
    const nodes = this.#nodes;
    const { heightCells: h, widthCells: w } = level;
    const across = 2 * reach + 1;
    const costs = this.#costs(part, level, ours, theirs, reach);
    const best = nodes.add(`${part}/best`, "ArgMin", [costs], { axis: 1, keepdims: 1 });
    // The number of a shift is its column times `across` plus its row.
    const number = nodes.add(`${part}/number`, "Cast", [best], { to: castTo.float32 });
    const column = nodes.add(`${part}/column`, "Floor", [
      nodes.add(`${part}/columns`, "Mul", [
        nodes.add(`${part}/middle`, "Add", [number, nodes.scalar("half", 0.5)]),
        nodes.scalar(`${part}/perColumn`, 1 / across),
      ]),
    ]);
    const row = nodes.add(`${part}/row`, "Sub", [
      number,
      nodes.add(`${part}/first`, "Mul", [column, nodes.scalar(`${part}/across`, across)]),
    ]);
    const least = nodes.add(`${part}/least`, "GatherElements", [costs, best], { axis: 1 });
    const shift = (axis: string, position: string, stride: number, count: number): string => {
      const fromMiddle = nodes.add(`${part}/${axis}/cells`, "Sub", [position, nodes.scalar(`${part}/reach`, reach)]);
      const offset = this.#offset(`${part}/${axis}`, { costs, best, least, fromMiddle, reach, stride });
      return nodes.add(`${part}/${axis}`, "Mul", [
        nodes.add(`${part}/${axis}/sum`, "Add", [fromMiddle, offset]),
        nodes.scalar(`${part}/${axis}/unit`, 2 / count),
      ]);
    };
    return nodes.add(`${part}/shift`, "Concat", [shift("x", column, across, w), shift("y", row, 1, h)], { axis: 1 });
  }

  /** What every shift costs at every cell: [1, across * across, h, w], column of shifts by column. */
  #costs(part: string, level: FlowLevel, ours: string, theirs: string, reach: number): string {
    const nodes = this.#nodes;
    const shifted = this.#shifts(`${part}/shifts`, level, theirs, reach);
    const difference = nodes.add(`${part}/absolute`, "Abs", [nodes.add(`${part}/difference`, "Sub", [shifted, ours])]);
    const limited = nodes.add(`${part}/limited`, "Clip", [
      difference,
      nodes.scalar("zero", 0),
      nodes.scalar("limit", this.#options.differenceLimit),
    ]);
    return nodes.add(`${part}/costs`, "Add", [
      windowMean(nodes, `${part}/sums`, limited, level, this.#options.windowCells),
      nodes.float32(`${part}/shiftCosts`, [1, (2 * reach + 1) ** 2, 1, 1], this.#shiftCosts(reach)),
    ]);
  }

  /** How far from the best shift, in cells from -0.5 to 0.5, the parabola through its neighbours on an axis is least. */
  #offset(
    part: string,
    at: {
      readonly costs: string;
      /** Number and cost of the best shift, and its place on the axis. */
      readonly best: string;
      readonly least: string;
      readonly fromMiddle: string;
      readonly reach: number;
      /** From the number of a shift to that of its neighbour. */
      readonly stride: number;
    },
  ): string {
    const nodes = this.#nodes;
    // At the end of the reach there is a neighbour on one side only, and no parabola: the cell itself stands for both.
    const isInside = nodes.add(`${part}/isInside`, "Less", [
      nodes.add(`${part}/distance`, "Abs", [at.fromMiddle]),
      nodes.scalar(`${part}/nearly`, at.reach - 0.5),
    ]);
    const step = nodes.add(`${part}/step`, "Mul", [
      nodes.add(`${part}/inside`, "Cast", [isInside], { to: castTo.int64 }),
      nodes.int64(`${part}/stride`, [at.stride]),
    ]);
    const above = (side: string, op: string): string => {
      const number = nodes.add(`${part}/${side}/number`, op, [at.best, step]);
      const cost = nodes.add(`${part}/${side}/cost`, "GatherElements", [at.costs, number], { axis: 1 });
      return nodes.add(`${part}/${side}`, "Sub", [cost, at.least]);
    };
    const [low, high] = [above("low", "Sub"), above("high", "Add")];
    const bend = nodes.add(`${part}/bend`, "Add", [
      nodes.add(`${part}/both`, "Add", [low, high]),
      // Where all cost the same, there is nothing to divide by.
      nodes.scalar("leastBend", 1e-6),
    ]);
    const lean = nodes.add(`${part}/lean`, "Sub", [low, high]);
    const share = nodes.add(`${part}/share`, "Div", [lean, bend]);
    return nodes.add(`${part}/offset`, "Mul", [share, nodes.scalar("half", 0.5)]);
  }

  /** A map at every shift, [1, across * across, h, w], column of shifts by column; zeros outside. */
  #shifts(part: string, { heightCells: h, widthCells: w }: FlowLevel, map: string, reach: number): string {
    const nodes = this.#nodes;
    const across = 2 * reach + 1;
    const places = (count: number): number[] =>
      Array.from({ length: across * count }, (_, at) => Math.floor(at / count) + (at % count));
    const padded = nodes.add(`${part}/padded`, "Pad", [
      nodes.reshape(`${part}/map`, map, [h, w]),
      nodes.int64(`${part}/padding`, [reach, reach, reach, reach]),
    ]);
    // Along the rows, [h + 2 reach, across, w]; then whole rows, [across, across * h, w].
    const columns = nodes.reshape(
      `${part}/rows`,
      nodes.add(`${part}/columns`, "Gather", [padded, nodes.int64(`${part}/columns/places`, places(w))], { axis: 1 }),
      [h + 2 * reach, across, w],
    );
    const turned = nodes.add(`${part}/turned`, "Transpose", [columns], { perm: [1, 0, 2] });
    const rows = nodes.add(`${part}/gathered`, "Gather", [turned, nodes.int64(`${part}/rows/places`, places(h))], {
      axis: 1,
    });
    return nodes.reshape(`${part}/all`, rows, [1, across * across, h, w]);
  }

  #shiftCosts(reach: number): Float32Array {
    const across = 2 * reach + 1;
    return Float32Array.from({ length: across * across }, (_, number) => {
      const [x, y] = [Math.floor(number / across) - reach, (number % across) - reach];
      return this.#options.shiftCost * Math.hypot(x, y);
    });
  }
}

/** Means over windows; those that reach over the edge are of what is inside. */
export function windowMean(
  nodes: MotionNodes,
  part: string,
  map: string,
  { heightCells, widthCells }: FlowLevel,
  window: number,
): string {
  // No pool may reach further over the edge than the map is long.
  const along = (count: number): number => Math.min(window, 2 * count - 1);
  const [rows, columns] = [along(heightCells), along(widthCells)];
  const [down, right] = [(rows - 1) / 2, (columns - 1) / 2];
  const lines = nodes.add(`${part}/down`, "AveragePool", [map], {
    kernel_shape: [rows, 1],
    pads: [down, 0, down, 0],
    count_include_pad: 0,
  });
  return nodes.add(part, "AveragePool", [lines], {
    kernel_shape: [1, columns],
    pads: [0, right, 0, right],
    count_include_pad: 0,
  });
}
