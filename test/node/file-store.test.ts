// What an evaluation keeps in files: it outlives its process, and damage is found.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, readdir, stat, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { FileStore } from "../../src/node/file-store.ts";
import { Random } from "../../src/networks/random.ts";
import { temporaryFolder } from "../support/model-folder.ts";

/** Label maps of several sizes, each unlike the others. */
function mapOf(index: number): Uint8Array {
  const random = new Random(index, "labels");
  return Uint8Array.from({ length: 200 + 50 * (index % 3) }, () => Math.floor(5 * random.next()));
}

async function withStore<T>(folder: string, work: (store: FileStore) => Promise<T>): Promise<T> {
  await using store = await FileStore.open(folder);
  return await work(store);
}

const checkpoint = Uint8Array.from({ length: 3000 }, (_, at) => (at * 7) % 251);

test("label maps outlive the store, by run and index, and a later one replaces an earlier one", async () => {
  await using folder = await temporaryFolder();
  await withStore(folder.path, async (store) => {
    for (let index = 0; index < 9; index++) await store.putLabels(index % 2, index, mapOf(index));
    await store.putLabels(0, 4, mapOf(40));
    expect(await store.labels(0, 4)).toEqual(mapOf(40));
    await store.save(checkpoint);
  });
  await withStore(folder.path, async (store) => {
    await store.putLabels(1, 3, mapOf(30));
    await store.putLabels(1, 11, mapOf(11));
  });
  await withStore(folder.path, async (store) => {
    for (const index of [0, 2, 6, 8]) expect(await store.labels(0, index)).toEqual(mapOf(index));
    for (const index of [1, 5, 7, 11]) expect(await store.labels(1, index)).toEqual(mapOf(index));
    expect([await store.labels(0, 4), await store.labels(1, 3)]).toEqual([mapOf(40), mapOf(30)]);
    // Kept of another run, of no frame, of no run.
    expect([await store.labels(0, 1), await store.labels(1, 9), await store.labels(7, 0)]).toEqual(
      Array(3).fill(undefined),
    );
  });
});

test("what a kill cut short at the end is gone, what is before it is not, and more can be added", async () => {
  await using folder = await temporaryFolder();
  const file = join(folder.path, "labels-0");
  const ends: number[] = [];
  await withStore(folder.path, async (store) => {
    await store.save(checkpoint);
    for (let index = 0; index < 3; index++) {
      await store.putLabels(0, index, mapOf(index));
      ends.push((await stat(file)).size);
    }
  });
  const [, second = 0, third = 0] = ends;
  // In the labels, at their first byte, in the length and in the index.
  for (const size of [third - 1, second + 8, second + 5, second + 1]) {
    await truncate(file, size);
    await withStore(folder.path, async (store) => {
      expect(await store.labels(0, 2)).toBeUndefined();
      expect(await store.labels(0, 1)).toEqual(mapOf(1));
      await store.putLabels(0, 2, mapOf(2));
    });
    expect(await withStore(folder.path, (store) => store.labels(0, 2))).toEqual(mapOf(2));
  }
});

test("a checkpoint replaces the one before; one that is damaged is as none", async () => {
  await using folder = await temporaryFolder();
  await withStore(folder.path, async (store) => {
    expect(await store.load()).toBeUndefined();
    await store.save(Uint8Array.of(9));
    await store.save(checkpoint);
    expect(await store.load()).toEqual(checkpoint);
  });
  const file = join(folder.path, "checkpoint");
  const whole = await readFile(file);
  const damaged = [0, 3, 4, 1500, whole.length - 1].map((at) =>
    whole.map((byte, place) => byte ^ (place === at ? 1 : 0)),
  );
  const cut = [0, 2, 4, 5, whole.length - 1].map((length) => whole.subarray(0, length));
  const random = checkpoint.map((byte) => byte ^ 0x5a);
  await withStore(folder.path, async (store) => {
    for (const bytes of [...damaged, ...cut, random]) {
      await writeFile(file, bytes);
      expect(await store.load()).toBeUndefined();
    }
    await writeFile(file, whole);
    expect(await store.load()).toHaveLength(checkpoint.length);
  });
});

test("nothing stays of an evaluation that is done, or that never came to a checkpoint", async () => {
  await using folder = await temporaryFolder();
  await withStore(join(folder.path, "none"), (store) => store.putLabels(0, 0, mapOf(0)));
  await withStore(join(folder.path, "some"), (store) => store.save(checkpoint));
  expect(await readdir(folder.path)).toEqual(["some"]);
  expect(await readdir(join(folder.path, "some"))).toEqual(["checkpoint"]);
  // One that was opened again and did nothing is there still.
  await withStore(join(folder.path, "some"), () => Promise.resolve());
  await withStore(join(folder.path, "some"), async (store) => {
    expect(await store.load()).toHaveLength(checkpoint.length);
    await store.remove();
  });
  expect(await readdir(folder.path)).toEqual([]);
});

test("a folder that another process has is refused, until that process is gone", async () => {
  await using folder = await temporaryFolder();
  const script = fileURLToPath(new URL("store-owner.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "./scripts/typescript.js", script, folder.path]);
  const gone = once(child, "close");
  await once(child.stdout, "data");
  await expect(FileStore.open(folder.path)).rejects.toMatchObject({
    code: "io",
    message: expect.stringMatching(new RegExp(`process ${child.pid} .*try waiting.*${folder.path}`, "u")),
  });
  child.kill("SIGKILL");
  await gone;
  await withStore(folder.path, async (store) => {
    expect([await store.labels(0, 0), await store.load()].map((bytes) => [...(bytes ?? [])])).toEqual([
      [4, 5, 6],
      [1, 2, 3],
    ]);
  });
});

test("a folder that cannot be made is an error", async () => {
  await using folder = await temporaryFolder();
  await writeFile(join(folder.path, "file"), "");
  await expect(FileStore.open(join(folder.path, "file", "store"))).rejects.toMatchObject({ code: "io" });
});
