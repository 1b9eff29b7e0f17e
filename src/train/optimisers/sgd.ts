// Stochastic gradient descent with momentum. Sutskever et al., "On the importance of initialization and momentum in deep
// learning", ICML 2013, in the form of the field's frameworks: the memory holds gradients, not steps, so that a change of
// the learning rate acts at once.

import { ClockworkError } from "../../errors.ts";
import { eachParameter, type GroupOptions, type Optimiser } from "./optimiser.ts";

/** How {@link sgd} updates. */
export interface SgdOptions extends GroupOptions {
  /** From 0 up to 1 excluded; default 0.9. */
  readonly momentum?: number;
  /** Looks ahead by one step of the memory; needs momentum. */
  readonly isNesterov?: boolean;
  /** Added to the gradient, times the parameter; default 0. */
  readonly weightDecay?: number;
}

/**
 * g = gradient + decay p; m' = momentum m + g; p' = p - rate m', or with Nesterov p - rate (g + momentum m').
 * @throws ClockworkError `invalid-argument` where a number is out of range
 */
export function sgd(options: SgdOptions = {}): Optimiser {
  const { momentum = 0.9, isNesterov = false, weightDecay = 0 } = options;
  if (!(momentum >= 0 && momentum < 1)) {
    throw new ClockworkError("invalid-argument", `SGD: expected a momentum from 0 to below 1, got ${momentum}`);
  }
  if (isNesterov && momentum === 0) {
    throw new ClockworkError("invalid-argument", "SGD: expected momentum above 0 for Nesterov's form, got 0; try 0.9");
  }
  if (!(weightDecay >= 0)) {
    throw new ClockworkError("invalid-argument", `SGD: expected a weight decay of at least 0, got ${weightDecay}`);
  }
  return (ops, inputs) =>
    eachParameter(ops, inputs, options, ({ name, gradient }, rate, decay, remember) => {
      const pull = decay && weightDecay > 0 ? ops.add(gradient, ops.scale(name, weightDecay)) : gradient;
      if (momentum === 0) return ops.sub(name, ops.mul(rate, pull));
      const memory = remember("momentum", (before) => ops.add(ops.scale(before, momentum), pull));
      const direction = isNesterov ? ops.add(pull, ops.scale(memory, momentum)) : memory;
      return ops.sub(name, ops.mul(rate, direction));
    });
}
