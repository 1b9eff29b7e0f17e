// Colours of classes, by name and without names, and from files.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { paletteFor, readPalette } from "../../src/video/index.ts";
import { temporaryFolder } from "./clips.ts";

const colour = (palette: Uint8Array, index: number): number[] => [...palette.subarray(index * 3, index * 3 + 3)];

test("customary names have their customary colours, whatever their spelling", () => {
  const palette = paletteFor(["Road", "traffic_light", "pavement", "tree;plant", "car, auto"], 5);
  expect(colour(palette, 0)).toEqual([128, 64, 128]);
  expect(colour(palette, 1)).toEqual([250, 170, 30]);
  expect(colour(palette, 2)).toEqual([244, 35, 232]);
  expect(colour(palette, 3)).toEqual([107, 142, 35]);
  expect(colour(palette, 4)).toEqual([0, 0, 142]);
});

test("no two classes share a colour, with names, with synonyms and without names", () => {
  for (const [names, count] of [
    [undefined, 150],
    [undefined, 256],
    [["person", "pedestrian", "road", "street", "thing"], 5],
  ] as const) {
    const palette = paletteFor(names, count);
    expect(palette).toHaveLength(768);
    const seen = new Set(Array.from({ length: count }, (_, index) => colour(palette, index).join()));
    expect(seen.size).toBe(count);
    expect(paletteFor(names, count)).toEqual(palette);
  }
});

test("colours after the last class are black", () => {
  expect(colour(paletteFor(undefined, 3), 3)).toEqual([0, 0, 0]);
});

test("palettes from files: by index, by name, and wrong ones", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "palette.json");
  const read = async (content: string, names?: readonly string[]): Promise<Uint8Array> => {
    await writeFile(path, content);
    return readPalette(path, names);
  };
  expect(colour(await read("[[1, 2, 3], [4, 5, 6]]"), 1)).toEqual([4, 5, 6]);
  const named = await read('{ "Sky": [1, 2, 3] }', ["road", "sky"]);
  expect(colour(named, 1)).toEqual([1, 2, 3]);
  expect(colour(named, 0)).toEqual([128, 64, 128]);
  for (const content of ["[[1, 2]]", "[[1, 2, 256]]", "3", "{", '{ "cat": [1, 2, 3] }']) {
    await expect(read(content, ["road"])).rejects.toMatchObject({ code: "invalid-argument" });
  }
  const missing = readPalette(join(folder.path, "none.json"));
  await expect(missing).rejects.toMatchObject({ code: "io" });
});
