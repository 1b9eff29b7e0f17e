// One schedule in an evaluation: takes blocks of frames through its segmenter, in every phase that is wanted, and tallies
// what comes out.

import { formatSchedule, type Schedule } from "../clocks/index.ts";
import type { LabelledFrame } from "../datasets/dataset.ts";
import type { LabelMap } from "../frame.ts";
import { decodeSnapshot, encodeSnapshot, type Segmenter } from "../segment/index.ts";
import type { RunState } from "./checkpoint.ts";
import { Tally, type Scoring } from "./tally.ts";

/** A schedule to evaluate. */
export interface Contender {
  readonly schedule: Schedule;
  readonly segmenter: Segmenter;
}

/** A frame of a block, with what it is scored against. */
export interface BlockFrame {
  readonly item: LabelledFrame;
  readonly truth: LabelMap | undefined;
  /** True labels near edges; anything else ignored. */
  readonly boundary: LabelMap | undefined;
  /** For each pixel the index of what it shows in the frame before, or -1; `undefined` where they are not compared. */
  readonly places: Int32Array | undefined;
}

/** Frames that every schedule goes through before the next are read. */
export interface Block {
  readonly sequence: number;
  /** Place of the first frame in its stretch, from 0. */
  readonly place: number;
  readonly warmUp: number;
  readonly frames: readonly BlockFrame[];
}

/** Takes one schedule through the blocks. */
export class Runner {
  readonly clock: string;
  readonly propagate: "still" | "flow";
  readonly tally: Tally;
  readonly #segmenter: Segmenter;
  /** Memory of each phase, where the segmenter itself does not have it. */
  readonly #memories: (Uint8Array | undefined)[];
  /** Phase whose memory the segmenter has. */
  #current: number | undefined;
  #warm = false;

  constructor(contender: Contender, phases: number, scoring: Scoring, saved?: RunState) {
    this.clock = formatSchedule(contender.schedule);
    this.propagate = contender.schedule.propagate ?? "still";
    this.#segmenter = contender.segmenter;
    this.tally = new Tally(
      scoring,
      saved?.tally,
      saved?.lanes.map(({ previous }) => previous),
    );
    this.#memories = Array.from({ length: phases }, (_, phase) => saved?.lanes[phase]?.snapshot);
  }

  /**
   * Goes through a block.
   * @param oracle labels to agree with; `undefined` for the oracle itself
   * @returns the labels of the first phase
   */
  async go(
    block: Block,
    oracle: readonly Uint8Array[] | undefined,
    signal: AbortSignal | undefined,
  ): Promise<readonly Uint8Array[]> {
    await this.#warmUp(block, signal);
    let labels: readonly Uint8Array[] = [];
    for (const phase of this.#memories.keys()) {
      const made = await this.#goInPhase(phase, block, oracle, signal);
      if (phase === 0) labels = made;
    }
    return labels;
  }

  async #goInPhase(
    phase: number,
    block: Block,
    oracle: readonly Uint8Array[] | undefined,
    signal: AbortSignal | undefined,
  ): Promise<readonly Uint8Array[]> {
    const { frames, place, warmUp, sequence } = block;
    // A later phase starts that many frames later.
    const skipped = Math.max(0, phase - place);
    const continues = place > phase;
    const memory = this.#memories[phase];
    if (continues && this.#current !== phase && memory !== undefined) {
      await this.#segmenter.restore(decodeSnapshot(memory));
    }
    const labels: Uint8Array[] = [];
    const before = continues ? this.tally.previous[phase] : undefined;
    let at = skipped;
    const pictures = frames.slice(skipped).map(({ item }) => item.frame);
    if (pictures.length === 0) return labels;
    this.#current = phase;
    for await (const result of this.#segmenter.segment(pictures, {
      continues,
      ...(signal !== undefined && { signal }),
    })) {
      const frame = frames[at];
      if (frame === undefined) break;
      const map = result.labels.data;
      this.tally.update(
        result,
        {
          phase,
          sequence,
          frame: frame.item.index,
          first: place + at === phase,
          counts: place + at >= phase + warmUp,
        },
        { oracle: oracle?.[at] ?? map, truth: frame.truth, boundary: frame.boundary },
      );
      labels.push(map);
      at += 1;
    }
    // Not while the engine works: times are taken there.
    this.#compare(block, phase, labels, before);
    if (this.#memories.length > 1) this.#memories[phase] = await this.#memory();
    return labels;
  }

  /** Adds the consistency of the labels of a phase; `before` are those of the frame before the block. */
  #compare(
    { frames, place, warmUp }: Block,
    phase: number,
    labels: readonly Uint8Array[],
    before: Uint8Array | undefined,
  ): void {
    const skipped = Math.max(0, phase - place);
    for (const [at, map] of labels.entries()) {
      const others = at === 0 ? before : labels[at - 1];
      const places = frames[skipped + at]?.places;
      const counts = place + skipped + at >= phase + warmUp;
      if (!counts || places === undefined || others === undefined || others.length !== map.length) continue;
      this.tally.consistency.updateMatched(map, others, places);
    }
  }

  /** The first run of a network is slower than all others; it is not to be counted. */
  async #warmUp({ frames }: Block, signal: AbortSignal | undefined): Promise<void> {
    const frame = frames[0]?.item.frame;
    if (this.#warm || frame === undefined) return;
    this.#warm = true;
    for await (const result of this.#segmenter.segment([frame], signal === undefined ? {} : { signal })) void result;
  }

  async #memory(): Promise<Uint8Array | undefined> {
    const snapshot = await this.#segmenter.snapshot();
    return snapshot === undefined ? undefined : encodeSnapshot(snapshot);
  }

  /** All that is needed to go on in another process. */
  async state(): Promise<RunState> {
    if (this.#memories.length === 1) this.#memories[0] = await this.#memory();
    return {
      tally: this.tally.state(),
      lanes: this.#memories.map((snapshot, phase) => ({ snapshot, previous: this.tally.previous[phase] })),
    };
  }
}
