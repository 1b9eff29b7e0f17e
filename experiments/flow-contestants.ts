// Ways to find the motion between two pictures, side by side: none at all, the motion graph with two settings, and OpenCV's.
// Everything is given at every pixel: what has cells (the graph, OpenCV's points) is interpolated between them, as the
// graph does for its own use; Farneback's method has pixels of its own.

import type { Frame } from "../src/index.ts";
import { flowScale, type PictureSize } from "../src/motion/index.ts";
import { atPixels, coarserOptions, FlowChain } from "./flow-chain.ts";
import { farneback, greyOf, loadOpenCv, pointsFlow, widerFarneback } from "./opencv-flow.ts";

/** The contestants, in the order of the columns. */
export const flowMethods = ["none", "default", "coarser", "farneback", "farneback, wider", "points"] as const;

/** How motion was found; `none` is no motion at all. */
export type FlowMethod = (typeof flowMethods)[number];

/** Something of each contestant. */
export type ByFlowMethod<T> = Record<FlowMethod, T>;

/** Makes something for each contestant. */
export function byMethod<T>(make: (method: FlowMethod) => T): ByFlowMethod<T> {
  return Object.fromEntries(flowMethods.map((method) => [method, make(method)])) as ByFlowMethod<T>;
}

/** All contestants, for pictures of one size. */
export class FlowContestants implements AsyncDisposable {
  readonly #size: PictureSize;
  readonly #usual: FlowChain;
  readonly #coarser: FlowChain;
  readonly #times: ByFlowMethod<number[]> = byMethod(() => []);

  private constructor(size: PictureSize, usual: FlowChain, coarser: FlowChain) {
    this.#size = size;
    this.#usual = usual;
    this.#coarser = coarser;
  }

  /** Loads OpenCV and opens the graphs. */
  static async open(size: PictureSize): Promise<FlowContestants> {
    await loadOpenCv();
    return new FlowContestants(size, await FlowChain.open(size), await FlowChain.open(size, coarserOptions));
  }

  /** Pixels from the current picture to where the same was in the one before: [2, heightPx, widthPx] each, x then y. */
  async flows(before: Frame, now: Frame): Promise<ByFlowMethod<Float32Array>> {
    const { widthPx, heightPx } = this.#size;
    const { finest } = flowScale(this.#size);
    const [greyBefore, greyNow] = [greyOf(before), greyOf(now)];
    const flows = {
      none: new Float32Array(2 * widthPx * heightPx),
      default: await this.#chained("default", this.#usual, before, now),
      coarser: await this.#chained("coarser", this.#coarser, before, now),
      farneback: this.#timed("farneback", () => farneback(greyNow, greyBefore)),
      "farneback, wider": this.#timed("farneback, wider", () => farneback(greyNow, greyBefore, widerFarneback)),
      points: atPixels(
        this.#timed("points", () => pointsFlow(greyNow, greyBefore, finest)),
        finest,
        this.#size,
      ),
    };
    greyBefore.delete();
    greyNow.delete();
    return flows;
  }

  /** Milliseconds a pair, the median over all so far. */
  get milliseconds(): ByFlowMethod<number> {
    return byMethod((method) => middle(this.#times[method]));
  }

  #timed(method: FlowMethod, run: () => Float32Array): Float32Array {
    const start = performance.now();
    const flow = run();
    this.#times[method].push(performance.now() - start);
    return flow;
  }

  async #chained(method: FlowMethod, chain: FlowChain, before: Frame, now: Frame): Promise<Float32Array> {
    await chain.next(before, true);
    const step = await chain.next(now);
    this.#times[method].push(step.milliseconds);
    return chain.dense(step);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#usual[Symbol.asyncDispose]();
    await this.#coarser[Symbol.asyncDispose]();
  }
}

function middle(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
