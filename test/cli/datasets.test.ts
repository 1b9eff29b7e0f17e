// `clockwork datasets`: the list, one of them in full, and both as JSON.

import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { layouts } from "../../src/datasets/index.ts";
import { linesOf, run } from "./cli.ts";

const datasets = (...args: readonly string[]): ReturnType<typeof run> => run(tmpdir(), "datasets", ...args);

test("the list has every dataset with its licence, its source and its splits", async () => {
  const { code, stdout, stderr } = await datasets();
  expect([code, stderr]).toEqual([0, ""]);
  const blocks = stdout.trim().split("\n\n");
  expect(blocks.map((block) => linesOf(block)[0])).toEqual(layouts.map(({ name }) => name));
  for (const [index, { title, licence, source, splits }] of layouts.entries()) {
    for (const text of [title, licence, source, ...splits]) expect(blocks[index]).toContain(text);
  }
});

test("a name shows its folders and its notes", async () => {
  const { code, stdout } = await datasets("camvid");
  expect(code).toBe(0);
  expect(stdout).toContain("splits   train, val (default), test");
  expect(stdout).toContain("    trainannot/  0001TP_006690.png");
  expect(stdout).toContain("101 frames at 15 Hz");
  expect(stdout).not.toContain("cityscapes");
});

test("--json prints one array, of all or of one", async () => {
  const all: unknown = JSON.parse((await datasets("--json")).stdout);
  expect(all).toMatchObject(
    layouts.map(({ name, splits, defaultSplit }) => ({ name, splits, defaultSplit: defaultSplit ?? null })),
  );
  const one: unknown = JSON.parse((await datasets("folder", "--json")).stdout);
  expect(one).toMatchObject([{ name: "folder", splits: [], defaultSplit: null, tree: expect.any(String) as unknown }]);
});

test("an unknown name is wrong use, with the choices", async () => {
  const { code, stdout, stderr } = await datasets("kitti");
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain("expected one of camvid, camvid-full");
});
