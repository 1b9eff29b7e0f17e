// Files that fixtures/make.py wrote, and errors of ours as their messages.

import { readFileSync } from "node:fs";
import { ClockworkError } from "../../src/errors.ts";

/** Content of a file of `fixtures/`. */
export function fixture(name: string): Uint8Array {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url));
}

/** The message of the ClockworkError that is thrown; "" where none is. @throws what is thrown otherwise */
export function failureOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ClockworkError) return error.message;
    throw error;
  }
  return "";
}
