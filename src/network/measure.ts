// Measured time of every node of a network, by the engine's profiler: multiply-accumulates are not time.

import type { Engine } from "../engine/engine.ts";
import { zeros } from "../engine/ort-session.ts";
import { writeModel } from "../onnx/index.ts";
import { imageDimsOf, type Network } from "./network.ts";

/** Runs that are measured, after one that is not counted apart: the first run of a session is slower. */
const defaultRuns = 10;

/**
 * Milliseconds that each node takes on one frame, by its index. What the engine merges into a node counts there; a node
 * that was merged away or folded counts 0.
 *
 * @param runs frames to run; more is steadier
 */
export async function measureNodes(
  network: Network,
  engine: Engine,
  runs: number = defaultRuns,
): Promise<readonly number[]> {
  const { graph } = network.model;
  // Names in a file may be empty or doubled; the position is neither.
  const nodes = network.index.nodes.map((node, position) => ({ ...node, name: `node${position}` }));
  const bytes = writeModel({ ...network.model, graph: { ...graph, nodes } }).bytes;
  await using session = await engine.open(bytes, { optimize: "basic", profile: true });
  const dims = imageDimsOf(network);
  const image = { dtype: network.input.dtype, dims, data: zeros(network.input.dtype, dims) };
  for (let run = 0; run < runs; run++) await session.run({ [network.input.name]: image }, [network.output.name]);
  const milliseconds = network.index.nodes.map(() => 0);
  for (const timing of await session.profile()) {
    const position = Number(/^node(\d+)/.exec(timing.node)?.[1] ?? Number.NaN);
    if (position in milliseconds)
      milliseconds[position] = (milliseconds[position] ?? 0) + timing.milliseconds / timing.runs;
  }
  return milliseconds;
}
