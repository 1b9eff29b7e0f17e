// The signals of motion, recorded: the flow of a compiled network (compile/motion-graph.ts) as a model of its own, in which
// as many stages as there are frames to look back to fire in turn. So each frame has the chain from every key that it could
// have, made by the same nodes as when that key is the real one. Nothing of the network runs.

import { conditionOf } from "../compile/clock-graph.ts";
import { motionGraph, motionOpset } from "../compile/motion-graph.ts";
import type { Engine, EngineSession, EngineTensor, OpenOptions, StateLink } from "../engine/index.ts";
import { ClockworkError } from "../errors.ts";
import type { Frame } from "../frame.ts";
import type { Size } from "../network/index.ts";
import { GraphBuilder, modelOf, writeModel, type Model } from "../onnx/index.ts";
import { longestAge, motionSignals, type MotionValues } from "./motion-values.ts";

/** How to record. */
export interface MotionRecorderOptions {
  readonly engine: Engine;
  readonly engineOptions?: Pick<OpenOptions, "threads" | "providers">;
  /** Size of the frames. */
  readonly size: Size;
}

const names = { frame: "frame", values: "values" } as const;

/** Looks at the frames of one video, in their order. */
export class MotionRecorder implements AsyncDisposable {
  readonly #session: EngineSession;
  #frames = 0;

  private constructor(session: EngineSession) {
    this.#session = session;
  }

  /** @throws ClockworkError `engine` where the engine cannot run flow */
  static async open({ engine, engineOptions, size }: MotionRecorderOptions): Promise<MotionRecorder> {
    const { model, state } = recorderModel(size);
    return new MotionRecorder(await engine.open(writeModel(model).bytes, { ...engineOptions, state }));
  }

  /** Values of the next frame. Those of ages that reach back beyond the first one mean nothing. */
  async record({ data, widthPx, heightPx }: Frame): Promise<MotionValues> {
    const now = this.#frames++;
    const feeds: Record<string, EngineTensor> = {
      [names.frame]: { dtype: "uint8", dims: [heightPx, widthPx, 3], data },
    };
    for (let turn = 0; turn < longestAge; turn++) {
      feeds[conditionOf(turn + 1)] = {
        dtype: "bool",
        dims: [1],
        data: Uint8Array.of(now % longestAge === turn ? 1 : 0),
      };
    }
    const { outputs } = await this.#session.run(feeds);
    const found = outputs[names.values]?.data;
    if (!(found instanceof Float32Array))
      throw new ClockworkError("engine", "tune: expected numbers of motion, got none");
    const values = new Float32Array(found.length);
    const count = motionSignals.length;
    for (let turn = 0; turn < longestAge; turn++) {
      // The stage fires on this frame or fired on one of the ten before; its signals are of the firing before this frame.
      const since = (now + longestAge - turn) % longestAge;
      const age = since === 0 ? longestAge : since;
      values.set(found.subarray(turn * count, (turn + 1) * count), (age - 1) * count);
    }
    return values;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#session[Symbol.asyncDispose]();
  }
}

/**
 * Inputs: `frame` uint8 RGB [H,W,3] and, for each of the stages that fire in turn, whether it does, bool [1]. Output:
 * `values` float32, the signals of the first stage, then those of the second, and so on, each before it fires.
 */
function recorderModel(size: Size): { readonly model: Model; readonly state: readonly StateLink[] } {
  const b = new GraphBuilder("motion-signals");
  b.input(names.frame, "uint8", [size.heightPx, size.widthPx, 3]);
  const stages = Array.from({ length: longestAge }, (_, turn) => turn + 1);
  for (const stage of stages) b.input(conditionOf(stage), "bool", [1]);
  const before = (tensor: string): string => `state/${tensor}`;
  const after = (tensor: string): string => `next/${tensor}`;
  const motion = motionGraph({
    source: { kind: "frame", name: names.frame },
    size,
    network: size,
    stages,
    memory: { before, after },
    labels: undefined,
    shapeOf: () => undefined,
    dtypeOf: () => undefined,
  });
  const values = stages.flatMap((stage) => motionSignals.map((signal) => motion.signalOf(stage, signal)));
  b.add(names.values, "Concat", values, { axis: 0 });
  b.output(names.values, "float32", [values.length]);
  const state = motion.memory.map(({ tensor, dtype, dims }) => {
    b.input(before(tensor), dtype, dims);
    b.output(after(tensor), dtype, dims);
    return { input: before(tensor), output: after(tensor), dtype, dims };
  });
  const graph = b.build();
  return {
    model: modelOf(
      {
        ...graph,
        nodes: [...motion.before, ...graph.nodes, ...motion.after],
        initializers: new Map([...graph.initializers, ...motion.initializers]),
      },
      motionOpset,
    ),
    state,
  };
}
