// How a name map says which names it means.

import { ClockworkError } from "../errors.ts";

/** The expression of a pattern: what is between slashes, anywhere in a name, else the name as a whole. */
export function patternOf(from: string, where: string): RegExp {
  const source = /^\/(.*)\/$/s.exec(from)?.[1];
  try {
    return source === undefined
      ? new RegExp(`^${from.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")}$`, "u")
      : new RegExp(source, "gu");
  } catch (cause) {
    throw new ClockworkError(
      "invalid-argument",
      `${where}: expected a regular expression between slashes, got ${from}`,
      {
        cause,
      },
    );
  }
}
