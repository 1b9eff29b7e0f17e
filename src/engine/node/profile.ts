// The trace file that ONNX Runtime writes when profiling, summed up by node.

import type { NodeTiming } from "../engine.ts";

interface TraceEvent {
  readonly cat: string;
  readonly name: string;
  /** Microseconds. */
  readonly dur: number;
  readonly args?: { readonly op_name?: string };
}

const kernel = "_kernel_time";

/** Time and number of runs by node, from the text of a trace; nodes in the order in which they first ran. */
export function parseProfile(trace: string): NodeTiming[] {
  const sums = new Map<string, { op: string; runs: number; milliseconds: number }>();
  for (const event of JSON.parse(trace) as TraceEvent[]) {
    if (event.cat !== "Node" || !event.name.endsWith(kernel)) continue;
    const name = event.name.slice(0, -kernel.length);
    const sum = sums.get(name) ?? { op: event.args?.op_name ?? "", runs: 0, milliseconds: 0 };
    sum.runs += 1;
    sum.milliseconds += event.dur / 1000;
    sums.set(name, sum);
  }
  return [...sums].map(([node, sum]) => ({ node, ...sum }));
}
