// Dense correspondence by block matching, as graph nodes: around every cell, the shift with the least sum of absolute
// differences (Jain and Jain, Displacement Measurement and Its Application in Interframe Image Coding, IEEE Trans.
// Communications 1981), all of them tried at the coarsest level and a few around the winner below it, between cells by a
// parabola (Tian and Huhns, Algorithms for Subpixel Registration, CVGIP 1986). Both ways: what does not come back to
// where it began is covered in one of the frames, or was not found.
//
// Not what held features move along: that is Lucas-Kanade's method, which shares neither the criterion nor the search
// with this one, so that the one can judge the other. Slower by far.

import { ClockworkError } from "../errors.ts";
import { GraphBuilder, modelOf, type Model } from "../onnx/index.ts";
import { BlockSearch, windowMean } from "./block-search.ts";
import { gridGraph } from "./grid.ts";
import { defaultFlowOptions, flowScale, type FlowLevel, type FlowScale, type PictureSize } from "./levels.ts";
import { centres, pyramid, refined } from "./pyramid.ts";
import { frameLuma } from "./luma.ts";
import { MotionNodes, motionPrefix, requireWhole } from "./nodes.ts";

/** Number of float32 in `Cast`. */
const castToFloat32 = 1;

/** How correspondence is looked for. */
export interface MatchOptions {
  /** Cells along the longer side of the picture at the finest level, about; default 160: 3 pixels each at 480x360. */
  readonly finestCells: number;
  /** Cells along the longer side at the coarsest level, about; default 80. */
  readonly coarsestCells: number;
  /** Cells of the coarsest level that are tried to each side; default 6: 36 pixels at 480x360. */
  readonly reachCells: number;
  /** Cells that are tried to each side of what the level above found; default 2. */
  readonly refineCells: number;
  /** Edge of the square window that is compared, in cells; odd; default 7. */
  readonly windowCells: number;
  /** Edge of the window whose mean is taken away first, in cells of the coarsest level; odd; default 9. */
  readonly meanCells: number;
  /** Difference of luma 0..1 beyond which more difference counts no more; default 0.08. */
  readonly differenceLimit: number;
  /** What a shift by one cell costs, in mean difference of luma: in flat places the least shift wins; default 0.0005. */
  readonly shiftCost: number;
  /** How far from its start, in cells of the finest level, one may come back and be valid; default 1. */
  readonly toleranceCells: number;
}

/** What is taken where nothing is said. */
export const defaultMatchOptions: MatchOptions = {
  finestCells: 160,
  coarsestCells: 80,
  reachCells: 6,
  refineCells: 2,
  windowCells: 7,
  meanCells: 9,
  differenceLimit: 0.08,
  shiftCost: 0.0005,
  toleranceCells: 1,
};

/** Two frames to be matched. */
export interface MatchInputs {
  /** Name of the current frame's luma, float32 [1, 1, heightCells, widthCells] of the finest level. */
  readonly now: string;
  /** Name of the luma of the frame before, alike. */
  readonly before: string;
  /** As {@link matchScale} gives it. */
  readonly scale: FlowScale;
  /** Those the scale was made with. */
  readonly options?: MatchOptions;
  /** Default `clockwork/motion`. */
  readonly prefix?: string;
}

/** Names of tensors float32 [1, C, heightCells, widthCells] of the finest level. */
export interface MatchTensors {
  /**
   * C = 2, x and y: where, from the centre of a cell, the frame before had what is there now. In halves of the covered
   * extent, as that of `flowGraph`.
   */
  readonly flow: string;
  /** C = 1: 1 where the way there and back ends near its start, else 0; one that leads just outside may return, too. */
  readonly valid: string;
}

/**
 * The scales of block matching.
 * @throws ClockworkError `invalid-argument` for a picture without pixels, or options out of range
 */
export function matchScale(size: PictureSize, options: MatchOptions = defaultMatchOptions): FlowScale {
  check(options);
  const { finestCells, coarsestCells } = options;
  return flowScale(size, { ...defaultFlowOptions, finestCells, coarsestCells });
}

/** Writes the matching of two frames. Nodes are named `PREFIX/match/...`. */
export function matchGraph(b: GraphBuilder, inputs: MatchInputs): MatchTensors {
  const { now, before, scale, options = defaultMatchOptions, prefix = motionPrefix } = inputs;
  return new MatchWriter(b, `${prefix}/match`, scale, options).write(now, before);
}

/** Operator set of {@link matchModel}. */
const opset = 17;

/**
 * Matching as a model of its own: inputs `now` and `before`, frames uint8 RGB [heightPx, widthPx, 3] of the scale's size;
 * outputs `flow` and `valid`, as in {@link MatchTensors}.
 */
export function matchModel(scale: FlowScale, options: MatchOptions = defaultMatchOptions): Model {
  const b = new GraphBuilder("match");
  const { widthCells, heightCells } = scale.finest;
  const luma = (frame: string): string =>
    frameLuma(b, {
      frame: b.input(frame, "uint8", [scale.heightPx, scale.widthPx, 3]),
      scale,
      prefix: `${motionPrefix}/${frame}`,
    });
  const { flow, valid } = matchGraph(b, { now: luma("now"), before: luma("before"), scale, options });
  b.output(b.add("flow", "Identity", [flow]), "float32", [1, 2, heightCells, widthCells]);
  b.output(b.add("valid", "Identity", [valid]), "float32", [1, 1, heightCells, widthCells]);
  return modelOf(b.build(), opset);
}

/**
 * What is added to differences from the mean, so that zeros, which is what lies outside the picture, are far from
 * everything inside.
 */
const lift = 4;

class MatchWriter {
  readonly #builder: GraphBuilder;
  readonly #nodes: MotionNodes;
  readonly #scale: FlowScale;
  readonly #options: MatchOptions;
  readonly #search: BlockSearch;

  constructor(builder: GraphBuilder, prefix: string, scale: FlowScale, options: MatchOptions) {
    this.#builder = builder;
    this.#nodes = new MotionNodes(builder, prefix);
    this.#scale = scale;
    this.#options = options;
    this.#search = new BlockSearch(this.#nodes, options);
  }

  write(now: string, before: string): MatchTensors {
    const [ours, theirs] = [this.#pyramid("now", now), this.#pyramid("before", before)];
    const there = this.#matched("there", ours, theirs);
    const back = this.#matched("back", theirs, ours);
    return { flow: there, valid: this.#returning(there, back) };
  }

  /** Luma less its mean at every level, coarse to fine. */
  #pyramid(part: string, luma: string): string[] {
    const { levels } = this.#scale;
    return pyramid(this.#nodes, part, luma, levels).map((map, index) => {
      const level = levels[index] ?? this.#scale.finest;
      const name = `${part}${level.cellPx}`;
      const [coarsest] = levels;
      const window = Math.round((this.#options.meanCells * coarsest.cellPx) / level.cellPx) | 1;
      const nodes = this.#nodes;
      const mean = windowMean(nodes, `${name}/mean`, map, level, window);
      return nodes.add(`${name}/lifted`, "Add", [
        nodes.add(`${name}/contrast`, "Sub", [map, mean]),
        nodes.scalar("lift", lift),
      ]);
    });
  }

  /** Where each cell of one frame is in the other. */
  #matched(part: string, from: readonly string[], to: readonly string[]): string {
    let flow: string | undefined;
    let coarser: FlowLevel | undefined;
    for (const [index, level] of this.#scale.levels.entries()) {
      const name = `${part}/level${level.cellPx}`;
      const [ours, theirs] = [from[index] ?? "", to[index] ?? ""];
      flow =
        flow === undefined || coarser === undefined
          ? this.#search.best(name, level, ours, theirs, this.#options.reachCells)
          : this.#followed(name, level, ours, theirs, refined(this.#nodes, `${name}/start`, flow, coarser, level));
      coarser = level;
    }
    return flow ?? "";
  }

  /** Looks around where a flow leads: in the other frame as it is seen along that flow. */
  #followed(part: string, level: FlowLevel, ours: string, theirs: string, start: string): string {
    const nodes = this.#nodes;
    const { heightCells, widthCells } = level;
    const around = nodes.float32(`level${level.cellPx}/centres`, [1, 2, heightCells, widthCells], centres(level));
    const seen = nodes.sample(
      `${part}/seen`,
      theirs,
      nodes.add(`${part}/grid`, "Transpose", [nodes.add(`${part}/places`, "Add", [start, around])], {
        perm: [0, 2, 3, 1],
      }),
    );
    const step = this.#search.best(part, level, ours, seen, this.#options.refineCells);
    return this.#chained(`${part}/chained`, level, step, start);
  }

  /** A step, and from where it leads another flow. */
  #chained(part: string, level: FlowLevel, step: string, then: string): string {
    return this.#nodes.add(part, "Add", [step, this.#along(part, level, then, step)]);
  }

  /** A map as it is seen along a flow; beyond the border what is at the border. */
  #along(part: string, level: FlowLevel, map: string, flow: string): string {
    const grid = gridGraph(this.#builder, {
      flow,
      scale: { ...this.#scale, finest: level },
      to: { height: level.heightCells, width: level.widthCells, kind: "cells" },
      prefix: this.#nodes.name(part),
    });
    return this.#nodes.sample(`${part}/along`, map, grid);
  }

  /** 1 where flow there and back ends near its start. */
  #returning(there: string, back: string): string {
    const nodes = this.#nodes;
    const { finest } = this.#scale;
    const { heightCells: h, widthCells: w } = finest;
    const apart = nodes.add("apart", "Mul", [
      this.#chained("round", finest, there, back),
      nodes.float32("cells", [1, 2, 1, 1], [w / 2, h / 2]),
    ]);
    const squares = nodes.add("squares", "ReduceSum", [
      nodes.add("squared", "Mul", [apart, apart]),
      nodes.int64("channels", [1]),
    ]);
    const near = nodes.add("near", "Less", [squares, nodes.scalar("tolerance", this.#options.toleranceCells ** 2)]);
    return nodes.add("valid", "Cast", [near], { to: castToFloat32 });
  }
}

function check(options: MatchOptions): void {
  requireWhole("reachCells", options.reachCells, 1);
  requireWhole("refineCells", options.refineCells, 1);
  for (const part of ["windowCells", "meanCells"] as const) {
    const cells = options[part];
    if (Number.isSafeInteger(cells) && cells >= 1 && cells % 2 === 1) continue;
    throw new ClockworkError("invalid-argument", `${part}: expected an odd number of cells, got ${cells}`);
  }
  for (const part of ["differenceLimit", "shiftCost", "toleranceCells"] as const) {
    if (options[part] >= 0) continue;
    throw new ClockworkError("invalid-argument", `${part}: expected a number from 0, got ${options[part]}`);
  }
}
