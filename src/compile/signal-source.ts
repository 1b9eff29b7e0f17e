// The signal of an adaptive clock, found in a network: which tensors it looks at, and whether they are there on every
// frame, whether or not the stage rests.

import { formatSchedule, isMotionSignal, type ChangeSignal, type Schedule, type Signal } from "../clocks/index.ts";
import { ClockworkError } from "../errors.ts";
import type { Network } from "../network/index.ts";
import { type Plan, type Stage } from "../stages/plan.ts";
import { entriesOf, membersOf } from "../stages/region.ts";
import type { LabelSource, SignalSource } from "./signal-graph.ts";

/**
 * Where the clock of a plan's deepest stage looks; `undefined` for schedules without signals.
 * @throws ClockworkError `invalid-schedule` where the plan has nothing of the kind
 */
export function signalSourceOf(network: Network, plan: Plan, schedule: Schedule): SignalSource | undefined {
  if (schedule.kind !== "adaptive") return undefined;
  const stage = plan.stages.at(-1);
  if (schedule.signal !== undefined && isMotionSignal(schedule.signal)) return schedule.signal;
  if (stage === undefined || (plan.stages.length === 1 && !isOfMotionAlone(schedule.signal))) {
    const [why] = plan.notes;
    throw new ClockworkError(
      "invalid-schedule",
      `clock: adaptive expects a deep stage that it can let rest, got a plan of one stage` +
        `${why === undefined ? "" : ` (${why})`}; try ` +
        `skip:2, or adaptive:0.1@residual+flow, which looks at the video itself`,
    );
  }
  const finder = new Finder(network, stage, formatSchedule(schedule));
  if (schedule.signal !== undefined) return finder.sourceOf(schedule.signal);
  if (stage.watch === null) {
    throw new ClockworkError(
      "invalid-schedule",
      "clock: adaptive expects scores or features that a shallow stage makes, got none that can be compared; try fixed:2",
    );
  }
  return stage.watch;
}

/** Whether a signal looks at nothing that the network makes. */
function isOfMotionAlone(signal: Signal | undefined): boolean {
  return signal?.kind === "expected" && signal.signals.every(isMotionSignal);
}

class Finder {
  readonly #network: Network;
  readonly #stage: Stage;
  readonly #text: string;
  /** Flags of nodes that depend on the stage, its own included. */
  readonly #dependent: Uint8Array;

  constructor(network: Network, stage: Stage, text: string) {
    this.#network = network;
    this.#stage = stage;
    this.#text = text;
    const { index } = network;
    this.#dependent = index.reach(membersOf(stage.nodes).flatMap((position) => index.node(position).outputs));
    for (const position of membersOf(stage.nodes)) this.#dependent[position] = 1;
  }

  sourceOf(signal: Signal): SignalSource {
    switch (signal.kind) {
      case "labels":
      case "probe":
        return this.#labels(signal);
      case "residual":
      case "arrived":
      case "motion":
        return signal;
      case "features": {
        const tensor = this.#features();
        if (tensor === undefined) this.#fail("features that enter the stage", "none that can be compared", "fixed:2");
        return { kind: "features", tensor };
      }
      case "expected":
        return {
          kind: "expected",
          of: signal.signals.map((part) => (isMotionSignal(part) ? part : this.#labels(part))),
          formula: signal,
        };
    }
  }

  #labels(signal: ChangeSignal): LabelSource {
    switch (signal.kind) {
      case "labels": {
        const { watch, index } = this.#stage;
        if (watch?.kind === "labels") return { kind: "labels", tensor: watch.tensor };
        const features = this.#features();
        return this.#fail(
          `a score map that stage ${index - 1} makes`,
          "a plan without one",
          features === undefined
            ? "fixed:2"
            : `@features (it would look at ${features}), or a probe of it from \`clockwork tune\``,
        );
      }
      case "probe":
        this.#checkProbed(signal.probe.tensor, signal.probe.channels);
        return { kind: "probe", tensor: signal.probe.tensor, probe: signal.probe };
    }
  }

  /** Features that enter the stage: those of the plan's watch; floats where there are any. */
  #features(): string | undefined {
    const { watch, nodes } = this.#stage;
    if (watch?.kind === "features") return watch.tensor;
    const entries = entriesOf(this.#network, nodes).filter(({ tensor }) => this.#isFresh(tensor));
    const typed = (pattern: RegExp): string | undefined =>
      entries.find(({ tensor }) => pattern.test(this.#network.dtypeOf(tensor) ?? ""))?.tensor;
    return typed(/^b?float/) ?? typed(/^u?int8$/);
  }

  #checkProbed(tensor: string, channels: number): void {
    const shape = this.#network.shapeOf(tensor);
    const expected = `the probe's tensor "${tensor}" [1,${channels},H,W] outside of stage ${this.#stage.index}`;
    const hint = "tuning again for this network and plan";
    if (!this.#network.isData(tensor) || shape === undefined) this.#fail(expected, "a network without it", hint);
    if (!this.#isFresh(tensor)) this.#fail(expected, "one that is made from what the stage holds", hint);
    const fits = shape.length === 4 && shape[0] === 1 && shape[1] === channels;
    const dtype = this.#network.dtypeOf(tensor) ?? "";
    if (!fits || !/^(b?float|u?int)\d/.test(dtype)) this.#fail(expected, `${dtype} [${shape.join(",")}]`, hint);
  }

  /** Whether a tensor can be had before it is known whether the stage fires. */
  #isFresh(tensor: string): boolean {
    const producer = this.#network.index.producerOf(tensor);
    return producer === undefined || this.#dependent[producer] !== 1;
  }

  #fail(expected: string, got: string, hint: string): never {
    throw new ClockworkError("invalid-schedule", `clock ${this.#text}: expected ${expected}, got ${got}; try ${hint}`);
  }
}
