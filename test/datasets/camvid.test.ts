// CamVid in both of its layouts: files written here in their names and colours, and the real frames where they are.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openDataset } from "../../src/datasets/index.ts";
import { readImage } from "../../src/video/index.ts";
import { besideProject } from "../support/shared.ts";
import { temporaryFolder } from "../support/model-folder.ts";
import { framesOf, namesOf, plainPicture, writeFiles, type Content, type Rgb } from "./files.ts";

const picture = plainPicture([10, 20, 30]);

/** Files of the SegNet layout: a picture and labels for each name. */
function segnetFiles(split: string, names: readonly string[]): Record<string, Content> {
  const labels: Content = {
    kind: "gray",
    rows: [
      [0, 1, 2, 3],
      [9, 10, 11, 5],
    ],
  };
  return Object.fromEntries(
    names.flatMap((name) => [
      [`${split}/${name}.png`, picture],
      [`${split}annot/${name}.png`, labels],
    ]),
  );
}

const numbered = (recording: string, numbers: readonly number[]): string[] =>
  numbers.map((number) => `${recording}_${String(number).padStart(5, "0")}`);

describe("SegNet layout", () => {
  test("frames, labels as stored, and times by the frame numbers at 30 Hz", async () => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, segnetFiles("val", numbered("0016E5", [7959, 7961, 7963, 7965])));
    const dataset = await openDataset(folder.path);
    expect([dataset.name, dataset.split, dataset.notes]).toEqual(["camvid", "val", []]);
    expect(dataset.classNames).toHaveLength(11);
    expect(dataset.sequences).toHaveLength(1);
    const [sequence] = dataset.sequences;
    expect([sequence?.length, sequence?.labelled]).toEqual([4, [0, 1, 2, 3]]);
    const frames = await framesOf(sequence);
    expect(frames.map(({ name }) => name)).toEqual(["0016E5_07959", "0016E5_07961", "0016E5_07963", "0016E5_07965"]);
    for (const { index, frame, labels } of frames) {
      expect(frame.timestampSec).toBeCloseTo(index / 15, 12);
      expect([...frame.data.subarray(0, 3)]).toEqual([10, 20, 30]);
      expect([...(labels?.data ?? [])]).toEqual([0, 1, 2, 3, 9, 10, 11, 5]);
    }
  });

  test("a new sequence begins with another recording, after a hole, and where the rate changes", async () => {
    await using folder = await temporaryFolder();
    const stretches = [
      numbered("0001TP", [6690, 6720, 6750]),
      // One frame is missing, and one step is off by one, as in the real data.
      ["0006R0_f00930", "0006R0_f00990", "0006R0_f01020"],
      numbered("0016E5", [840, 870, 901, 930, 960]),
      numbered("0016E5", [2400, 2430]),
      // The stretch at 15 Hz lies between frames at 1 Hz, less than two of their steps away.
      numbered("0016E5", [7890, 7920]),
      numbered("0016E5", [7959, 7961, 7963]),
      numbered("0016E5", [8002, 8032]),
      numbered("Seq05VD", [0]),
    ];
    await writeFiles(folder.path, segnetFiles("train", stretches.flat()));
    const dataset = await openDataset(folder.path, { split: "train" });
    expect(await namesOf(dataset)).toEqual(Object.fromEntries(stretches.map((names) => [names[0], names])));
  });

  test("pictures without labels and files of other names are counted", async () => {
    await using folder = await temporaryFolder();
    const files = segnetFiles("val", numbered("0016E5", [1, 3, 5]));
    delete files["valannot/0016E5_00003.png"];
    await writeFiles(folder.path, { ...files, "val/cover.png": picture, "val/notes.txt": "" });
    const { sequences, notes } = await openDataset(folder.path);
    expect(sequences[0]?.labelled).toEqual([0, 2]);
    expect((await framesOf(sequences[0]))[1]?.labels).toBeUndefined();
    expect(notes).toEqual([
      "2 pictures without labels: 0016E5_00003, cover",
      "1 files left out, their names being none of CamVid's: cover",
    ]);
  });

  test("a split whose folders are not there, and one that does not exist", async () => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, segnetFiles("val", numbered("0016E5", [1])));
    await expect(openDataset(folder.path, { split: "train" })).rejects.toThrow("without train/, trainannot/");
    await expect(openDataset(folder.path, { split: "dev" })).rejects.toThrow('one of train, val, test, got "dev"');
  });

  test("labels of another size name both files", async () => {
    await using folder = await temporaryFolder();
    await writeFiles(folder.path, {
      "val/0016E5_00001.png": picture,
      "valannot/0016E5_00001.png": { kind: "gray", rows: [[1, 2]] },
    });
    const { sequences } = await openDataset(folder.path);
    const reading = framesOf(sequences[0]);
    await expect(reading).rejects.toThrow(join(folder.path, "val/0016E5_00001.png"));
    await expect(reading).rejects.toThrow(join(folder.path, "valannot/0016E5_00001.png"));
  });
});

describe("original layout", () => {
  // Colours and names from label_colors.txt; groups as SegNet was trained with.
  const cases: readonly (readonly [Rgb, fine: string, group: string])[] = [
    [[128, 128, 128], "Sky", "sky"],
    [[64, 192, 0], "Wall", "building"],
    [[0, 128, 64], "Bridge", "building"],
    [[0, 0, 64], "TrafficCone", "pole"],
    [[128, 0, 192], "LaneMkgsDriv", "road"],
    [[128, 128, 192], "RoadShoulder", "pavement"],
    [[192, 192, 0], "VegetationMisc", "tree"],
    [[0, 64, 64], "TrafficLight", "sign"],
    [[64, 64, 128], "Fence", "fence"],
    [[64, 128, 192], "SUVPickupTruck", "car"],
    [[192, 128, 64], "Child", "pedestrian"],
    [[192, 0, 192], "MotorcycleScooter", "bicyclist"],
  ];
  const mask: Content = { kind: "rgb", rows: [[...cases.map(([colour]) => colour), [0, 0, 0]]] };
  const still: Content = { kind: "rgb", rows: [Array.from({ length: cases.length + 1 }, () => [1, 2, 3] as const)] };

  async function originalFiles(folder: string, names: readonly string[], content = mask): Promise<void> {
    for (const name of names) {
      await writeFiles(folder, {
        [`701_StillsRaw_full/${name}.png`]: still,
        [`LabeledApproved_full/${name}_L.png`]: content,
      });
    }
  }

  test("colours become the 11 classes by default, and all classes by name; void is neither", async () => {
    await using folder = await temporaryFolder();
    await originalFiles(folder.path, ["0016E5_07959"]);
    for (const [layout, expected] of [
      [undefined, cases.map(([, , group]) => group)],
      ["camvid-full-32", cases.map(([, fine]) => fine)],
    ] as const) {
      const dataset = await openDataset(folder.path, layout === undefined ? {} : { layout });
      expect(dataset.name).toBe(layout ?? "camvid-full");
      expect(new Set(dataset.classNames).size).toBe(layout === undefined ? 11 : 31);
      const labels = [...((await framesOf(dataset.sequences[0]))[0]?.labels?.data ?? [])];
      expect(labels.slice(0, -1).map((label) => dataset.classNames[label])).toEqual(expected);
      expect(labels.at(-1)).toBeGreaterThanOrEqual(dataset.classNames.length);
    }
  });

  test("the splits are those of the SegNet tutorial", async () => {
    await using folder = await temporaryFolder();
    const splits = {
      train: ["0001TP_008520", "0006R0_f00930", "0016E5_07920", "0016E5_08190"],
      val: ["0016E5_07959", "0016E5_08159"],
      test: ["0001TP_008550", "Seq05VD_f00000"],
    };
    await originalFiles(folder.path, Object.values(splits).flat());
    for (const [split, names] of Object.entries(splits)) {
      const dataset = await openDataset(folder.path, { split });
      expect(Object.values(await namesOf(dataset)).flat()).toEqual(names);
    }
    const all = await openDataset(folder.path, { split: "all" });
    expect(Object.values(await namesOf(all)).flat()).toHaveLength(8);
  });

  test("a stray colour is left out of scores, a mask of other colours is an error", async () => {
    await using folder = await temporaryFolder();
    const row = Array.from({ length: 200 }, (): Rgb => [128, 64, 128]);
    const wide: Content = { kind: "rgb", rows: [row] };
    for (const [strays, name] of [
      [2, "0016E5_07959"],
      [3, "0016E5_07961"],
    ] as const) {
      const rows = [row.map((colour, x): Rgb => (x < strays ? [129, 64, 128] : colour))];
      await writeFiles(folder.path, {
        [`701_StillsRaw_full/${name}.png`]: wide,
        [`LabeledApproved_full/${name}_L.png`]: { kind: "rgb", rows },
      });
    }
    const [sequence] = (await openDataset(folder.path)).sequences;
    const [first] = await framesOf(sequence, { to: 1 });
    expect([...(first?.labels?.data ?? [])].slice(0, 4)).toEqual([255, 255, 3, 3]);
    await expect(framesOf(sequence)).rejects.toThrow(/0016E5_07961_L\.png: .* 3 of 200 pixels .* 129,64,128/u);
  });
});

const real = besideProject("data/camvid");
describe.skipIf(real === undefined)(
  `the real CamVid${real === undefined ? " (skipped: it is not beside the checkout)" : ""}`,
  () => {
    const folder = real ?? "";

    test("val is one sequence of 101 frames at 15 Hz, labels as in their files", async () => {
      const { sequences, classNames, notes } = await openDataset(folder);
      expect(notes).toEqual([]);
      expect(sequences).toHaveLength(1);
      const [sequence] = sequences;
      expect([sequence?.name, sequence?.length, sequence?.labelled.length]).toEqual(["0016E5_07959", 101, 101]);
      const counts = new Map<string, number>();
      const wanted = new Map<string, number>();
      const count = (map: Map<string, number>, labels: Iterable<number>): void => {
        for (const label of labels) {
          const name = classNames[label] ?? "void";
          map.set(name, (map.get(name) ?? 0) + 1);
        }
      };
      for await (const { index, name, frame, labels } of sequence?.read({ step: 10 }) ?? []) {
        expect(name).toBe(`0016E5_${String(7959 + 2 * index).padStart(5, "0")}`);
        expect([frame.widthPx, frame.heightPx]).toEqual([480, 360]);
        expect(frame.timestampSec).toBeCloseTo(index / 15, 9);
        count(counts, labels?.data ?? []);
        // Independently of the reader of labels: as a gray picture, whose red is the value.
        const gray = await readImage(join(folder, "valannot", `${name}.png`));
        count(
          wanted,
          gray.data.filter((_, at) => at % 3 === 0),
        );
      }
      expect(counts).toEqual(wanted);
      // A street: road, building and pavement are large in this stretch, poles and signs small.
      const share = (name: string): number => (counts.get(name) ?? 0) / (11 * 480 * 360);
      expect(share("road")).toBeGreaterThan(0.15);
      expect(share("building")).toBeGreaterThan(0.1);
      expect(share("pole")).toBeLessThan(0.03);
      expect(share("sign")).toBeLessThan(0.03);
    });

    test("train has every file once, at 1 Hz", async () => {
      const { sequences } = await openDataset(folder, { split: "train" });
      const files = readdirSync(join(folder, "train"));
      expect(sequences.reduce((sum, { length = 0 }) => sum + length, 0)).toBe(files.length);
      // By the gaps in the file names: 0001TP, 0006R0, and three parts of 0016E5.
      expect(sequences.map(({ name }) => name.split("_")[0])).toEqual([
        "0001TP",
        "0006R0",
        "0016E5",
        "0016E5",
        "0016E5",
      ]);
      const [first] = sequences;
      const frames = await framesOf(first, { to: 3 });
      expect(frames.map(({ frame }) => frame.timestampSec)).toEqual([0, 1, 2]);
    });
  },
);
