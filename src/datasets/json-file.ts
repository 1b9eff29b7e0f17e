// A JSON file beside the pictures of a dataset, parsed and not looked at.

import { readFile } from "node:fs/promises";
import { ClockworkError, reasonOf } from "../errors.ts";

/** @throws {ClockworkError} `io` where the file cannot be read, `invalid-argument` where it is no JSON. */
export async function readJsonFile(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new ClockworkError("io", `${path}: expected a readable file, got: ${reasonOf(cause)}`, { cause });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new ClockworkError("invalid-argument", `${path}: expected JSON, got: ${reasonOf(cause)}`, { cause });
  }
}
