// What a compiled network must give, computed without compiling: the source graph is run with the held tensors of the
// shallowest resting stage given from outside. Drivers of both, for comparison to the bit.

import type { Compiled } from "../../src/compile/compile.ts";
import type { Engine, EngineSession, EngineTensor, OpenOptions } from "../../src/engine/engine.ts";
import { zeros } from "../../src/engine/ort-session.ts";
import type { Network } from "../../src/network/index.ts";
import { writeModel, type Model } from "../../src/onnx/index.ts";
import type { Plan } from "../../src/stages/plan.ts";
import { localEngine } from "./runtime.ts";
import { withInputs, withOutputs } from "./sessions.ts";

/** Tensors by name. */
export type Tensors = Readonly<Record<string, EngineTensor>>;

/** How to drive. */
export interface DriveOptions {
  readonly engine?: Engine;
  readonly open?: OpenOptions;
  /** Frames on which `reset` is set besides the first. */
  readonly resets?: readonly number[];
}

/** A frame of the reference. */
export interface Reference {
  /** Outputs of the source. */
  readonly results: Tensors;
  /** What every stage holds after the frame. */
  readonly held: Tensors;
}

const exact: OpenOptions = { optimize: "none", threads: 1 };

/** Runs a compiled network, memory by hand; all outputs of every frame. */
export async function drive(
  compiled: Compiled,
  images: readonly EngineTensor[],
  options: DriveOptions = {},
): Promise<readonly Tensors[]> {
  const { protocol } = compiled;
  const engine = options.engine ?? localEngine;
  await using session = await engine.open(writeModel(compiled.model).bytes, options.open ?? exact);
  let memory: Tensors = Object.fromEntries(
    protocol.state.map(({ input, dtype, dims }) => [input, { dtype, dims, data: zeros(dtype, dims) }]),
  );
  const frames: Tensors[] = [];
  for (const [frame, image] of images.entries()) {
    const restart = frame === 0 || options.resets?.includes(frame) === true;
    const reset: EngineTensor = { dtype: "bool", dims: [1], data: Uint8Array.of(restart ? 1 : 0) };
    const feeds = { [protocol.inputs.image.name]: image, [protocol.inputs.reset.name]: reset, ...memory };
    const { outputs } = await session.run(feeds);
    memory = Object.fromEntries(protocol.state.map(({ input, output }) => [input, named(outputs, output)]));
    frames.push(outputs);
  }
  return frames;
}

/** The flags of a frame as numbers. */
export function firedIn(frame: Tensors): readonly number[] {
  return Array.from(named(frame, "fired").data, Number);
}

/**
 * The reference for a plan. `depths` has the number of stages that fire on each frame: all on the first, 0 where the
 * last result is repeated.
 */
export async function simulate(
  model: Model,
  network: Network,
  plan: Plan,
  images: readonly EngineTensor[],
  depths: readonly number[],
): Promise<readonly Reference[]> {
  const heldBy = plan.stages.map((stage) => stage.held.map(({ tensor }) => tensor));
  const outputs = network.model.graph.outputs.map(({ name }) => name);
  const sessions = new Map<number, EngineSession>();
  const sessionFor = async (depth: number): Promise<EngineSession> => {
    const known = sessions.get(depth);
    if (known !== undefined) return known;
    const given = heldBy[depth] ?? [];
    const made = [...new Set(heldBy.slice(0, depth).flat())].filter((name) => !given.includes(name));
    const part =
      depth === plan.stages.length
        ? withOutputs(model, made)
        : withInputs({ ...network, model: withOutputs(network.model, made) }, given);
    const session = await localEngine.open(writeModel(part).bytes, exact);
    sessions.set(depth, session);
    return session;
  };
  try {
    let held: Tensors = {};
    let results: Tensors = {};
    const frames: Reference[] = [];
    for (const [frame, image] of images.entries()) {
      const depth = depths[frame] ?? 0;
      if (depth > 0) {
        const given = Object.fromEntries((heldBy[depth] ?? []).map((name) => [name, named(held, name)]));
        const run = await (await sessionFor(depth)).run({ [network.input.name]: image, ...given });
        results = Object.fromEntries(outputs.map((name) => [name, named({ ...held, ...run.outputs }, name)]));
        held = Object.assign({}, held, run.outputs);
      }
      frames.push({ results, held });
    }
    return frames;
  } finally {
    for (const session of sessions.values()) await session[Symbol.asyncDispose]();
  }
}

/** Whether two tensors have the same type, shape and bits. */
export function sameBits(a: EngineTensor, b: EngineTensor): boolean {
  const bytes = ({ data }: EngineTensor): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return a.dtype === b.dtype && a.dims.join() === b.dims.join() && Buffer.compare(bytes(a), bytes(b)) === 0;
}

/** Names of the tensors that differ between a compiled run and the reference; empty where all is equal to the bit. */
export function differences(runs: readonly Tensors[], reference: readonly Reference[]): readonly string[] {
  return runs.flatMap((run, frame) => {
    const { results = {}, held = {} } = reference[frame] ?? {};
    const expected = [
      ...Object.entries(results),
      // Not everything that is made needs to be remembered: what a resting segment of the same stage would read is not.
      ...Object.entries(held).flatMap(([name, tensor]) =>
        `next/${name}` in run ? [[`next/${name}`, tensor] as const] : [],
      ),
    ];
    return expected.flatMap(([name, tensor]) =>
      sameBits(named(run, name), tensor) ? [] : [`${name} on frame ${frame}`],
    );
  });
}

/** One of the tensors. @throws where it is not there */
export function named(tensors: Tensors, name: string): EngineTensor {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Error(`expected a tensor "${name}", got ${Object.keys(tensors).join(", ")}`);
  return tensor;
}
