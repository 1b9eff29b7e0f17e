// What an optimiser is: nodes that make the next values of parameters from gradients. It keeps nothing itself; its memory
// is tensors that go out of one step and into the next. Not the learning rate over time (../schedules.ts).

import { elementCount, type Expressions, type Tensor } from "../../onnx/index.ts";

/** A tensor that is learned. */
export interface OptimiserParameter {
  /** Its value in this step, float32. */
  readonly name: string;
  /** Gradient of the loss, float32 in the same shape. */
  readonly gradient: string;
  readonly dims: readonly number[];
}

/** What an update is made from. */
export interface UpdateInputs {
  readonly parameters: readonly OptimiserParameter[];
  /** A float32 scalar []. */
  readonly learningRate: string;
  /** Updates that were made before this one, 0 at first: a float32 scalar []. */
  readonly step: string;
  /** Of the names of memory. */
  readonly prefix: string;
}

/** Memory of an optimiser: float32, fed as `name`, which gets what `output` was in the step before. */
export interface StateTensor {
  /** `PREFIX/PARAMETER/WHAT`: an input that the caller declares. */
  readonly name: string;
  readonly output: string;
  readonly dims: readonly number[];
  readonly initial: Tensor;
}

/** What a step changes. */
export interface Update {
  /** Next value of each parameter, by its name. */
  readonly next: ReadonlyMap<string, string>;
  readonly state: readonly StateTensor[];
}

/** Adds an update to a graph; declares neither inputs nor outputs. */
export type Optimiser = (ops: Expressions, inputs: UpdateInputs) => Update;

/** Which parameters are treated unlike others. */
export interface GroupOptions {
  /** Whether weight decay applies to a parameter; default {@link decays}. */
  readonly isDecayed?: (name: string, dims: readonly number[]) => boolean;
  /** What the learning rate of a parameter is multiplied with; default 1. */
  readonly rateOf?: (name: string) => number;
}

/** Memory of a parameter, called `PREFIX/PARAMETER/what`, that starts as zeros; returns what it becomes. */
type Remember = (what: string, follow: (before: string) => string) => string;

/** Makes an update parameter by parameter, each with its learning rate and whether weight decay applies. */
export function eachParameter(
  ops: Expressions,
  { parameters, learningRate, prefix }: UpdateInputs,
  { isDecayed = (name, dims) => decays(name, dims), rateOf = () => 1 }: GroupOptions,
  update: (parameter: OptimiserParameter, rate: string, decay: boolean, remember: Remember) => string,
): Update {
  const next = new Map<string, string>();
  const state: StateTensor[] = [];
  const rates = new Map<number, string>();
  for (const parameter of parameters) {
    const { name: own, dims } = parameter;
    const factor = rateOf(own);
    const rate = rates.get(factor) ?? ops.scale(learningRate, factor);
    rates.set(factor, rate);
    const remember: Remember = (what, follow) => {
      const name = `${prefix}/${own}/${what}`;
      const output = follow(name);
      const initial: Tensor = { dtype: "float32", dims, data: new Uint8Array(4 * elementCount(dims)) };
      state.push({ name, output, dims, initial });
      return output;
    };
    next.set(own, update(parameter, rate, isDecayed(own, dims), remember));
  }
  return { next, state };
}

/**
 * Whether weight decay applies to a parameter: not to biases and scales of normalisations, which are vectors.
 * @param never patterns of names that it does not apply to either
 */
export function decays(name: string, dims: readonly number[], never: readonly RegExp[] = []): boolean {
  // `search` starts at the front whatever the pattern's flags are, where `test` may go on from its last match.
  return dims.length > 1 && !never.some((pattern) => name.search(pattern) >= 0);
}
