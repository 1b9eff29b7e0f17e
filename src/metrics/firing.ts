// What a schedule did: how often stages fired, what that cost, and how old what is held was. Counts, not times.

/** What happened on a frame. */
export interface Firing {
  /** Whether each stage fired, shallowest first. */
  readonly fired: readonly boolean[];
  /** Multiply-accumulates that were executed. */
  readonly macs: number;
}

/** How old the features of the deepest stage were: frames since it fired, 0 on a frame on which it did. */
export interface FeatureAge {
  readonly mean: number;
  readonly max: number;
  /** Number of frames at each age from 0 on; ages of 255 and more are counted together, in the last of 256 entries. */
  readonly histogram: readonly number[];
}

/** What was done over all frames so far. */
export interface FiringResult {
  readonly frames: number;
  /** Share of frames on which each stage fired, shallowest first; empty without frames. */
  readonly updateRates: readonly number[];
  /** Multiply-accumulates executed, as a share of the oracle's; `undefined` without frames, or where it has none. */
  readonly macsRatio: number | undefined;
  /** Over the frames whose age is known; `undefined` where there are none. */
  readonly age: FeatureAge | undefined;
}

/** Age from which on frames are counted together, so that memory does not grow with the video. */
const oldest = 255;

/** Adds up firings: `update` with each frame, `cut` between sequences. */
export class FiringMeter {
  readonly #macsOfOracle: number;
  #frames = 0;
  #fired: number[] = [];
  #macs = 0;
  #age: number | undefined;
  #aged = 0;
  #ageSum = 0;
  #ageMax = 0;
  #histogram: number[] = [];

  /** @param macsOfOracle multiply-accumulates of the whole network on one frame */
  constructor(macsOfOracle: number) {
    this.#macsOfOracle = macsOfOracle;
  }

  /** Adds a frame. */
  update({ fired, macs }: Firing): void {
    this.#frames += 1;
    this.#macs += macs;
    for (const [depth, fires] of fired.entries()) this.#fired[depth] = (this.#fired[depth] ?? 0) + (fires ? 1 : 0);
    if (fired.at(-1) === true) this.#age = 0;
    else if (this.#age !== undefined) this.#age += 1;
    if (this.#age === undefined) return;
    this.#aged += 1;
    this.#ageSum += this.#age;
    this.#ageMax = Math.max(this.#ageMax, this.#age);
    const entry = Math.min(this.#age, oldest);
    while (this.#histogram.length <= entry) this.#histogram.push(0);
    this.#histogram[entry] = (this.#histogram[entry] ?? 0) + 1;
  }

  /**
   * Starts a new sequence: until the deepest stage fires again, its age is not known and not counted. Needed only where
   * frames at the start of a sequence are not added, since everything fires on the very first one.
   */
  cut(): void {
    this.#age = undefined;
  }

  /** Frames since the deepest stage fired, on the frame added last; `undefined` before a firing was seen. */
  get age(): number | undefined {
    return this.#age;
  }

  result(): FiringResult {
    const frames = this.#frames;
    const ofOracle = frames * this.#macsOfOracle;
    return {
      frames,
      updateRates: this.#fired.map((count) => count / frames),
      macsRatio: ofOracle === 0 ? undefined : this.#macs / ofOracle,
      age:
        this.#aged === 0
          ? undefined
          : { mean: this.#ageSum / this.#aged, max: this.#ageMax, histogram: [...this.#histogram] },
    };
  }

  /** Forgets everything. */
  reset(): void {
    this.cut();
    this.#frames = 0;
    this.#fired = [];
    this.#macs = 0;
    this.#aged = 0;
    this.#ageSum = 0;
    this.#ageMax = 0;
    this.#histogram = [];
  }
}
