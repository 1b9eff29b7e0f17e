// Networks opened and run for comparison.

import type { EngineTensor, OpenOptions } from "../../src/engine/engine.ts";
import { nodeEngine } from "../../src/engine/node/engine.ts";
import { compile, type CompileOptions } from "../../src/compile/compile.ts";
import { fitNetwork, type Network, type Size } from "../../src/network/index.ts";
import { GraphIndex, tensorsReadBy, tensorValue, writeModel, type Model, type Node } from "../../src/onnx/index.ts";
import type { Plan } from "../../src/stages/plan.ts";
import { localEngine } from "./runtime.ts";

/** A model at a size. */
export function networkAt(model: Model, size: Size): Promise<Network> {
  // Shapes are the same from any engine, and this one starts no worker.
  return fitNetwork(model, { size, engine: localEngine });
}

/** Runs a compiled network over images, the first with `reset`; returns all outputs of every run, memory included. */
export async function runCompiled(
  network: Network,
  plan: Plan,
  options: CompileOptions,
  images: readonly EngineTensor[],
  engineOptions: OpenOptions = { optimize: "none" },
): Promise<readonly Readonly<Record<string, EngineTensor>>[]> {
  const { model, protocol } = compile(network, plan, options);
  // Memory is fed by hand here, as a driver in another language would.
  await using session = await nodeEngine.open(writeModel(model).bytes, engineOptions);
  let memory: Record<string, EngineTensor> = {};
  for (const { input, dtype, dims } of protocol.state) memory[input] = zeroTensor(dtype, dims);
  const results: Record<string, EngineTensor>[] = [];
  for (const [frame, image] of images.entries()) {
    const reset: EngineTensor = { dtype: "bool", dims: [1], data: Uint8Array.of(frame === 0 ? 1 : 0) };
    const { outputs } = await session.run({
      [protocol.inputs.image.name]: image,
      [protocol.inputs.reset.name]: reset,
      ...memory,
    });
    memory = {};
    for (const { input, output } of protocol.state) {
      const tensor = outputs[output];
      if (tensor !== undefined) memory[input] = tensor;
    }
    results.push({ ...outputs });
  }
  return results;
}

function zeroTensor(dtype: EngineTensor["dtype"], dims: readonly number[]): EngineTensor {
  const count = dims.reduce((product, dim) => product * dim, 1);
  const data =
    dtype === "int64"
      ? new BigInt64Array(count)
      : dtype === "int32"
        ? new Int32Array(count)
        : dtype === "uint8" || dtype === "bool"
          ? new Uint8Array(count)
          : new Float32Array(count);
  return { dtype, dims, data };
}

/** The source model with some of its intermediates as outputs, too. */
export function withOutputs(model: Model, tensors: readonly string[]): Model {
  const known = new Set(model.graph.outputs.map((output) => output.name));
  const added = tensors
    .filter((tensor) => !known.has(tensor))
    .map((name) => ({ name, type: { kind: "other" as const, proto: undefined } }));
  return { ...model, graph: { ...model.graph, outputs: [...model.graph.outputs, ...added] } };
}

/** The source model with some of its intermediates given from outside: what they were computed from is gone. */
export function withInputs(network: Network, tensors: readonly string[]): Model {
  const { graph } = network.model;
  const given = new Set(tensors);
  const needed = new Set(graph.outputs.map((output) => output.name));
  const nodes: Node[] = [];
  for (const node of [...new GraphIndex(graph).nodes].reverse()) {
    if (!node.outputs.some((name) => needed.has(name) && !given.has(name))) continue;
    nodes.unshift(node);
    for (const name of tensorsReadBy(node)) needed.add(name);
  }
  return {
    ...network.model,
    graph: {
      ...graph,
      nodes,
      inputs: [
        ...graph.inputs,
        ...tensors.map((name) => tensorValue(name, network.dtypeOf(name) ?? "float32", network.shapeOf(name))),
      ],
    },
  };
}
