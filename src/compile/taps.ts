// Tensors of a compiled network's inside that come out: for recording what clocks look at, and for looking oneself.

import { ClockworkError } from "../errors.ts";
import type { Network } from "../network/index.ts";
import type { GraphIndex } from "../onnx/index.ts";
import type { PortDescription } from "./protocol.ts";
import type { Scopes } from "./scopes.ts";
import type { ClockTensor } from "./signal-graph.ts";

/** Where tensors are looked for. */
export interface TapOptions {
  readonly network: Network;
  readonly index: GraphIndex;
  readonly scopes: Scopes;
  /** Tensors of the clock's own. */
  readonly clock: readonly ClockTensor[];
}

/**
 * Describes tensors by name, each once.
 * @throws ClockworkError `invalid-argument` for what neither the network nor the clock makes, or only while a stage fires
 */
export function tapsOf(names: readonly string[], options: TapOptions): readonly PortDescription[] {
  return [...new Set(names)].map((name) => tapOf(name, options));
}

function tapOf(name: string, { network, index, scopes, clock }: TapOptions): PortDescription {
  const own = clock.find(({ tensor }) => tensor === name);
  if (own !== undefined) return { name, dtype: own.dtype, shape: own.dims };
  const producer = index.producerOf(name);
  const dtype = network.dtypeOf(name);
  const shape = network.shapeOf(name);
  if (producer === undefined || !network.isData(name) || dtype === undefined || shape === undefined) {
    const others = clock.length === 0 ? "" : ` or of the clock (${clock.map(({ tensor }) => tensor).join(", ")})`;
    throw new ClockworkError(
      "invalid-argument",
      `taps: expected a tensor that a node of the network makes from the image${others}, got "${name}"; ` +
        "try `inspect --nodes` for the names",
    );
  }
  const { level } = scopes.scopeOf(producer);
  if (level !== undefined) {
    throw new ClockworkError(
      "invalid-argument",
      `taps: expected tensors that are computed on every frame, got "${name}" of stage ${level.stage}, which may rest; ` +
        "try a schedule on which it does not, or what is held in the outputs next/...",
    );
  }
  return { name, dtype, shape };
}
