// Builds `dist` before any test where a source file is newer: what runs as a child process is what is in the checkout.
// Files are overwritten and not removed first, so that others may be running them.

import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Called by vitest once, before all test files. */
export function setup(): void {
  if (newest(join(root, "src")) <= newest(join(root, "dist"))) return;
  execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
    cwd: root,
    stdio: "inherit",
  });
}

/** Time of the latest change in a folder; 0 where there is none. */
function newest(folder: string): number {
  let latest = 0;
  for (const entry of listed(folder)) {
    if (entry.isFile()) latest = Math.max(latest, statSync(join(entry.parentPath, entry.name)).mtimeMs);
  }
  return latest;
}

function listed(folder: string): ReturnType<typeof listedNow> {
  try {
    return listedNow(folder);
  } catch {
    return [];
  }
}

function listedNow(folder: string) {
  return readdirSync(folder, { recursive: true, withFileTypes: true });
}
