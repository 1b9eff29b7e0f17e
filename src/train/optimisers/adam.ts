// Adam: Kingma and Ba, ICLR 2015, algorithm 1. AdamW: Loshchilov and Hutter, "Decoupled Weight Decay Regularization",
// ICLR 2019, algorithm 2, with decay under the learning rate as the frameworks of the field have it.

import { ClockworkError } from "../../errors.ts";
import type { Expressions } from "../../onnx/index.ts";
import { eachParameter, type GroupOptions, type Optimiser } from "./optimiser.ts";

/** How {@link adam} and {@link adamW} update. */
export interface AdamOptions extends GroupOptions {
  /** Decay of the means of gradients and of their squares, each from 0 up to 1 excluded; default 0.9 and 0.999. */
  readonly betas?: readonly [mean: number, square: number];
  /** Added to the root of the mean square, above 0; default 1e-8. */
  readonly epsilon?: number;
  /** Default 0 for Adam, 0.01 for AdamW. */
  readonly weightDecay?: number;
}

/**
 * Weight decay is added to the gradient.
 * @throws ClockworkError `invalid-argument` where a number is out of range
 */
export function adam(options: AdamOptions = {}): Optimiser {
  return moments(options, options.weightDecay ?? 0, false);
}

/**
 * Weight decay shrinks the parameter by rate times decay, apart from the gradient.
 * @throws ClockworkError `invalid-argument` where a number is out of range
 */
export function adamW(options: AdamOptions = {}): Optimiser {
  return moments(options, options.weightDecay ?? 0.01, true);
}

/** m and v follow g and g^2; p' = p - rate m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon), t = step + 1. */
function moments(options: AdamOptions, weightDecay: number, isDecoupled: boolean): Optimiser {
  const { betas = [0.9, 0.999], epsilon = 1e-8 } = options;
  const [first, second] = betas;
  if (![first, second].every((beta) => beta >= 0 && beta < 1)) {
    throw new ClockworkError("invalid-argument", `Adam: expected betas from 0 to below 1, got ${betas.join(", ")}`);
  }
  if (!(epsilon > 0)) throw new ClockworkError("invalid-argument", `Adam: expected epsilon above 0, got ${epsilon}`);
  if (!(weightDecay >= 0)) {
    throw new ClockworkError("invalid-argument", `Adam: expected a weight decay of at least 0, got ${weightDecay}`);
  }
  return (ops, inputs) => {
    const t = ops.add(inputs.step, ops.scalar(1));
    const meanCorrection = missing(ops, first, t);
    const squareCorrection = ops.sqrt(missing(ops, second, t));
    const keptOf = new Map<string, string>();
    return eachParameter(ops, inputs, options, ({ name, gradient }, rate, decay, remember) => {
      const isDecayed = decay && weightDecay > 0;
      const pull = isDecayed && !isDecoupled ? ops.add(gradient, ops.scale(name, weightDecay)) : gradient;
      const mean = remember("mean", (before) => ops.add(ops.scale(before, first), ops.scale(pull, 1 - first)));
      const square = remember("square", (before) =>
        ops.add(ops.scale(before, second), ops.scale(ops.mul(pull, pull), 1 - second)),
      );
      const spread = ops.add(ops.div(ops.sqrt(square), squareCorrection), ops.scalar(epsilon));
      const change = ops.div(ops.mul(mean, ops.div(rate, meanCorrection)), spread);
      if (!isDecayed || !isDecoupled) return ops.sub(name, change);
      const kept = keptOf.get(rate) ?? ops.sub(ops.scalar(1), ops.scale(rate, weightDecay));
      keptOf.set(rate, kept);
      return ops.sub(ops.mul(name, kept), change);
    });
  };
}

/**
 * 1 - beta^t. In float32 the difference would lose four digits at beta 0.999; with h = tanh(-t log(beta) / 2) it is
 * 2 h / (1 + h), which loses none.
 */
function missing(ops: Expressions, beta: number, t: string): string {
  if (beta === 0) return ops.scalar(1);
  const h = ops.op("Tanh", [ops.scale(t, -Math.log(beta) / 2)]);
  return ops.div(ops.scale(h, 2), ops.add(h, ops.scalar(1)));
}
