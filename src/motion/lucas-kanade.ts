// Dense optical flow as graph nodes: the method of Lucas and Kanade in its inverse compositional form (Baker and
// Matthews, Lucas-Kanade 20 Years On, IJCV 2004, section 3.2), window by window around every cell, from coarse to fine
// (Bouguet, Pyramidal Implementation of the Lucas Kanade Feature Tracker, 2000). Gradients are of the current frame, so
// the matrix of each window is made and inverted once for all iterations. The regulariser is that of a ridge regression
// towards the mean flow of the window: it stills flat places and smooths at once.
//
// Not a tracker: nothing is remembered here but the luma of the frame before.

import { ClockworkError } from "../errors.ts";
import type { GraphBuilder } from "../onnx/index.ts";
import { defaultFlowOptions, type FlowLevel, type FlowOptions, type FlowScale } from "./levels.ts";
import { MotionNodes, motionPrefix } from "./nodes.ts";
import { centres, pyramid, refined } from "./pyramid.ts";
import { transposed } from "./resampling.ts";

/** Flow of one step in time. */
export interface FlowInputs {
  /** Name of the current frame's luma, float32 [1, 1, heightCells, widthCells] of the finest level. */
  readonly now: string;
  /** Name of the luma of the frame before, alike. */
  readonly before: string;
  readonly scale: FlowScale;
  /** Those the scale was made with. */
  readonly options?: FlowOptions;
  /** Default `clockwork/motion`. */
  readonly prefix?: string;
}

/** Names of tensors float32 [1, C, heightCells, widthCells] of the finest level. */
export interface FlowTensors {
  /**
   * C = 2, x and y: where, from the centre of a cell, the frame before had what is there now. In halves of the covered
   * extent ({@link coveredPx}), so that GridSample of the frame before, at centre plus flow, gives the current one.
   */
  readonly flow: string;
  /**
   * C = 1: root mean square, over 3x3 cells, of the luma 0..1 that the flow leaves unexplained, to first order. Written
   * when it is asked for, once.
   */
  readonly residual: () => string;
  /** C = 1: 1 where the flow leads into the frame before, 0 where it leads out, between on its outermost half cell. */
  readonly valid: string;
}

/** Gradients and inverted matrices of a level. */
interface Windows {
  readonly gradient: string;
  /** Diagonal of the inverse, and its negated other element. */
  readonly diagonal: string;
  readonly other: string;
  readonly regulariser: string;
}

/** Writes the flow. Nodes are named `PREFIX/flow/...`. @throws ClockworkError `invalid-argument` for a single step */
export function flowGraph(b: GraphBuilder, inputs: FlowInputs): FlowTensors {
  const { now, before, scale, options = defaultFlowOptions, prefix = motionPrefix } = inputs;
  if (scale.levels.reduce((steps, level) => steps + level.iterations, 0) < 2) {
    throw new ClockworkError("invalid-argument", "flow: expected at least two iterations, got one on a single level");
  }
  return new FlowWriter(new MotionNodes(b, `${prefix}/flow`), scale, options).write(now, before);
}

class FlowWriter {
  readonly #nodes: MotionNodes;
  readonly #scale: FlowScale;
  readonly #options: FlowOptions;

  constructor(nodes: MotionNodes, scale: FlowScale, options: FlowOptions) {
    this.#nodes = nodes;
    this.#scale = scale;
    this.#options = options;
  }

  write(now: string, before: string): FlowTensors {
    const lumas = pyramid(this.#nodes, "now", now, this.#scale.levels);
    const references = pyramid(this.#nodes, "before", before, this.#scale.levels);
    let flow: string | undefined;
    let coarser: FlowLevel | undefined;
    let last: { readonly target: string; readonly gradient: string; readonly valid: string } | undefined;
    for (const [index, level] of this.#scale.levels.entries()) {
      const part = `level${level.cellPx}`;
      const luma = lumas[index] ?? now;
      const reference = references[index] ?? before;
      const windows = this.#windows(part, level, luma);
      if (flow !== undefined && coarser !== undefined)
        flow = refined(this.#nodes, `${part}/start`, flow, coarser, level);
      for (let iteration = 1; iteration <= level.iterations; iteration++) {
        const step = `${part}/step${iteration}`;
        const { target, valid } = this.#target(step, level, windows, luma, reference, flow);
        flow = this.#solved(step, level, windows, target, flow);
        last = { target, gradient: windows.gradient, valid };
      }
      coarser = level;
    }
    if (flow === undefined || last === undefined) throw new Error("a scale has levels, and a level iterations");
    const { gradient, target, valid } = last;
    const found = flow;
    return { flow, valid, residual: () => this.#residual(gradient, target, found) };
  }

  /** Gradients of the current frame, and the inverted matrix of the window around every cell. */
  #windows(part: string, level: FlowLevel, luma: string): Windows {
    const nodes = this.#nodes;
    const { heightCells: h, widthCells: w } = level;
    const derived = (axis: string, count: number): string =>
      nodes.float32(`${part}/derive/${axis}`, [count, count], this.#stencil(axis, count, derivative(count)));
    const smoothed = (axis: string, count: number): string =>
      nodes.float32(`${part}/smooth/${axis}`, [count, count], this.#stencil(axis, count, smoothing(count)));
    const gradientX = nodes.add(`${part}/gradient/x`, "MatMul", [
      smoothed("y", h),
      nodes.add(`${part}/across`, "MatMul", [luma, derived("x", w)]),
    ]);
    const gradientY = nodes.add(`${part}/gradient/y`, "MatMul", [
      nodes.add(`${part}/down`, "MatMul", [derived("y", h), luma]),
      smoothed("x", w),
    ]);
    const gradient = nodes.add(`${part}/gradient`, "Concat", [gradientX, gradientY], { axis: 1 });
    // The unit of flow is half the extent, so a gradient squared is in units of its square.
    const regulariser = nodes.float32(
      `${part}/regulariser`,
      [1, 2, 1, 1],
      [w, h].map((count) => (this.#options.regularisation * count * count) / 4),
    );
    const squares = this.#box(`${part}/squares`, level, nodes.add(`${part}/square`, "Mul", [gradient, gradient]));
    const ridged = nodes.add(`${part}/ridged`, "Add", [squares, regulariser]);
    const mixed = this.#box(`${part}/mixed`, level, nodes.add(`${part}/mix`, "Mul", [gradientX, gradientY]));
    const [xx = "", yy = ""] = nodes.split(`${part}/split`, ridged, [1, 1]);
    const determinant = nodes.add(`${part}/determinant`, "Sub", [
      nodes.add(`${part}/xxyy`, "Mul", [xx, yy]),
      nodes.add(`${part}/xyxy`, "Mul", [mixed, mixed]),
    ]);
    const swapped = nodes.add(`${part}/swapped`, "Concat", [yy, xx], { axis: 1 });
    return {
      gradient,
      diagonal: nodes.add(`${part}/diagonal`, "Div", [swapped, determinant]),
      other: nodes.add(`${part}/other`, "Div", [mixed, determinant]),
      regulariser,
    };
  }

  /** A stencil for products from the right along x, and from the left along y. */
  #stencil(axis: string, count: number, matrix: Float32Array): Float32Array {
    return axis === "x" ? transposed(matrix, count, count) : matrix;
  }

  /** What gradient times flow should be, [1, 1, h, w], so that the frames agree. */
  #target(
    step: string,
    level: FlowLevel,
    windows: Windows,
    luma: string,
    reference: string,
    flow: string | undefined,
  ): { target: string; valid: string } {
    const nodes = this.#nodes;
    const limit = this.#options.differenceLimit;
    const limited = (now: string, then: string): string =>
      nodes.add(`${step}/limited`, "Clip", [
        nodes.add(`${step}/difference`, "Sub", [this.#exposed(step, now, then), then]),
        nodes.scalar("limit/low", -limit),
        nodes.scalar("limit/high", limit),
      ]);
    if (flow === undefined) return { target: limited(luma, reference), valid: "" };
    const part = `level${level.cellPx}`;
    const places = nodes.add(`${step}/places`, "Add", [
      flow,
      nodes.float32(`${part}/centres`, [1, 2, level.heightCells, level.widthCells], centres(level)),
    ]);
    const sampled = nodes.sample(
      `${step}/sampled`,
      reference,
      nodes.add(`${step}/grid`, "Transpose", [places], { perm: [0, 2, 3, 1] }),
    );
    const valid = this.#inside(step, level, places);
    // Where a sample is outside both are zero.
    const difference = limited(nodes.add(`${step}/inside`, "Mul", [valid, luma]), sampled);
    const explained = this.#alongGradient(`${step}/explained`, windows.gradient, flow);
    return { target: nodes.add(`${step}/target`, "Add", [explained, difference]), valid };
  }

  /**
   * How much of a sample is inside: as the operator weighs it, and several times faster than to sample a map of ones. It
   * is all up to the outermost centres, and falls to nothing a cell further out.
   */
  #inside(step: string, { widthCells, heightCells }: FlowLevel, places: string): string {
    const nodes = this.#nodes;
    const counts = [widthCells, heightCells];
    const name = `inside/${widthCells}x${heightCells}`;
    const slopes = nodes.float32(
      `${name}/slopes`,
      [1, 2, 1, 1],
      counts.map((count) => -count / 2),
    );
    const tops = nodes.float32(
      `${name}/tops`,
      [1, 2, 1, 1],
      counts.map((count) => (count + 1) / 2),
    );
    const away = nodes.add(`${step}/away`, "Mul", [nodes.add(`${step}/distance`, "Abs", [places]), slopes]);
    const shares = nodes.add(`${step}/shares`, "Clip", [
      nodes.add(`${step}/near`, "Add", [away, tops]),
      nodes.scalar("inside/none", 0),
      nodes.scalar("inside/all", 1),
    ]);
    return nodes.add(`${step}/valid`, "Mul", nodes.split(`${step}/axes`, shares, [1, 1]));
  }

  /**
   * The current luma times what makes its mean that of the frame before, where both are seen: a camera that adapts to
   * the light multiplies, and without this every such frame seemed to move by several pixels.
   */
  #exposed(step: string, now: string, then: string): string {
    const nodes = this.#nodes;
    // In the dark there is nothing to compare, and nothing must be divided by.
    const mean = (part: string, map: string): string =>
      nodes.add(`${step}/${part}/floored`, "Add", [
        nodes.add(`${step}/${part}`, "GlobalAveragePool", [map]),
        nodes.scalar("mean/floor", 0.001),
      ]);
    const exposure = nodes.add(`${step}/exposure`, "Div", [mean("mean/then", then), mean("mean/now", now)]);
    return nodes.add(`${step}/exposed`, "Mul", [now, exposure]);
  }

  /** Flow that brings gradient times flow closest to the target in each window. */
  #solved(step: string, level: FlowLevel, windows: Windows, target: string, flow: string | undefined): string {
    const nodes = this.#nodes;
    let pull = nodes.add(`${step}/weighted`, "Mul", [windows.gradient, target]);
    if (flow !== undefined) {
      const held = nodes.add(`${step}/held`, "Mul", [flow, windows.regulariser]);
      pull = nodes.add(`${step}/pull`, "Add", [pull, held]);
    }
    const sums = this.#box(`${step}/sums`, level, pull);
    const crossed = nodes.add(`${step}/crossed`, "Gather", [sums, nodes.int64("exchange", [1, 0])], { axis: 1 });
    return nodes.add(`${step}/flow`, "Sub", [
      nodes.add(`${step}/direct`, "Mul", [windows.diagonal, sums]),
      nodes.add(`${step}/across`, "Mul", [windows.other, crossed]),
    ]);
  }

  #residual(gradient: string, target: string, flow: string): string {
    const nodes = this.#nodes;
    const error = nodes.add("residual/error", "Sub", [
      this.#alongGradient("residual/explained", gradient, flow),
      target,
    ]);
    const squared = nodes.add("residual/squared", "Mul", [error, error]);
    return nodes.add("residual", "Sqrt", [this.#mean("residual/mean", squared, 3)]);
  }

  #alongGradient(part: string, gradient: string, flow: string): string {
    const products = this.#nodes.add(`${part}/products`, "Mul", [gradient, flow]);
    return this.#nodes.add(part, "Add", this.#nodes.split(`${part}/axes`, products, [1, 1]));
  }

  #box(part: string, level: FlowLevel, map: string): string {
    return this.#mean(part, map, level.windowCells);
  }

  /** Means over windows; those that reach over the edge are of what is inside. */
  #mean(part: string, map: string, windowCells: number): string {
    if (windowCells === 1) return map;
    const pad = (windowCells - 1) / 2;
    return this.#nodes.add(part, "AveragePool", [map], {
      kernel_shape: [windowCells, windowCells],
      pads: [pad, pad, pad, pad],
      count_include_pad: 0,
    });
  }
}

/** Central differences [count, count] in halves of the extent, with edges repeated. */
function derivative(count: number): Float32Array {
  return stencil(count, [-count / 4, 0, count / 4]);
}

/** The filter 1 2 1 [count, count], with edges repeated. */
function smoothing(count: number): Float32Array {
  return stencil(count, [0.25, 0.5, 0.25]);
}

function stencil(count: number, taps: readonly [number, number, number]): Float32Array {
  const matrix = new Float32Array(count * count);
  for (let row = 0; row < count; row++) {
    for (const [tap, weight] of taps.entries()) {
      const column = Math.min(Math.max(row + tap - 1, 0), count - 1);
      const at = row * count + column;
      matrix[at] = (matrix[at] ?? 0) + weight;
    }
  }
  return matrix;
}
