// Where evaluations that were stopped wait to go on.

import { access, constants, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultCacheFolder } from "../models/index.ts";

/**
 * The folder for evaluations: in the cache, or, for users who have no home that can be written, in the system's temporary
 * folder. A cache that `CLOCKWORK_CACHE` names is taken as it is.
 */
export async function evaluationsFolder(): Promise<string> {
  const usual = join(defaultCacheFolder(), "evaluations");
  if (process.env["CLOCKWORK_CACHE"]) return usual;
  try {
    await mkdir(usual, { recursive: true });
    await access(usual, constants.W_OK);
    return usual;
  } catch {
    return join(tmpdir(), `clockwork-${process.getuid?.() ?? "user"}`, "evaluations");
  }
}
