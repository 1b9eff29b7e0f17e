// Clocks as graph nodes: which stages fire on this frame. A stage also fires when a deeper one does, since it makes what
// the deeper one reads; a restart (first frame, change of shot, reset) fires all. What an adaptive clock measures is in
// signal-graph.ts.

import type { Clock } from "../clocks/index.ts";
import { GraphBuilder, type Node, type Tensor } from "../onnx/index.ts";
import { SignalWriter, type ClockTensor, type SignalGraphOptions, type SignalSource } from "./signal-graph.ts";
import type { MemoryNames } from "./stage-graph.ts";

/** What the clock of a network is made from. */
export interface ClockGraphOptions extends SignalGraphOptions {
  /** Clock of every stage, shallowest first. */
  readonly clocks: readonly Clock[];
  /** What the adaptive clock looks at; needed where there is one. */
  readonly source: SignalSource | undefined;
  /** Frames after which an adaptive clock fires whatever it measures; `undefined` for never. */
  readonly longestHold: number | undefined;
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
  /** What is kept from one frame to the next. */
  readonly memory: readonly ClockTensor[];
  /** What may be of interest outside. */
  readonly tensors: readonly ClockTensor[];
  /** Name of the bool tensor [1] that tells of a restart. */
  readonly restart: string;
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
  const memory: ClockTensor[] = [];
  const tensors: ClockTensor[] = [];
  const { clocks, source } = options;
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

  const always = (): string =>
    b.initializer("clockwork/clock/always", { dtype: "bool", dims: [1], data: Uint8Array.of(1) });
  const wishes = clocks.map((clock, depth): string | undefined => {
    switch (clock.kind) {
      case "every":
        return undefined;
      case "period":
        return isDue(clock.frames);
      case "adaptive": {
        if (source === undefined) return undefined;
        const writer = new SignalWriter(b, options);
        const written = writer.write(source);
        memory.push(...written.memory);
        tensors.push(...written.tensors);
        const signal = b.add(options.signal, "Identity", [written.result]);
        const threshold = b.float32("clockwork/clock/threshold", [1], [clock.threshold]);
        const below = b.add("clockwork/clock/below", "Less", [signal, threshold]);
        const moved = b.add("clockwork/clock/moved", "Not", [below]);
        const wants = `clockwork/clock/adaptive${depth + 1}`;
        const old = options.longestHold === undefined ? undefined : heldFor(b, options.memory, options.longestHold);
        const fires =
          old === undefined
            ? b.add(wants, "Or", [moved, restart])
            : b.add(wants, "Or", [b.add(`${wants}/moved`, "Or", [moved, restart]), old.tooLong]);
        if (old !== undefined) memory.push(old.countUntil(fires));
        writer.remember(fires);
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
  const { nodes, initializers } = b.build();
  const hasSignal = source !== undefined && clocks.some(({ kind }) => kind === "adaptive");
  return { nodes, initializers, memory, tensors, restart, hasSignal };
}

/** Counts the frames since a stage fired. */
function heldFor(
  b: GraphBuilder,
  names: MemoryNames,
  longest: number,
): { readonly tooLong: string; readonly countUntil: (fires: string) => ClockTensor } {
  const tensor = "clockwork/clock/hold";
  const held = b.add(`${tensor}/frames`, "Add", [names.before(tensor), b.int64(`${tensor}/one`, [1], [1])]);
  return {
    tooLong: b.add(`${tensor}/over`, "Less", [b.int64(`${tensor}/longest`, [1], [longest]), held]),
    countUntil: (fires) => {
      b.add(names.after(tensor), "Where", [fires, b.int64(`${tensor}/none`, [1], [0]), held]);
      return { tensor, dtype: "int64", dims: [1] };
    },
  };
}
