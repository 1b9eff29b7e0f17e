// Files that are written whole or not at all, alone and together.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeAllWhole, writeWhole } from "../../src/node/whole-file.ts";
import { temporaryFolder } from "../support/model-folder.ts";

test("a file has its text or its bytes, over one that was there", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "file");
  await writeWhole(path, "text");
  expect(await readFile(path, "utf8")).toBe("text");
  await writeWhole(path, [Uint8Array.of(1, 2), Uint8Array.of(3)]);
  expect([...(await readFile(path))]).toEqual([1, 2, 3]);
});

test("where one of several cannot be written, the others stay as they were, and the error names it", async () => {
  await using folder = await temporaryFolder();
  const path = (name: string): string => join(folder.path, name);
  await writeFile(path("old"), "old");
  const writing = writeAllWhole([
    [path("old"), "new"],
    [path("other"), "new"],
    [path(join("none", "file")), "new"],
  ]);
  await expect(writing).rejects.toMatchObject({
    code: "io",
    message: expect.stringContaining(path(join("none", "file"))),
  });
  expect(await readdir(folder.path)).toEqual(["old"]);
  expect(await readFile(path("old"), "utf8")).toBe("old");
});

test("a folder in the place of a file is an error, and nothing unfinished is left", async () => {
  await using folder = await temporaryFolder();
  await mkdir(join(folder.path, "taken", "inside"), { recursive: true });
  await expect(writeWhole(join(folder.path, "taken"), "text")).rejects.toMatchObject({ code: "io" });
  expect(await readdir(folder.path)).toEqual(["taken"]);
});
