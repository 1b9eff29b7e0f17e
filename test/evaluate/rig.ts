// Small datasets in memory, schedules of the small network, and a store whose owner can be killed.

import { parseSchedule } from "../../src/clocks/index.ts";
import { sequenceOf, type Dataset, type Sequence } from "../../src/datasets/index.ts";
import type { Contender, DetailedEvaluation, EvaluationStore, FrameMatcher } from "../../src/evaluate/index.ts";
import type { Frame, LabelMap } from "../../src/frame.ts";
import { Random } from "../../src/networks/random.ts";
import { Scene, type Extent } from "../support/pictures.ts";
import { smallSegmenter } from "../support/segmenting.ts";

/** Size of most frames: the least at which labels of the network vary. */
export const tiny: Extent = { widthPx: 64, heightPx: 32 };

/** Classes of the datasets here; label 255 is void. */
export const truthNames: readonly string[] = ["ground", "thing", "rest"];

/** From the five classes of the network: one is none of the dataset's, two are the same. */
export const table: Uint8Array = new Uint8Array(256).fill(255);
table.set([1, 0, 2, 255, 1]);

/** What a sequence is to be. */
export interface SequencePlan {
  readonly frames: number;
  /** Indices of frames with labels. */
  readonly labelled: readonly number[];
  /** Size of each frame; default `tiny`. */
  readonly sizeOf?: (frame: number) => Extent;
}

/** A dataset of views that move, with a cut every 13 frames and labels in blots. */
export function datasetOf(plans: readonly SequencePlan[], classNames: readonly string[] = truthNames): Dataset {
  const sequences = plans.map(({ frames, labelled, sizeOf = () => tiny }, number): Sequence => {
    const items = Array.from({ length: frames }, (_, frame) => {
      const size = sizeOf(frame);
      const scene = new Scene(100 * number + Math.floor(frame / 13));
      return {
        name: `${number}-${frame}`,
        read: () => Promise.resolve(scene.at(size, { x: 0.02 * frame, y: 0.01 * frame })),
        ...(labelled.includes(frame) && {
          readLabels: () => Promise.resolve(blots(size, 1000 * number + frame, classNames.length)),
        }),
      };
    });
    return sequenceOf(`sequence ${number}`, items, 25);
  });
  return { name: "memory", split: undefined, classNames, sequences, notes: [] };
}

/** Labels in patches of 4x4, among them void. */
function blots({ widthPx, heightPx }: Extent, seed: number, classes: number): LabelMap {
  const random = new Random(seed, "blots");
  const columns = Math.ceil(widthPx / 4);
  const patches = Array.from({ length: columns * Math.ceil(heightPx / 4) }, () => {
    const label = Math.floor((classes + 1) * random.next());
    return label === classes ? 255 : label;
  });
  const data = Uint8Array.from(
    { length: widthPx * heightPx },
    (_, at) => patches[Math.floor(Math.floor(at / widthPx) / 4) * columns + Math.floor((at % widthPx) / 4)] ?? 255,
  );
  return { data, widthPx, heightPx };
}

/** The oracle and schedules of the small network, and their disposal. */
export function contendersOf(clocks: readonly string[]): { readonly all: readonly Contender[] } & AsyncDisposable {
  const oracle = smallSegmenter("every");
  const all = ["every", ...clocks].map((clock, place): Contender => {
    const schedule = parseSchedule(clock);
    return { schedule, segmenter: place === 0 ? oracle : oracle.variant({ schedule }) };
  });
  return {
    all,
    [Symbol.asyncDispose]: async () => {
      for (const { segmenter } of all) await segmenter[Symbol.asyncDispose]();
    },
  };
}

/**
 * A matcher that makes its places up from what is in both frames, in no sensible way; and none where the first pixels
 * are far apart, as where the scene changes.
 */
export const someMatcher: FrameMatcher = {
  match: (frame, before) => {
    const isSameSize = frame.widthPx === before.widthPx && frame.heightPx === before.heightPx;
    const pixels = frame.widthPx * frame.heightPx;
    const value = ({ data }: Frame, at: number): number => data[3 * at] ?? 0;
    if (!isSameSize || Math.abs(value(frame, 0) - value(before, 0)) > 20) return Promise.resolve(undefined);
    return Promise.resolve(
      Int32Array.from({ length: pixels }, (_, at) => {
        const to = at + (value(frame, at) % 5) - (value(before, at) % 3);
        return to < 0 || to >= pixels || to % 11 === 0 ? -1 : to;
      }),
    );
  },
};

/** A store in memory, whose owner dies after so many checkpoints. */
export class MortalStore implements EvaluationStore {
  checkpoint: Uint8Array | undefined;
  saves = 0;
  readonly #maps = new Map<string, Uint8Array>();
  #left: number | undefined;

  /** @param left checkpoints until its owner is killed, in the middle of the next one; `undefined` for never */
  liveFor(left: number | undefined): void {
    this.#left = left;
  }

  load(): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.checkpoint);
  }

  save(checkpoint: Uint8Array): Promise<void> {
    if (this.#left === 0) return Promise.reject(new Error("killed"));
    if (this.#left !== undefined) this.#left -= 1;
    this.saves += 1;
    this.checkpoint = checkpoint.slice();
    return Promise.resolve();
  }

  putLabels(run: number, index: number, labels: Uint8Array): Promise<void> {
    this.#maps.set(`${run}/${index}`, labels.slice());
    return Promise.resolve();
  }

  labels(run: number, index: number): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.#maps.get(`${run}/${index}`));
  }

  /** All label maps that were kept, by run and index. */
  get maps(): ReadonlyMap<string, Uint8Array> {
    return this.#maps;
  }
}

/** An evaluation without what differs from one execution to the next: times. */
export function timeless({ runs, timelines, ...evaluation }: DetailedEvaluation): unknown {
  return {
    ...evaluation,
    runs: runs.map(({ msPerFrame: _ms, speedup: _speedup, latencyMs: _latency, ...run }) => run),
    timelines: timelines.map(({ ms: _times, ...timeline }) => timeline),
  };
}
