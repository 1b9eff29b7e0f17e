// The table of schedules on a folder in the layout of YouTube-Objects: the protocol of the paper, against labels that are
// counted here, and thresholds against what a clock really does.

import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { recordChanges, thresholdFor } from "../../../experiments/thresholds.ts";
import { openSubject } from "../../../experiments/subject.ts";
import { readyMaps, type Dataset, type LabelledFrame } from "../../../src/datasets/index.ts";
import type { Frame } from "../../../src/frame.ts";
import { openSegmenter } from "../../../src/node/open-segmenter.ts";
import { readImage } from "../../../src/video/index.ts";
import { noiseFrame } from "../../support/noise.ts";
import { resultsOf } from "../../support/segmenting.ts";
import { temporaryFolder } from "../../support/model-folder.ts";
import { encodeImage } from "../../video/clips.ts";
import { experiment, fcnFolder, tablesOf } from "./support.ts";

const voc = Object.entries(readyMaps.get("voc->youtube-objects")?.classes ?? {});
const classNames = voc.map(([name]) => name);
const size = "500x64";
const taken = 10;
const warmUp = 2;

/** Frames of a shot of a dog. Those between the tenth ones are no pictures: whoever reads them fails. */
async function writeShot(root: string): Promise<readonly string[]> {
  const shot = "dog/data/0001/shots/001";
  const paths: string[] = [];
  for (let index = 0; index <= 10 * (taken - 1); index++) {
    const number = String(index + 1);
    const path = join(root, "v1", shot, `frame${number.padStart(4, "0")}.jpg`);
    await mkdir(dirname(path), { recursive: true });
    if (index % 10 !== 0) {
      await writeFile(path, "not read");
      continue;
    }
    const picture = `testsrc2=s=${size}:r=5,trim=start_frame=${index / 10}`;
    await encodeImage(path, `${picture},format=yuvj444p`);
    paths.push(path);
    const mask = join(root, "youtube_masks", shot, "labels", `${number.padStart(5, "0")}.jpg`);
    await mkdir(dirname(mask), { recursive: true });
    // Background above, a dog below.
    await encodeImage(mask, `color=black:s=${size},drawbox=y=32:h=32:color=white:t=fill,format=yuvj444p`);
  }
  return paths;
}

test("YouTube-Objects: every tenth frame, two not scored, the rows that the plan allows", async () => {
  await using folder = await temporaryFolder("clockwork-experiment-");
  const data = join(folder.path, "data");
  const model = await fcnFolder(join(folder.path, "net"), classNames, { width: 512, height: 64 });
  const paths = await writeShot(data);
  const ended = await experiment(folder.path, "schedules", "--data", data, "--model", model, "--json");
  expect(ended).toMatchObject({ code: 0 });
  const [table] = tablesOf(ended);
  const rows = table?.rows ?? [];
  expect(table?.notes[0]).toMatch(/^8 frames, 8 labelled/);
  const fixedNames = rows.map(({ name }) => name).filter((name) => !name.startsWith("adaptive"));
  expect(fixedNames).toEqual([
    "oracle",
    "pipeline, 2 stages",
    "pipeline, 3 stages",
    "skip:2",
    "fixed:2 (alternating)",
    "skip:3",
    "fixed:3",
    "skip:4",
    "fixed:4",
    "fixed:1,2,4 (3 stages)",
    "skip:5",
    "fixed:5",
  ]);
  const row = (name: string): (typeof rows)[number]["run"] | undefined => rows.find((one) => one.name === name)?.run;
  for (const [name, period] of [
    ["skip:2", 2],
    ["fixed:3", 3],
    ["fixed:1,2,4 (3 stages)", 4],
    ["skip:5", 5],
  ] as const) {
    const fired = Array.from({ length: taken }, (_, at) => at).filter((at) => at >= warmUp && at % period === 0);
    expect([name, row(name)?.updateRates.at(-1)]).toEqual([name, fired.length / (taken - warmUp)]);
  }
  expect(row("pipeline, 3 stages")).toMatchObject({ stages: 3, macsRatio: 1 });
  expect(rows.length).toBeGreaterThan(fixedNames.length);

  // By hand: the network alone, its labels as the dataset's, counted against the mask's two halves.
  await using oracle = await openSegmenter({ model, clock: "every" });
  const results = await resultsOf(oracle.segment(await Promise.all(paths.map((path) => readImage(path)))));
  const isRight = (label: number, at: number): boolean =>
    voc[label]?.[1] === (at < (500 * 64) / 2 ? "background" : "dog");
  const rightOf = (frame: number): number =>
    results[frame]?.labels.data.reduce((sum, label, at) => sum + (isRight(label, at) ? 1 : 0), 0) ?? 0;
  const accuracy = (from: (frame: number) => number): number => {
    const scored = Array.from({ length: taken - warmUp }, (_, at) => at + warmUp);
    return (100 * scored.reduce((sum, frame) => sum + rightOf(from(frame)), 0)) / (scored.length * 500 * 64);
  };
  expect(accuracy((frame) => frame)).not.toBeCloseTo(
    accuracy((frame) => frame - (frame % 2)),
    3,
  );
  expect(row("oracle")?.accuracy).toBeCloseTo(
    accuracy((frame) => frame),
    6,
  );
  expect(row("skip:2")?.accuracy).toBeCloseTo(
    accuracy((frame) => frame - (frame % 2)),
    6,
  );
  // Some twenty sessions are opened, each in a worker of its own.
}, 180_000);

test("a threshold gives the rate that it was chosen for", async () => {
  await using folder = await temporaryFolder("clockwork-experiment-");
  const model = await fcnFolder(join(folder.path, "net"), classNames, { width: 96, height: 64 });
  const frames: readonly Frame[] = Array.from({ length: 40 }, (_, at) => noiseFrame(96, 64, (at * at) / 8));
  const dataset: Dataset = {
    name: "noise",
    split: undefined,
    classNames: [],
    sequences: [{ name: "one", length: frames.length, labelled: [], read: () => framesOf(frames) }],
    notes: [],
  };
  const subject = await openSubject({ model }, { widthPx: 96, heightPx: 64 });
  await using oracle = subject.oracle;
  const { two } = subject;
  if (two === undefined) throw new Error("expected two stages");
  const changes = await recordChanges(oracle, two, dataset, {}, () => undefined);
  for (const rate of [0.8, 0.5, 0.2]) {
    const found = thresholdFor(changes ?? [], rate);
    expect(found?.updateRate).toBeLessThanOrEqual(rate);
    expect(found?.updateRate).toBeGreaterThan(rate - 0.2);
    await using clock = oracle.variant({ schedule: { kind: "adaptive", threshold: found?.threshold ?? 0 } });
    const results = await resultsOf(clock.segment(frames));
    expect(results.filter(({ fired }) => fired.at(-1)).length / frames.length).toBe(found?.updateRate);
  }
});

async function* framesOf(frames: readonly Frame[]): AsyncGenerator<LabelledFrame> {
  for (const [index, frame] of frames.entries()) yield { index, name: `${index}`, frame, labels: undefined };
}
