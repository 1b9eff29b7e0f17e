// `clockwork evaluate` as a child process: what it prints and writes, that it goes on after a kill, and how it fails.

import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDataset, type LabelledFrame } from "../../../src/datasets/index.ts";
import { openModel } from "../../../src/models/index.ts";
import { writeFiles } from "../../datasets/files.ts";
import { datasetFiles } from "../../evaluate/folder.ts";
import { expectNear } from "../../evaluate/near.ts";
import { pause, resultsOf, smallSegmenter } from "../../support/segmenting.ts";
import {
  classNames,
  jsonOf,
  linesOf,
  namesIn,
  run,
  start,
  workFolder,
  type Ended,
  type Running,
} from "../../cli/cli.ts";

let folder: Awaited<ReturnType<typeof workFolder>>;

/** Where evaluations are kept that are not done. */
let unfinished = "";

beforeAll(async () => {
  folder = await workFolder();
  process.env["CLOCKWORK_CACHE"] = join(folder.path, "cache");
  unfinished = join(folder.path, "cache", "evaluations");
  await mkdir(unfinished, { recursive: true });
  await writeFiles(join(folder.path, "data"), datasetFiles(["a", "b"], 40, [0, 7, 39]));
  await writeFiles(join(folder.path, "short"), datasetFiles(["only"], 6, [2, 5]));
  // Two classes of the network and one more, in another order.
  await writeFiles(join(folder.path, "part"), {
    ...datasetFiles(["only"], 6, [2, 5]),
    "classes.json": JSON.stringify(["road", "other", "sky"]),
  });
  await writeFile(
    join(folder.path, "map.json"),
    JSON.stringify({ classes: { sky: "sky", road: "road", car: "other", tree: null, person: null } }),
  );
  await writeFiles(join(folder.path, "others"), {
    ...datasetFiles(["only"], 3, [1]),
    "classes.json": JSON.stringify(["cat", "dog", "car"]),
  });
  await writeFiles(join(folder.path, "misfit"), {
    ...datasetFiles(["only"], 3, []),
    "labels/only/2.png": { kind: "gray", rows: [[0, 1]] },
    "classes.json": JSON.stringify(classNames),
  });
  await writeFile(join(folder.path, "bad.json"), "{ no JSON");
});
afterAll(() => folder[Symbol.asyncDispose]());

/** What takes some seconds. */
const long = "evaluate data --model net --size 192x96 --warm-up 1 --json --clock skip:3 --clock adaptive:0.02".split(
  " ",
);

/** A report without times, byte by byte. */
async function reportIn(name: string): Promise<string> {
  const times = new Set(["msPerFrame", "speedup", "latencyMs", "ms"]);
  const report: unknown = JSON.parse(await readFile(join(folder.path, name, "report.json"), "utf8"));
  return JSON.stringify(report, (key: string, value: unknown) => (times.has(key) ? undefined : value), 2);
}

/** Waits for the first checkpoint of an evaluation. */
async function untilCheckpoint({ child, ended }: Running): Promise<void> {
  for (;;) {
    for (const name of await readdir(unfinished)) {
      if ((await stat(join(unfinished, name, "checkpoint")).catch(() => undefined)) !== undefined) return;
    }
    if (child.exitCode !== null) throw new Error(`expected a checkpoint, got the end: ${(await ended).stderr}`);
    await pause(5);
  }
}

interface Run {
  readonly clock: string;
  readonly mIoU: number | null;
  readonly accuracy: number | null;
  readonly agreement: number;
  readonly perClass: Readonly<Record<string, number | null>>;
}

function runsOf(ended: Ended): readonly Run[] {
  return jsonOf(ended)["runs"] as readonly Run[];
}

describe("a long evaluation", () => {
  let whole: Ended;
  beforeAll(async () => {
    whole = await run(folder.path, ...long, "--report", "whole");
  });

  test("prints the result, and writes a report with more of it", async () => {
    expect(whole.code).toBe(0);
    expect(linesOf(whole.stderr).filter((line) => line.startsWith("warning"))).toEqual([
      expect.stringContaining("74 pictures without labels"),
    ]);
    const json = jsonOf(whole);
    expect(json).toMatchObject({ dataset: "folder", model: "net", frames: 78, labelled: 4 });
    const number = expect.any(Number) as number;
    const isRun = {
      propagate: "still",
      mIoU: number,
      accuracy: number,
      agreement: number,
      updateRates: [number, number],
      macsRatio: number,
      msPerFrame: number,
      speedup: number,
      perClass: Object.fromEntries(classNames.map((name) => [name, null])),
      worstFrame: { index: number, agreement: number },
    };
    for (const one of runsOf(whole)) {
      expect({ ...one, perClass: isRun.perClass }).toMatchObject(isRun);
      expect(Object.keys(one.perClass)).toEqual(classNames);
    }
    expect(runsOf(whole).map(({ clock }) => clock)).toEqual(["every", "skip:3", "adaptive:0.02"]);
    expect(json["runs"]).toMatchObject([
      { agreement: 100, speedup: 1, macsRatio: 1, updateRates: [1, 1], worstFrame: { index: 0, agreement: 100 } },
      // Frames 1 to 39 of each sequence, of which 3, 6, ... 39 fire.
      { updateRates: [13 / 39, 13 / 39] },
      {},
    ]);
    expect(await namesIn(join(folder.path, "whole"))).toEqual([
      "classes.csv",
      "frames.csv",
      "report.html",
      "report.json",
      "runs.csv",
    ]);
    const { timelines, ...rest } = JSON.parse(await readFile(join(folder.path, "whole", "report.json"), "utf8")) as {
      timelines: readonly { readonly ms: readonly number[] }[];
    };
    expect(rest).toEqual(json);
    expect(timelines.map(({ ms }) => ms.length)).toEqual([78, 78, 78]);
    expect(await readFile(join(folder.path, "whole", "report.html"), "utf8")).toContain("data:image/png");
    expect(await namesIn(unfinished)).toEqual([]);
  });

  test("killed and interrupted, it goes on to the same report, wherever that is; meanwhile nobody else may", async () => {
    const first = start(folder.path, [...long, "--report", "first"]);
    await untilCheckpoint(first);
    // It stands still, so that it cannot come to an end before the other one has begun.
    first.child.kill("SIGSTOP");
    const other = await run(folder.path, ...long, "--report", "other");
    first.child.kill("SIGKILL");
    expect([other.code, other.stdout]).toEqual([1, ""]);
    expect(other.stderr).toContain(`process ${first.child.pid}`);
    expect((await first.ended).code).toBe(137);
    const second = start(folder.path, [...long, "--report", "second"]);
    await second.said("going on");
    second.child.kill("SIGINT");
    const { code, stdout, stderr } = await second.ended;
    expect([code, stdout]).toEqual([130, ""]);
    expect(stderr).toContain("stopping");
    const again = await run(folder.path, ...long, "--report", "again");
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining("going on")]);
    expect(await reportIn("again")).toBe(await reportIn("whole"));
    const names = await namesIn(folder.path);
    expect(["first", "other", "second"].filter((name) => names.includes(name))).toEqual([]);
    expect(await namesIn(unfinished)).toEqual([]);
  });
});

test("a video has no labels: there is agreement, and no score", async () => {
  const ended = await run(folder.path, "evaluate", "clip.mp4", "--model", "net", "--clock", "fixed:3", "--json", "-q");
  expect([ended.code, ended.stderr]).toEqual([0, ""]);
  expect(jsonOf(ended)).toMatchObject({ dataset: "video", frames: 10, labelled: 0 });
  for (const { mIoU, agreement, perClass } of runsOf(ended)) {
    expect([mIoU, perClass]).toEqual([null, {}]);
    expect(agreement).toBeGreaterThan(50);
  }
});

/** Scores by hand, in percent. `to` says which class of the dataset each class of the network is. */
async function byHand(clock: string, data: string, to: readonly (number | undefined)[]): Promise<unknown> {
  const dataset = await openDataset(join(folder.path, data));
  const { preprocessing } = await openModel(join(folder.path, "net"));
  await using oracle = smallSegmenter("every", { preprocessing });
  await using segmenter = smallSegmenter(clock, { preprocessing });
  let [pixels, same, scored, right] = [0, 0, 0, 0];
  const both = dataset.classNames.map(() => 0);
  const either = dataset.classNames.map(() => 0);
  for (const sequence of dataset.sequences) {
    const items: LabelledFrame[] = [];
    for await (const item of sequence.read()) items.push(item);
    const frames = items.map(({ frame }) => frame);
    const truths = await resultsOf(oracle.segment(frames));
    for (const [at, { labels }] of (await resultsOf(segmenter.segment(frames))).entries()) {
      for (const [pixel, label] of labels.data.entries()) {
        pixels += 1;
        if (label === truths[at]?.labels.data[pixel]) same += 1;
        const truth = items[at]?.labels?.data[pixel] ?? 255;
        if (truth >= dataset.classNames.length) continue;
        scored += 1;
        const predicted = to[label];
        if (predicted === truth) right += 1;
        for (const k of dataset.classNames.keys()) {
          if (truth === k && predicted === k) both[k] = (both[k] ?? 0) + 1;
          if (truth === k || predicted === k) either[k] = (either[k] ?? 0) + 1;
        }
      }
    }
  }
  const ious = dataset.classNames.map((_, k) => (either[k] === 0 ? null : (100 * (both[k] ?? 0)) / (either[k] ?? 0)));
  const there = ious.filter((iou) => iou !== null);
  return {
    clock,
    mIoU: there.reduce((sum, iou) => sum + iou, 0) / there.length,
    accuracy: (100 * right) / scored,
    agreement: (100 * same) / pixels,
    perClass: Object.fromEntries(dataset.classNames.map((name, k) => [name, ious[k]])),
  };
}

test("scores are those of segmenters opened by hand, by a map of classes", async () => {
  const clocks = ["--clock", "skip:3", "--clock", "fixed:2"];
  const ended = await run(folder.path, "evaluate", "part", "--model", "net", ...clocks, "--map", "map.json", "--json");
  expect(jsonOf(ended)).toMatchObject({ frames: 6, labelled: 2, protocol: { map: "map.json" } });
  const expected = [];
  for (const clock of ["every", "skip:3", "fixed:2"])
    expected.push(await byHand(clock, "part", [2, 0, 1, undefined, undefined]));
  const got = runsOf(ended).map(({ clock, mIoU, accuracy, agreement, perClass }) => {
    return { clock, mIoU, accuracy, agreement, perClass };
  });
  expectNear(got, expected);
});

test("the oracle is run once, and every schedule, too; without --json there is a table", async () => {
  const clocks = ["every", "skip:2", "fixed:2", "skip:2", "every"].flatMap((clock) => ["--clock", clock]);
  const ended = await run(folder.path, "evaluate", "short", "--model", "net", ...clocks);
  expect(ended.code).toBe(0);
  const rows = linesOf(ended.stdout).map((line) => line.split(/\s+/u)[0]);
  expect(rows).toEqual(["clock", "every", "skip:2", "fixed:2", "6"]);
  expect(ended.stderr).toContain("oracle and skip:2, fixed:2\n");
});

test("protocols by their flags", async () => {
  const protocol = ["--before", "2", "--warm-up", "1", "--phases", "--boundary", "3", "--clock", "fixed:2"];
  const ended = await run(folder.path, "evaluate", "short", "--model", "net", ...protocol, "--json");
  expect(jsonOf(ended)).toMatchObject({
    frames: 4,
    labelled: 2,
    protocol: { before: 2, warmUp: 1, phases: true, boundaryPx: 3, every: 1 },
  });
  const flags = ["--viewport", "8x5", "--every", "2", "--limit", "2", "--clock", "skip:2"];
  const viewport = await run(folder.path, "evaluate", "short", "--model", "net", ...flags, "--json");
  // Of both labelled stills two frames, of 32x32.
  expect(jsonOf(viewport)).toMatchObject({
    frames: 4,
    labelled: 4,
    sequences: ["only#2", "only#5"],
    protocol: { every: 2, before: null },
  });
});

const model = ["--model", "net"];
const wrongUse = 2;
const failure = 1;

describe.each<readonly [string, number, readonly string[], RegExp]>([
  ["no such dataset", failure, ["none", ...model], /none: expected a dataset/],
  ["a clock that is none", wrongUse, ["short", ...model, "--clock", "often"], /"often"/],
  ["other classes", wrongUse, ["others", ...model], /cat, dog, car.*--map/],
  ["labels of another size", wrongUse, ["misfit", ...model], /2\.png.*64x32.*2x1/],
  ["a step that is none", wrongUse, ["short", ...model, "--every", "0"], /--every/],
  [
    "a report in the place of a file",
    failure,
    ["short", ...model, "--clock", "skip:2", "--report", "bad.json"],
    /bad\.json/,
  ],
])("%s", (_name, code, args, message) => {
  test.concurrent(`exits with ${code}`, async () => {
    const ended = await run(
      folder.path,
      "evaluate",
      ...args,
      "--json",
      ...(args.includes("--report") ? [] : ["--report", "failed"]),
    );
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code, stdout: "" });
    const errors = linesOf(ended.stderr).filter((line) => line.startsWith("error:"));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(message);
    expect(ended.stderr).not.toMatch(/^\s+at /mu);
    expect(await namesIn(folder.path)).not.toContain("failed");
  });
});
