// Equality of numbers within rounding, of everything else to the bit.

import { expect } from "vitest";

/** Fails where two values differ, numbers by more than 1e-9. */
export function expectNear(got: unknown, expected: unknown): void {
  expect(rounded(got)).toEqual(rounded(expected));
}

/** Numbers as multiples of 1e-9; so close to a boundary between two that it matters are none that are tested. */
function rounded(value: unknown): unknown {
  if (typeof value === "number") return Math.round(value * 1e9) / 1e9;
  if (Array.isArray(value)) return value.map((item) => rounded(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, rounded(item)]));
}
