// Correspondence of frames by block matching in the engine, for what is judged along it. Knows no labels.

import type { Engine, EngineSession } from "../engine/engine.ts";
import type { FrameMatcher } from "../evaluate/index.ts";
import type { Frame } from "../frame.ts";
import { matchedPlaces, matchModel, matchScale, type FlowScale } from "../motion/index.ts";
import { sizeText } from "../network/index.ts";
import { writeModel } from "../onnx/index.ts";

/**
 * Least share of cells that correspond for two frames to be of one shot. Within drives and on a fixed camera it was 0.48
 * at least from one frame to the next, 0.38 a third of a second apart; over 126 pairs of frames of different drives 0.05
 * at most.
 */
const leastShare = 0.2;

/** Sizes of frames that are kept ready. */
const keptSizes = 2;

interface Ready {
  readonly scale: FlowScale;
  readonly session: Promise<EngineSession>;
}

/** Matches frames on one thread of the processor, whatever runs the network. */
export class BlockMatcher implements FrameMatcher, AsyncDisposable {
  readonly #engine: Engine;
  readonly #ready = new Map<string, Ready>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** @throws ClockworkError `engine` where it cannot be run */
  async match(frame: Frame, before: Frame): Promise<Int32Array | undefined> {
    const { widthPx, heightPx } = frame;
    if (before.widthPx !== widthPx || before.heightPx !== heightPx) return undefined;
    const { scale, session } = await this.#at(frame);
    const tensor = ({ data }: Frame) => ({ dtype: "uint8", dims: [heightPx, widthPx, 3], data }) as const;
    const { outputs } = await (await session).run({ now: tensor(frame), before: tensor(before) });
    const [flow, valid] = [outputs["flow"]?.data, outputs["valid"]?.data];
    if (!(flow instanceof Float32Array) || !(valid instanceof Float32Array)) {
      throw new RangeError("expected flow and validity from the model that was made here");
    }
    if (valid.reduce((sum, one) => sum + one, 0) < leastShare * valid.length) return undefined;
    return matchedPlaces({ flow, valid, scale });
  }

  async #at(size: Frame): Promise<Ready> {
    const key = sizeText(size);
    const known = this.#ready.get(key);
    if (known !== undefined) return known;
    for (const [oldest, { session }] of this.#ready) {
      if (this.#ready.size < keptSizes) break;
      this.#ready.delete(oldest);
      await (await session)[Symbol.asyncDispose]();
    }
    const scale = matchScale({ widthPx: size.widthPx, heightPx: size.heightPx });
    const session = this.#engine.open(writeModel(matchModel(scale)).bytes, { threads: 1 });
    const ready = { scale, session };
    this.#ready.set(key, ready);
    return ready;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#ready.values()];
    this.#ready.clear();
    // One that did not open has said so to whoever asked.
    await Promise.allSettled(all.map(async ({ session }) => (await session)[Symbol.asyncDispose]()));
  }
}
