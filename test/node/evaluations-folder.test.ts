// Evaluations wait where they can be written, whatever home their user has.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { evaluationsFolder } from "../../src/node/evaluations-folder.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "clockwork-home-"));
  vi.stubEnv("CLOCKWORK_CACHE", "");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test("in the cache, where there is one", async () => {
  vi.stubEnv("XDG_CACHE_HOME", folder);
  expect(await evaluationsFolder()).toBe(join(folder, "clockwork", "evaluations"));
});

test("in the temporary folder, where the cache cannot be made", async () => {
  // No folder can be made in a file, not even by root.
  await writeFile(join(folder, "file"), "");
  vi.stubEnv("XDG_CACHE_HOME", join(folder, "file"));
  const found = await evaluationsFolder();
  expect(found.startsWith(tmpdir())).toBe(true);
  expect(found).not.toContain(folder);
});

test("a cache that is named is not replaced", async () => {
  vi.stubEnv("CLOCKWORK_CACHE", "/proc/none");
  expect(await evaluationsFolder()).toBe(join("/proc/none", "evaluations"));
});
