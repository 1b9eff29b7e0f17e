// Real models and footage that may lie beside the project; tests that want them skip where they are not there.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Path of something beside the project's root; `undefined` where it is not there. */
export function besideProject(path: string): string | undefined {
  const full = fileURLToPath(new URL(`../../../shared/${path}`, import.meta.url));
  return existsSync(full) ? full : undefined;
}
