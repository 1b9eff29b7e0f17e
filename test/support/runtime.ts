// ONNX Runtime in the test's own thread: cheaper than a session in a worker, and a reference that shares none of the
// worker's bookkeeping.

import { createHash } from "node:crypto";
import * as ort from "onnxruntime-node";
import type { Engine, EngineTensor, TensorData } from "../../src/engine/engine.ts";
import { OrtSession } from "../../src/engine/ort-session.ts";
import { writeModel, type Model } from "../../src/onnx/index.ts";

/** Runs a model once, without graph optimisations, on one thread; all outputs by name. */
export async function runOnce(
  model: Model | Uint8Array,
  feeds: Readonly<Record<string, EngineTensor>>,
): Promise<Readonly<Record<string, EngineTensor>>> {
  const bytes = model instanceof Uint8Array ? model : writeModel(model).bytes;
  const session = await ort.InferenceSession.create(bytes, {
    graphOptimizationLevel: "disabled",
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  try {
    const given = Object.entries(feeds).map(
      ([name, { dtype, dims, data }]) => [name, new ort.Tensor(dtype as "uint8", data as Uint8Array, dims)] as const,
    );
    const results = await session.run(Object.fromEntries(given));
    return Object.fromEntries(
      Object.entries(results).map(([name, { type, dims, data }]) => [
        name,
        { dtype: type, dims, data: data as TensorData },
      ]),
    );
  } finally {
    await session.release();
  }
}

/** An engine that blocks its caller, for what asks an engine and is not about engines. */
export const localEngine: Engine = {
  async open(model, options = {}) {
    const session = await OrtSession.open(ort, model, { threads: 1, ...options }, { logSeverityLevel: 4 });
    // One thing at a time, as the contract has it.
    let last: Promise<unknown> = Promise.resolve();
    const inOrder = <T>(work: () => T | Promise<T>): Promise<T> => {
      const done = last.then(work);
      last = done.catch(() => undefined);
      return done;
    };
    return {
      inputs: session.inputs,
      outputs: session.outputs,
      run: (feeds, outputs) => inOrder(() => session.run(feeds, outputs)),
      readState: () => inOrder(() => session.readState()),
      writeState: (tensors) => inOrder(() => session.writeState(tensors)),
      profile: () => Promise.reject(new Error("no profile here")),
      [Symbol.asyncDispose]: () => session.release(),
    };
  },
};

/** The bytes of a tensor's elements. */
export function bitsOf(tensor: EngineTensor | undefined): Buffer {
  if (tensor === undefined) throw new Error("expected a tensor");
  return Buffer.from(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
}

/** What tells two tensors apart: type, shape and bits. Short enough for a message. */
export function digestOf(tensor: EngineTensor | undefined): { dtype: string; dims: readonly number[]; bits: string } {
  const bits = createHash("sha1").update(bitsOf(tensor)).digest("hex");
  return { dtype: tensor?.dtype ?? "", dims: tensor?.dims ?? [], bits };
}
