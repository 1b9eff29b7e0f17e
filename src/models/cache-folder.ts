// Where downloaded models are kept. Only a place: what lies in it, and when it is complete, is the hub's matter.

import { homedir } from "node:os";
import { join } from "node:path";

/**
 * The folder for downloads: `CLOCKWORK_CACHE` if set, else the platform's cache folder, `$XDG_CACHE_HOME/clockwork` or
 * `~/.cache/clockwork`, `~/Library/Caches/clockwork` on macOS, `%LOCALAPPDATA%\clockwork` on Windows.
 */
export function defaultCacheFolder(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  if (env["CLOCKWORK_CACHE"]) return env["CLOCKWORK_CACHE"];
  if (env["XDG_CACHE_HOME"] && platform !== "win32") return join(env["XDG_CACHE_HOME"], "clockwork");
  switch (platform) {
    case "win32":
      return join(env["LOCALAPPDATA"] || join(home, "AppData", "Local"), "clockwork");
    case "darwin":
      return join(home, "Library", "Caches", "clockwork");
    default:
      return join(home, ".cache", "clockwork");
  }
}
