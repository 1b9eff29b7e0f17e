// JSON files of users.

import { readFile } from "node:fs/promises";
import { ClockworkError, reasonOf } from "../errors.ts";

/**
 * Reads a JSON file.
 * @throws ClockworkError `io` where it cannot be read, `invalid-argument` where it is no JSON
 */
export async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new ClockworkError("io", `${path}: expected a JSON file (${reasonOf(cause)})`, { cause });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new ClockworkError("invalid-argument", `${path}: expected JSON, got: ${reasonOf(cause)}`, { cause });
  }
}
