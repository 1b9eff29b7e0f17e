// Clocks as graph nodes: which stages fire on this frame. A stage also fires when a deeper one does, since it makes what
// the deeper one reads; a restart (first frame, change of shot, reset) fires all.
//
// The adaptive signal follows Shelhamer et al. 2016, section 3.3: the share of positions whose label on a shallow score
// map differs from what it was when the stage fired last.

import type { Clock } from "../clocks/index.ts";
import { GraphBuilder, type DType, type Node, type Tensor } from "../onnx/index.ts";
import type { Watch } from "../stages/plan.ts";
import type { MemoryNames } from "./stage-graph.ts";

/** A tensor of the clock's own that is kept from one frame to the next. */
export interface ClockMemory {
  readonly tensor: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
}

/** What the clock of a network is made from. */
export interface ClockGraphOptions {
  /** Clock of every stage, shallowest first. */
  readonly clocks: readonly Clock[];
  /** What the adaptive clock watches; needed where there is one. */
  readonly watch: Watch | undefined;
  readonly shapeOf: (tensor: string) => readonly number[] | undefined;
  readonly dtypeOf: (tensor: string) => DType | undefined;
  readonly memory: MemoryNames;
  /** Bool tensors [1]: any of them restarts. */
  readonly restarts: readonly string[];
  /** Name of the output with a bool per stage. */
  readonly fired: string;
  /** Name of the output [1] with the adaptive signal, where there is one. */
  readonly signal: string;
}

/** The clock's nodes and what they need. */
export interface ClockGraph {
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly memory: readonly ClockMemory[];
  /** Whether there is a `signal` output. */
  readonly hasSignal: boolean;
}

/** Name of the bool tensor [1] that tells whether a stage fires. */
export function conditionOf(stage: number): string {
  return `clockwork/clock/fire${stage}`;
}

/** Writes the clocks of all stages. Nodes of this part are named `clockwork/clock/...`. */
export function clockGraph(options: ClockGraphOptions): ClockGraph {
  const b = new GraphBuilder("clock");
  const memory: ClockMemory[] = [];
  const { clocks } = options;
  const [first = "", ...others] = options.restarts;
  const restart = others.reduce((any, name, at) => b.add(`clockwork/clock/restart${at}`, "Or", [any, name]), first);

  let frame: string | undefined;
  const isDue = (frames: number): string => {
    if (frame === undefined) {
      const name = "clockwork/clock/frame";
      memory.push({ tensor: name, dtype: "int64", dims: [1] });
      frame = b.add(name, "Where", [restart, b.int64("clockwork/clock/zero", [1], [0]), options.memory.before(name)]);
      b.add(options.memory.after(name), "Add", [frame, b.int64("clockwork/clock/one", [1], [1])]);
    }
    const due = `clockwork/clock/due/${frames}`;
    if (!dueNames.has(due)) {
      dueNames.add(due);
      const phase = b.add(`${due}/phase`, "Mod", [frame, b.int64(`${due}/frames`, [1], [frames])]);
      b.add(due, "Equal", [phase, "clockwork/clock/zero"]);
    }
    return due;
  };
  const dueNames = new Set<string>();

  let hasSignal = false;
  const always = (): string =>
    b.initializer("clockwork/clock/always", { dtype: "bool", dims: [1], data: Uint8Array.of(1) });
  const wishes = clocks.map((clock, depth): string | undefined => {
    switch (clock.kind) {
      case "every":
        return undefined;
      case "period":
        return isDue(clock.frames);
      case "adaptive": {
        if (options.watch === undefined) return undefined;
        hasSignal = true;
        const signal =
          options.watch.kind === "labels"
            ? changedLabels(b, options, options.watch.tensor, memory)
            : changedFeatures(b, options, options.watch.tensor, memory);
        const threshold = b.float32("clockwork/clock/threshold", [1], [clock.threshold]);
        const below = b.add("clockwork/clock/below", "Less", [signal, threshold]);
        const moved = b.add("clockwork/clock/moved", "Not", [below]);
        const fires = b.add(`clockwork/clock/adaptive${depth + 1}`, "Or", [moved, restart]);
        remember(b, options, fires, memory);
        return fires;
      }
    }
  });
  // From the deepest up: a stage fires when it is due or the stage below it fires.
  let deeper: string | undefined;
  const fires: string[] = [];
  for (let depth = clocks.length - 1; depth >= 0; depth--) {
    const wish = wishes[depth];
    const name = conditionOf(depth + 1);
    if (wish === undefined) fires.unshift("");
    else {
      deeper =
        deeper === undefined || deeper === wish ? b.add(name, "Identity", [wish]) : b.add(name, "Or", [wish, deeper]);
      fires.unshift(deeper);
    }
  }
  // A stage without a clock of its own does what the stage around it does; stage 1 without one always fires.
  for (const [depth, name] of fires.entries()) {
    if (name === "") fires[depth] = depth === 0 ? always() : (fires[depth - 1] ?? "");
  }
  b.add(options.fired, "Concat", fires, { axis: 0 });
  const graph = b.build();
  return { nodes: graph.nodes, initializers: graph.initializers, memory, hasSignal };
}

/** Share of positions of a score map whose label is not that of the last firing. */
function changedLabels(b: GraphBuilder, options: ClockGraphOptions, scores: string, memory: ClockMemory[]): string {
  const [, , height = 1, width = 1] = options.shapeOf(scores) ?? [];
  const key = "clockwork/clock/key";
  memory.push({ tensor: key, dtype: "int32", dims: [1, height, width] });
  const float = toFloat(b, options, scores);
  const labels = b.add("clockwork/clock/labels", "ArgMax", [float], { axis: 1, keepdims: 0 });
  const now = b.add("clockwork/clock/now", "Cast", [labels], { to: 6 });
  const same = b.add("clockwork/clock/same", "Equal", [now, options.memory.before(key)]);
  const changed = b.add("clockwork/clock/changed", "Not", [same]);
  const counted = b.add("clockwork/clock/counted", "Cast", [changed], { to: 1 });
  return mean(b, "clockwork/clock/share", counted, options.signal);
}

/** Mean absolute change of features since the last firing, relative to their mean absolute value. */
function changedFeatures(b: GraphBuilder, options: ClockGraphOptions, features: string, memory: ClockMemory[]): string {
  const key = "clockwork/clock/key";
  memory.push({ tensor: key, dtype: "float32", dims: options.shapeOf(features) ?? [] });
  const now = b.add("clockwork/clock/now", "Identity", [toFloat(b, options, features)]);
  const before = options.memory.before(key);
  const difference = b.add("clockwork/clock/difference", "Abs", [
    b.add("clockwork/clock/change", "Sub", [now, before]),
  ]);
  const size = mean(
    b,
    "clockwork/clock/size",
    b.add("clockwork/clock/absolute", "Abs", [before]),
    "clockwork/clock/sizes",
  );
  const floor = b.add("clockwork/clock/floor", "Max", [size, b.float32("clockwork/clock/least", [1], [1e-6])]);
  const change = mean(b, "clockwork/clock/mean", difference, "clockwork/clock/means");
  return b.add(options.signal, "Div", [change, floor]);
}

/** Keeps what was watched when the stage fires. */
function remember(b: GraphBuilder, options: ClockGraphOptions, fires: string, memory: readonly ClockMemory[]): void {
  const key = memory.find(({ tensor }) => tensor === "clockwork/clock/key");
  if (key === undefined) return;
  b.add(options.memory.after(key.tensor), "Where", [fires, "clockwork/clock/now", options.memory.before(key.tensor)]);
}

function toFloat(b: GraphBuilder, options: ClockGraphOptions, tensor: string): string {
  return options.dtypeOf(tensor) === "float32" ? tensor : b.add("clockwork/clock/float", "Cast", [tensor], { to: 1 });
}

/** Mean over all elements, as [1]. */
function mean(b: GraphBuilder, name: string, tensor: string, result: string): string {
  // Without axes, which moved from attribute to input between operator sets, all of them are reduced.
  const scalar = b.add(name, "ReduceMean", [tensor], { keepdims: 0 });
  return b.add(result, "Reshape", [scalar, b.int64(`${name}/shape`, [1], [1])]);
}
