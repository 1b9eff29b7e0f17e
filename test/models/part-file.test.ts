import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { mkdtemp, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { claimPart, createPart, discardPart, releasePart } from "../../src/models/part-file.ts";

const ETAG = '"5d41402abc4b2a76"';

let folder: string;
let target: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "clockwork-part-"));
  target = join(folder, "model.onnx");
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A part as another process would leave it. */
async function partOf(owner: (name: string) => string, content: string): Promise<string> {
  const part = await createPart(target, ETAG);
  await writeFile(part.path, content);
  const path = join(folder, owner(part.path.slice(folder.length + 1)));
  await rename(part.path, path);
  return path;
}

test("a part in use is left alone", async () => {
  await createPart(target, ETAG);
  expect(await claimPart(target)).toBeUndefined();
  expect(readdirSync(folder)).toHaveLength(1);
});

test("a part that was released can be taken, once", async () => {
  const part = await createPart(target, ETAG);
  await writeFile(part.path, "12345");
  await releasePart(part, target);
  const [first, second] = await Promise.all([claimPart(target), claimPart(target)]);
  expect([first, second].filter((claimed) => claimed !== undefined)).toHaveLength(1);
  expect(first ?? second).toMatchObject({ etag: ETAG, sizeBytes: 5 });
});

test("of the parts of processes that have ended, the largest is taken and the others removed", async () => {
  const { pid } = spawnSync(process.execPath, ["-e", ""]);
  const ended = (name: string): string => name.replace(`-${process.pid}-`, `-${pid}-`);
  await partOf(ended, "123");
  await partOf(ended, "12345");
  expect(await claimPart(target)).toMatchObject({ sizeBytes: 5 });
  expect(readdirSync(folder)).toHaveLength(1);
});

test("a part of another host is taken when it has been idle for long", async () => {
  const path = await partOf((name) => name.replace(/\.[0-9a-f]{8}-/, ".00000000-"), "123");
  expect(await claimPart(target)).toBeUndefined();
  const longAgo = new Date(Date.now() - 3_600_000);
  await utimes(path, longAgo, longAgo);
  expect(await claimPart(target)).toMatchObject({ sizeBytes: 3 });
});

test("a part that cannot be resumed is not kept", async () => {
  for (const etag of [undefined, 'W/"weak"', `"${"x".repeat(200)}"`]) {
    const part = await createPart(target, etag);
    await writeFile(part.path, "123");
    expect(part.etag).toBeUndefined();
    await releasePart(part, target);
  }
  await releasePart(await createPart(target, ETAG), target);
  expect(readdirSync(folder)).toEqual([]);
});

test("other files are not touched", async () => {
  await writeFile(target, "whole");
  await writeFile(`${target}.part`, "foreign");
  const part = await createPart(target, ETAG);
  expect(await claimPart(target)).toBeUndefined();
  await discardPart(part);
  expect((await stat(target)).size).toBe(5);
  expect(readdirSync(folder)).toHaveLength(2);
});
