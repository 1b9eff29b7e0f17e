// A street on disk: what is in the files is what the renderer says, in a folder that is a dataset. And which clips there
// are, and what cannot be written.

import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDataset } from "../../src/datasets/index.ts";
import { streetClips } from "../../src/node/street/clip.ts";
import type { StreetWritten, WriteStreetOptions } from "../../src/node/street/write-street.ts";
import { decodeDepth, decodeFlow } from "../../src/video/index.ts";
import { streetClasses } from "../../src/video/street/index.ts";
import { framesOf } from "../datasets/files.ts";
import { temporaryFolder } from "../support/model-folder.ts";
import { decodePng } from "../support/png.ts";
import { contentOf, rendered, small, write } from "./written-streets.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

describe("a folder of one clip", () => {
  const expected = rendered([0, 1, 2]);
  let path: string;
  let written: StreetWritten;
  beforeAll(async () => {
    path = join(folder.path, "one");
    written = await write(path);
  });

  test("is told of", () => {
    expect(written).toMatchObject({ output: path, frames: 3, clips: [{ name: "3-day-drive" }] });
  });

  test("is a dataset: its frames and labels are those of the renderer, to the bit", async () => {
    const dataset = await openDataset(path);
    expect(dataset).toMatchObject({ name: "folder", classNames: streetClasses, notes: [] });
    expect(dataset.sequences.map(({ labelled }) => labelled)).toEqual([[0, 1, 2]]);
    const read = await framesOf(dataset.sequences[0]);
    expect(read.map(({ frame }) => frame)).toEqual(expected.map(({ frame }) => frame));
    expect(read.map(({ labels }) => labels)).toEqual(expected.map(({ labels }) => labels));
  });

  test.each([0, 2])("has the motion, depth and things of every pixel: frame %d", async (index) => {
    const bytes = (kind: string, extension: string): Promise<Buffer> =>
      readFile(join(path, kind, `00000${index}.${extension}`));
    const { widthPx, heightPx } = small;
    const { flow, depth, occluded, instances } = expected[index] ?? {};
    expect(decodeFlow(await bytes("flow", "flo"), "")).toEqual({ data: flow, widthPx, heightPx });
    expect(decodeDepth(await bytes("depth", "pfm"), "")).toEqual({ data: depth, widthPx, heightPx });
    const occlusion = decodePng(await bytes("occlusion", "png"));
    expect(occlusion).toMatchObject({ bitDepth: 8, colourType: 0 });
    expect(occlusion.samples).toEqual(Array.from(occluded ?? [], (isHidden) => 255 * isHidden));
    const things = decodePng(await bytes("instances", "png"));
    expect(things).toMatchObject({ bitDepth: 16, colourType: 0, samples: [...(instances ?? [])] });
  });

  test("can be rendered again from what it says of itself", async () => {
    const { clips } = JSON.parse(await readFile(join(path, "street.json"), "utf8")) as {
      readonly clips: readonly { readonly street: { readonly seed: number } }[];
    };
    expect(rendered([1], clips[0]?.street)[0]).toEqual(expected[1]);
  });

  test("is not written over", async () => {
    await expect(write(path)).rejects.toThrow(/one: expected a folder that is empty or not there/u);
    expect((await contentOf(path)).size).toBe(2 + 3 * 6);
  });
});

describe("clips", () => {
  const base = { seed: 10, frames: 1 };
  const named = (options: Partial<Parameters<typeof streetClips>[0]>): readonly string[] =>
    streetClips({ ...base, ...options }).map(({ name }) => name);

  test("have seeds that follow each other, and styles and cameras in turn", () => {
    expect(named({})).toEqual(["10-day-drive"]);
    expect(named({ clips: 3, styles: ["dusk", "fog"] })).toEqual(["10-dusk-drive", "11-fog-drive", "12-dusk-drive"]);
    expect(named({ styles: ["day", "rain"], cameras: ["pan"] })).toEqual(["10-day-pan", "11-rain-pan"]);
  });

  test.each([
    [
      ["day", "dusk"],
      ["drive", "turn"],
    ],
    [
      ["day", "dusk", "night", "fog"],
      ["drive", "turn", "pan", "fixed"],
    ],
    [
      ["day", "dusk", "night", "rain"],
      ["drive", "turn"],
    ],
    [
      ["day", "dusk", "night"],
      ["drive", "turn"],
    ],
  ] as const)("every style of %s meets every camera of %s", (styles, cameras) => {
    const pairs = named({ clips: styles.length * cameras.length, styles, cameras }).map((name) => name.slice(3));
    expect(new Set(pairs).size).toBe(styles.length * cameras.length);
  });
});

describe("wrong use", () => {
  const two = { styles: ["day", "night"] } as const;

  test.each<[string, Partial<WriteStreetOptions>, RegExp]>([
    ["no frames", { frames: 0 }, /frames: expected a whole number from 1, got 0/u],
    ["half a clip", { clips: 0.5 }, /clips: expected a whole number/u],
    ["fewer clips than styles", { clips: 1 }, /styles: expected at most one for each of 1 clips, got 2/u],
    ["every none", { every: 0 }, /every: expected/u],
    ["no workers", { threads: 0 }, /threads: expected/u],
    ["a quality out of range", { compress: 52 }, /compress: expected a number from 0 to 51/u],
    ["what cannot be rendered", { density: 9 }, /density: expected/u],
    ["several clips in a video", { output: "a.mp4" }, /expected a folder for 2 clips/u],
    ["a choice of frames in a video", { output: "a.mp4", styles: ["day"], every: 2 }, /expected a folder/u],
    ["a choice of maps in a video", { output: "a.mp4", styles: ["day"], maps: { flow: false } }, /expected a folder/u],
    ["another extension", { output: "a.avi" }, /expected \.mp4/u],
  ])("%s", async (_name, options, message) => {
    await expect(write(join(folder.path, "wrong"), { ...two, ...options })).rejects.toThrow(message);
    await expect(write(join(folder.path, "wrong"), { ...two, ...options })).rejects.toMatchObject({
      code: "invalid-argument",
    });
    expect(await readdir(folder.path)).not.toContain("wrong");
  });

  test("a file where a folder should be", async () => {
    await writeFile(join(folder.path, "file"), "");
    await expect(write(join(folder.path, "file"))).rejects.toThrow(/got a file/u);
    await expect(write(join(folder.path, "file", "inside"))).rejects.toMatchObject({ code: "io" });
  });
});
