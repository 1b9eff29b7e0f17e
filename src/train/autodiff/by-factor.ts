// Rules of functions of one tensor, element by element: dY times a factor.

import { inputOf, outputOf, type Backward, type Rule } from "./rule.ts";

/** A rule from the factor that dY is multiplied with. */
export function byFactor(factor: (c: Backward, x: string, y: string) => string): Rule {
  return {
    backward: (c) => {
      const dy = c.gradient();
      if (dy === undefined || !c.wants(0)) return [];
      return [c.ops.mul(dy, factor(c, inputOf(c, 0), outputOf(c)))];
    },
  };
}
