// Footage for tuning without a file: a scene that a camera moves over at a changing pace, a store of labels in memory, and
// a small network with its plan.

import { expect } from "vitest";
import type { Schedule } from "../../../src/clocks/index.ts";
import type { Sequence } from "../../../src/datasets/dataset.ts";
import { sequenceOf } from "../../../src/datasets/sequence.ts";
import type { Engine } from "../../../src/engine/index.ts";
import type { LabelStore } from "../../../src/evaluate/index.ts";
import type { Frame } from "../../../src/frame.ts";
import type { Network } from "../../../src/network/index.ts";
import { fcn8s, unet } from "../../../src/networks/index.ts";
import type { Segmenter, SegmenterOptions } from "../../../src/segment/index.ts";
import type { Plan } from "../../../src/stages/index.ts";
import { Scene, type Extent } from "../../support/pictures.ts";
import { localEngine } from "../../support/runtime.ts";
import { frameSize, resultsOf, smallSegmenter } from "../../support/segmenting.ts";

/** How footage is made. */
export interface Footage {
  readonly frames: number;
  /** Frames on which another scene begins. */
  readonly shots?: readonly number[];
  readonly size?: Extent;
  readonly framesPerSec?: number;
  readonly seed?: number;
  /** How fast it moves: nothing does at 0. */
  readonly pace?: number;
}

/** Frames of a camera that speeds up and slows down. */
export function framesOf({ frames, shots = [], size = frameSize, seed = 1, pace = 1 }: Footage): readonly Frame[] {
  let scene = new Scene(100 * seed);
  let x = 0;
  return Array.from({ length: frames }, (_, frame) => {
    if (shots.includes(frame)) scene = new Scene(100 * seed + frame);
    x += 0.006 * pace * (1 + Math.sin(frame / 4)) ** 2;
    return scene.at(size, { x, y: 0.4 * x });
  });
}

/** 60 frames of a camera that moves by `pace` of the width a frame, and stands still in the second third. */
export function stopAndGo({ seed, pace }: { readonly seed: number; readonly pace: number }): readonly Frame[] {
  const scene = new Scene(100 * seed);
  return Array.from({ length: 60 }, (_, at) => {
    const x = pace * (at < 20 ? at : Math.max(20, at - 20));
    return scene.at(frameSize, { x, y: 0.3 * x });
  });
}

/** Frames as a sequence. */
export function sequenceFrom(frames: readonly Frame[], framesPerSec = 25, name = "clip"): Sequence {
  const items = frames.map((frame, at) => ({ name: `${name}_${at}`, read: () => Promise.resolve(frame) }));
  return sequenceOf(name, items, framesPerSec);
}

/** Footage as a sequence. */
export function sequence(footage: Footage): Sequence {
  return sequenceFrom(framesOf(footage), footage.framesPerSec);
}

/** Keeps labels in memory. */
export class MemoryLabels implements LabelStore {
  readonly #maps = new Map<string, Uint8Array>();

  putLabels(run: number, index: number, labels: Uint8Array): Promise<void> {
    this.#maps.set(`${run}/${index}`, labels.slice());
    return Promise.resolve();
  }

  labels(run: number, index: number): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#maps.get(`${run}/${index}`)?.slice());
  }
}

/** A network with a shallow score map, whose classes are all there in pictures such as these. */
export function scoring(): Partial<SegmenterOptions> {
  return { model: fcn8s({ width: 1 / 16, classes: 5, seed: 4 }) };
}

/** A network without one. */
export function scoreless(): Partial<SegmenterOptions> {
  return { model: unet({ width: 1 / 16, classes: 5 }) };
}

/** The oracle of a small network with its plan for frames of a size. */
export interface Prepared extends AsyncDisposable {
  readonly oracle: Segmenter;
  readonly network: Network;
  readonly plan: Plan;
  readonly classes: number;
  readonly engine: Engine;
  /** Labels of the network on every frame; they are made once for the same frames. */
  readonly truthOf: (frames: readonly Frame[]) => Promise<readonly Uint8Array[]>;
}

/** Opens a network. */
export async function prepared(
  options: Partial<SegmenterOptions> = scoring(),
  size: Extent = frameSize,
): Promise<Prepared> {
  const oracle = smallSegmenter("every", options);
  const { network, plan } = await oracle.prepare(size);
  if (network === undefined || plan === undefined) throw new Error("expected a network with a plan");
  const truths = new WeakMap<readonly Frame[], readonly Uint8Array[]>();
  return {
    oracle,
    network,
    plan,
    truthOf: async (frames) => {
      const truth = truths.get(frames) ?? (await resultsOf(oracle.segment(frames))).map(({ labels }) => labels.data);
      truths.set(frames, truth);
      return truth;
    },
    classes: network.output.classes ?? 256,
    engine: localEngine,
    [Symbol.asyncDispose]: () => oracle[Symbol.asyncDispose](),
  };
}

/** What a clock does when it is really run. */
export interface RealRun {
  readonly fired: readonly boolean[];
  readonly signal: readonly (number | undefined)[];
  readonly shots: readonly boolean[];
  /** Share of the pixels with another label than the oracle's, by frame. */
  readonly disagreement: readonly number[];
  /** Multiply-accumulates over all frames as a share of the oracle's. */
  readonly macsRatio: number;
}

/** Runs a schedule over frames, and compares with the oracle. */
export async function runFor(
  { oracle, network, truthOf }: Prepared,
  schedule: Schedule,
  frames: readonly Frame[],
): Promise<RealRun> {
  await using segmenter = oracle.variant({ schedule });
  const results = await resultsOf(segmenter.segment(frames));
  const truth = await truthOf(frames);
  expect(results).toHaveLength(frames.length);
  return {
    fired: results.map(({ fired }) => fired.at(-1) === true),
    signal: results.map(({ signal }) => signal),
    shots: results.map(({ shot }) => shot),
    disagreement: results.map(({ labels }, at) => differing(labels.data, truth[at])),
    macsRatio: results.reduce((sum, { macs }) => sum + macs, 0) / (frames.length * network.totalMacs),
  };
}

function differing(a: Uint8Array, b: Uint8Array = new Uint8Array(0)): number {
  expect(b).toHaveLength(a.length);
  let count = 0;
  for (const [at, label] of a.entries()) if (label !== b[at]) count++;
  return count / a.length;
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
