// Limits on gradients before an optimiser sees them: optimisers around an optimiser. By norm: Pascanu et al., "On the
// difficulty of training recurrent neural networks", ICML 2013, section 3.2, over all parameters together.

import { ClockworkError } from "../../errors.ts";
import type { Expressions } from "../../onnx/index.ts";
import type { Optimiser, OptimiserParameter } from "./optimiser.ts";

/** Keeps a norm of zero from being divided by. */
const epsilon = 1e-6;

/**
 * An optimiser that sees all gradients times min(1, maximum / (norm + 1e-6)).
 * @throws ClockworkError `invalid-argument` where the maximum is not above 0
 */
export function clipByNorm(maximum: number, optimiser: Optimiser): Optimiser {
  expectAbove("norm", maximum);
  return (ops, inputs) => {
    const norm = gradientNorm(ops, inputs.parameters);
    const whole = ops.div(ops.scalar(maximum), ops.add(norm, ops.scalar(epsilon)));
    const factor = ops.op("Min", [whole, ops.scalar(1)]);
    const limit = (gradient: string): string => ops.mul(gradient, factor);
    return optimiser(ops, { ...inputs, parameters: limited(inputs.parameters, limit) });
  };
}

/**
 * An optimiser that sees every element of a gradient brought into [-limit, limit].
 * @throws ClockworkError `invalid-argument` where the limit is not above 0
 */
export function clipByValue(limit: number, optimiser: Optimiser): Optimiser {
  expectAbove("value", limit);
  return (ops, inputs) => {
    const clip = (gradient: string): string => ops.op("Clip", [gradient, ops.scalar(-limit), ops.scalar(limit)]);
    return optimiser(ops, { ...inputs, parameters: limited(inputs.parameters, clip) });
  };
}

function limited(
  parameters: readonly OptimiserParameter[],
  limit: (gradient: string) => string,
): readonly OptimiserParameter[] {
  return parameters.map((parameter) => ({ ...parameter, gradient: limit(parameter.gradient) }));
}

/** Root of the sum of squares of all gradients, a float32 scalar []. */
export function gradientNorm(ops: Expressions, parameters: readonly OptimiserParameter[]): string {
  const squares = parameters.map(({ gradient }) => ops.op("ReduceSumSquare", [gradient], { keepdims: 0 }));
  return squares.length === 0 ? ops.scalar(0) : ops.sqrt(ops.op("Sum", squares));
}

function expectAbove(what: string, limit: number): void {
  if (limit > 0) return;
  throw new ClockworkError("invalid-argument", `clipping by ${what}: expected a limit above 0, got ${limit}`);
}
