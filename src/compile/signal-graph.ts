// What an adaptive clock measures, as graph nodes. When the stage fires is decided in clock-graph.ts.
//
// Changed labels follow Shelhamer et al. 2016, section 3.3: the share of positions whose label on a shallow score map
// differs from what it was when the stage fired last. A probe is such a score map made for the purpose.

import { isMotionSignal, type ExpectedSignal, type LinearProbe, type MotionSignal } from "../clocks/index.ts";
import type { DType, GraphBuilder } from "../onnx/index.ts";
import type { MemoryNames } from "./stage-graph.ts";

/** Where labels that may change come from. */
export type LabelSource =
  /** A score map [1, classes, H, W]. */
  | { readonly kind: "labels"; readonly tensor: string }
  /** Features [1, channels, H, W] with a classifier of their own. */
  | { readonly kind: "probe"; readonly tensor: string; readonly probe: LinearProbe };

/** Where a number comes from. */
export type PlainSource = LabelSource | MotionSignal;

/** What an adaptive clock looks at, in tensors of one network. */
export type SignalSource =
  | PlainSource
  | { readonly kind: "features"; readonly tensor: string }
  | { readonly kind: "expected"; readonly of: readonly PlainSource[]; readonly formula: ExpectedSignal };

/** A tensor of the clock's own. */
export interface ClockTensor {
  readonly tensor: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
}

/** What the nodes of a signal need to know of what is around them. */
export interface SignalGraphOptions {
  readonly memory: MemoryNames;
  readonly shapeOf: (tensor: string) => readonly number[] | undefined;
  readonly dtypeOf: (tensor: string) => DType | undefined;
  /** Name of the float32 tensor [1] with a number that the flow gives. */
  readonly motionSignal?: (signal: MotionSignal) => string;
}

/** A signal that was written. */
export interface SignalGraph {
  /** Name of the float32 tensor [1] with the signal. */
  readonly result: string;
  /** What is kept from one frame to the next. */
  readonly memory: readonly ClockTensor[];
  /** What may be of interest outside: what is compared, and what comes of it. */
  readonly tensors: readonly ClockTensor[];
}

/** Numbers of types in `Cast`. */
const castTo = { float32: 1, int32: 6 } as const;

/** Writes one signal. Nodes are named `clockwork/clock/SIGNAL/...`. */
export class SignalWriter {
  readonly #builder: GraphBuilder;
  readonly #options: SignalGraphOptions;
  readonly #memory: ClockTensor[] = [];
  readonly #tensors: ClockTensor[] = [];
  /** What is kept when the stage fires, by the name of the memory. */
  readonly #kept = new Map<string, string>();
  #age: string | undefined;

  constructor(builder: GraphBuilder, options: SignalGraphOptions) {
    this.#builder = builder;
    this.#options = options;
  }

  /** Nodes that measure. */
  write(source: SignalSource): SignalGraph {
    return { result: this.#measured(source), memory: this.#memory, tensors: this.#tensors };
  }

  /** Nodes that keep what was measured on a frame on which the stage fires: bool [1]. */
  remember(fires: string): void {
    const b = this.#builder;
    const { memory } = this.#options;
    for (const [key, now] of this.#kept) b.add(memory.after(key), "Where", [fires, now, memory.before(key)]);
    if (this.#age !== undefined) {
      const none = b.int64("clockwork/clock/age/none", [1], [0]);
      b.add(memory.after(this.#age), "Where", [fires, none, this.#age]);
    }
  }

  #measured(source: SignalSource): string {
    switch (source.kind) {
      case "labels":
      case "probe":
        return this.#changedLabels(source, nameOf(source));
      case "residual":
      case "arrived":
      case "motion":
        return this.#ofMotion(source);
      case "features":
        return this.#changedFeatures(source.tensor, "clockwork/clock/features");
      case "expected":
        return this.#expected(source.of, source.formula);
    }
  }

  #ofMotion(signal: MotionSignal): string {
    const written = this.#options.motionSignal?.(signal);
    if (written === undefined) throw new Error(`${signal.kind} is measured in flow, and there is none`);
    return this.#result(written);
  }

  /** Share of positions whose label is not that of the last firing. */
  #changedLabels(source: LabelSource, name: string): string {
    const b = this.#builder;
    const [, , height = 1, width = 1] = this.#options.shapeOf(source.tensor) ?? [];
    const dims = [1, height, width];
    const labels = b.add(`${name}/argmax`, "ArgMax", [this.#scores(source, name)], { axis: 1, keepdims: 0 });
    const now = b.add(`${name}/now`, "Cast", [labels], { to: castTo.int32 });
    const same = b.add(`${name}/same`, "Equal", [now, this.#key(name, now, "int32", dims)]);
    const changed = b.add(`${name}/changed`, "Not", [same]);
    const counted = b.add(`${name}/counted`, "Cast", [changed], { to: castTo.float32 });
    return this.#result(this.#mean(`${name}/mean`, counted, `${name}/share`));
  }

  #scores(source: LabelSource, name: string): string {
    const b = this.#builder;
    const float = this.#float(source.tensor, name);
    switch (source.kind) {
      case "labels":
        return float;
      case "probe": {
        const { classes, channels, weights, bias } = source.probe;
        return b.add(`${name}/scores`, "Conv", [
          float,
          b.float32(`${name}/weights`, [classes, channels, 1, 1], weights),
          b.float32(`${name}/bias`, [classes], bias),
        ]);
      }
    }
  }

  /** Mean absolute change of features since the last firing, relative to their mean absolute value. */
  #changedFeatures(tensor: string, name: string): string {
    const b = this.#builder;
    const dims = this.#options.shapeOf(tensor) ?? [];
    const now = b.add(`${name}/now`, "Identity", [this.#float(tensor, name)]);
    const before = this.#key(name, now, "float32", dims);
    const difference = b.add(`${name}/difference`, "Abs", [b.add(`${name}/change`, "Sub", [now, before])]);
    const absolute = b.add(`${name}/absolute`, "Abs", [before]);
    const size = this.#mean(`${name}/mean-size`, absolute, `${name}/size`);
    const floor = b.add(`${name}/floor`, "Max", [size, b.float32(`${name}/least`, [1], [1e-6])]);
    const change = this.#mean(`${name}/mean-change`, difference, `${name}/mean`);
    return this.#result(b.add(`${name}/share`, "Div", [change, floor]));
  }

  /** The formula of `ExpectedSignal`. */
  #expected(of: readonly PlainSource[], formula: ExpectedSignal): string {
    const b = this.#builder;
    const name = "clockwork/clock/expected";
    const count = of.length;
    const seen = new Map<string, number>();
    const shares = of.map((source) => {
      if (isMotionSignal(source)) return this.#ofMotion(source);
      // The second probe is probe2.
      const times = (seen.get(source.kind) ?? 0) + 1;
      seen.set(source.kind, times);
      return this.#changedLabels(source, times === 1 ? nameOf(source) : `${nameOf(source)}${times}`);
    });
    const constant = (part: string, values: readonly number[]): string =>
      b.float32(`${name}/${part}`, [values.length], values);
    const capped = b.add(`${name}/capped`, "Min", [this.#ageInFrames(), constant("cap", [formula.ageCap])]);
    const age = b.add(`${name}/age`, "Div", [capped, `${name}/cap`]);
    const changed = count === 1 ? (shares[0] ?? "") : b.add(`${name}/changed`, "Concat", shares, { axis: 0 });
    const factors = b.add(`${name}/factors`, "Add", [
      constant("weights", formula.weights),
      b.add(`${name}/aged`, "Mul", [constant("product-weights", formula.productWeights), age]),
    ]);
    // Without axes, which moved from attribute to input between operator sets, all of them are reduced.
    const terms = b.add(`${name}/terms`, "ReduceSum", [b.add(`${name}/weighted`, "Mul", [changed, factors])], {
      keepdims: 0,
    });
    const base = b.add(`${name}/base`, "Add", [
      constant("bias", [formula.bias]),
      b.add(`${name}/age-term`, "Mul", [constant("age-weight", [formula.ageWeight]), age]),
    ]);
    const sum = b.add(`${name}/sum`, "Add", [base, terms]);
    return this.#result(b.add(`${name}/share`, "Max", [sum, constant("least", [0])]));
  }

  /** Frames since the last firing, 1 on the frame after it, as a float32 tensor [1]. */
  #ageInFrames(): string {
    const b = this.#builder;
    const age = "clockwork/clock/age";
    this.#age = age;
    const item: ClockTensor = { tensor: age, dtype: "int64", dims: [1] };
    this.#memory.push(item);
    this.#tensors.push(item);
    b.add(age, "Add", [this.#options.memory.before(age), b.int64(`${age}/step`, [1], [1])]);
    return b.add(`${age}/float`, "Cast", [age], { to: castTo.float32 });
  }

  /** What something was at the last firing. */
  #key(name: string, now: string, dtype: DType, dims: readonly number[]): string {
    const key = `${name}/key`;
    this.#memory.push({ tensor: key, dtype, dims });
    this.#tensors.push({ tensor: now, dtype, dims });
    this.#kept.set(key, now);
    return this.#options.memory.before(key);
  }

  #result(tensor: string): string {
    this.#tensors.push({ tensor, dtype: "float32", dims: [1] });
    return tensor;
  }

  #float(tensor: string, name: string): string {
    if (this.#options.dtypeOf(tensor) === "float32") return tensor;
    return this.#builder.add(`${name}/float`, "Cast", [tensor], { to: castTo.float32 });
  }

  /** Mean over all elements, as [1]. */
  #mean(name: string, tensor: string, result: string): string {
    const scalar = this.#builder.add(name, "ReduceMean", [tensor], { keepdims: 0 });
    return this.#builder.add(result, "Reshape", [scalar, this.#builder.int64(`${name}/shape`, [1], [1])]);
  }
}

function nameOf(source: LabelSource): string {
  return `clockwork/clock/${source.kind}`;
}
