// `clockwork tune`: what it prints and writes, how it fails and stops, and that segment, compile and evaluate take what it
// wrote. It runs as a child process where that matters, and otherwise within this one, which starts faster.

import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { main } from "../../../src/cli/main.ts";
import { openSegmenter } from "../../../src/node/open-segmenter.ts";
import { fcn8s, unet } from "../../../src/networks/index.ts";
import { parseScheduleFile, type ScheduleFile } from "../../../src/tune/index.ts";
import { openVideo } from "../../../src/video/index.ts";
import { writeModelFolder } from "../../support/model-folder.ts";
import { firings, pause, resultsOf } from "../../support/segmenting.ts";
import { makeClip } from "../../video/clips.ts";
import { classNames, clipGraph, jsonOf, linesOf, namesIn, run, start, workFolder, type Ended } from "../../cli/cli.ts";

let folder: Awaited<ReturnType<typeof workFolder>>;
const inFolder = (name: string): string => join(folder.path, name);

/** Where the process keeps what is not done. */
const scratch = (): string => inFolder("scratch");

const preprocessor = { image_mean: [0.485, 0.456, 0.406], image_std: [0.229, 0.224, 0.225], do_resize: false };

/** What is in the folder, or will be. */
const names = /^(varied|other|unet|scratch|none|[\w/]+\.(json|onnx|mp4))$/;

/** Runs a command within this process, as if it were in the folder. */
async function clockwork(...args: readonly string[]): Promise<Ended> {
  const ended = { code: 0, stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      ended[name] += stripVTControlCharacters(String(text)).replaceAll(`${folder.path}/`, "");
      return true;
    }),
  );
  try {
    ended.code = await main(args.map((arg) => (names.test(arg) ? inFolder(arg) : arg)));
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return ended;
}

const onDrive = (...args: readonly string[]): Promise<Ended> =>
  clockwork("tune", "drive.mp4", "--model", "varied", ...args);

/** Folders of tunings that are not done; the engine has files of its own beside them. */
async function unfinished(): Promise<readonly string[]> {
  return (await namesIn(scratch())).filter((name) => name.startsWith("clockwork-"));
}

let printed: Ended;
beforeAll(async () => {
  folder = await workFolder();
  // Each command listens to the streams, and a process has one as a rule.
  process.stdout.setMaxListeners(0);
  process.stderr.setMaxListeners(0);
  await mkdir(scratch());
  process.env["TMPDIR"] = scratch();
  process.env["CLOCKWORK_CACHE"] = inFolder("cache");
  // Networks whose classes are all there in a clip such as this.
  for (const [name, seed] of [
    ["varied", 4],
    ["other", 3],
  ] as const) {
    await writeModelFolder(inFolder(name), fcn8s({ width: 1 / 16, classes: 5, seed }), { classNames, preprocessor });
  }
  await writeModelFolder(inFolder("unet"), unet({ width: 1 / 16, classes: 5 }), { classNames, preprocessor });
  await makeClip(inFolder("drive.mp4"), { graph: "mandelbrot=s=96x64:r=25,trim=duration=1.6,format=yuv420p" });
  await makeClip(inFolder("long.mp4"), { graph: clipGraph("96x64", 3000) });
  const args = ["drive.mp4", "--model", "varied", "--budget", "0.7", "--signal", "labels", "-o", "schedule.json"];
  printed = await run(folder.path, "tune", ...args, "--json", "--quiet");
});
afterAll(() => folder[Symbol.asyncDispose]());

async function scheduleIn(name: string): Promise<ScheduleFile> {
  return parseScheduleFile(JSON.parse(await readFile(inFolder(name), "utf8")), name);
}

test("within a budget: one JSON object on standard output, nothing else, and a file with the same", async () => {
  expect([printed.code, printed.stderr]).toEqual([0, ""]);
  const json = jsonOf(printed);
  const file = await scheduleIn("schedule.json");
  expect(json).toMatchObject({
    clock: file.clock,
    kind: "labels",
    goal: { kind: "budget", budget: 0.7 },
    ...file.evidence,
    frames: 40,
    bound: null,
    output: "schedule.json",
  });
  expect(json["candidates"]).toHaveLength(1);
  expect(json["macsRatio"]).toBeLessThanOrEqual(0.7);
  expect(file).toMatchObject({ model: { name: "varied" }, size: { widthPx: 96, heightPx: 64 }, goal: json["goal"] });
  expect(await unfinished()).toEqual([]);
});

test("for people: a table, what was found out, and where it is", async () => {
  const { code, stdout, stderr } = await onDrive("--budget", "0.75", "-o", "table.json");
  expect(code).toBe(0);
  const [head, ...lines] = linesOf(stdout);
  expect(head).toMatch(/^clock +looks at +fires on +MACs +disagreement$/);
  const rows = lines.slice(0, 4);
  expect(rows.map((row) => row.split(/ {2,}/)[1])).toEqual(["labels", "probe", "expected", "fixed"]);
  const { clock, evidence } = await scheduleIn("table.json");
  const kind = /@(\w+)$/.exec(clock)?.[1] ?? "fixed";
  expect(rows.filter((row) => row.endsWith("<- chosen")).map((row) => row.split(/ {2,}/)[1])).toEqual([kind]);
  expect(lines.at(-1)).toContain(`${clock} over ${evidence.frames} frames: fires on `);
  expect(linesOf(stderr).at(-1)).toBe("written: table.json");
});

describe("a promise", () => {
  test("is printed with what it was made from", async () => {
    const args = ["--max-loss", "0.2", "--promise", "clips", "--confidence", "0.8", "--block", "0.08"];
    const { code, stdout, stderr } = await onDrive(...args, "--signal", "fixed");
    expect(code).toBe(0);
    expect(linesOf(stdout).at(-1)).toMatch(
      /^promised at 80 % confidence, from 13 blocks: disagreement of a new clip of at most 20.00 % \(shown: [\d.]+ %\)$/,
    );
    expect(linesOf(stderr).at(-1)).toBe("not written; try -o schedule.json");
  });

  test("from too little footage is refused: exit code 1, and no file", async () => {
    const { code, stdout, stderr } = await onDrive("--max-loss", "0.05", "-o", "none.json");
    expect([code, stdout]).toEqual([1, ""]);
    const said = "footage: expected at least 46 blocks of 1 s to promise at most 5 % disagreement at 90 % confidence";
    expect(stderr).toContain(`error: ${said}, got 1; try 69 s of footage`);
    expect(await stat(inFolder("none.json")).catch(() => undefined)).toBeUndefined();
    expect(await unfinished()).toEqual([]);
  });
});

describe("wrong use", () => {
  const model = ["--model", "varied"] as const;
  test.each<readonly [string, number, readonly string[], RegExp]>([
    ["no goal", 2, model, /--budget or --max-loss, got neither/],
    ["two goals", 2, [...model, "--budget", "0.5", "--max-loss", "0.1"], /--budget or --max-loss, got both/],
    ["no budget", 2, [...model, "--budget", "0"], /--budget: expected a share above 0/],
    ["more than all", 2, [...model, "--budget", "1.5"], /--budget: expected a number from 0 to 1/],
    ["no loss", 2, [...model, "--max-loss", "0"], /--max-loss: expected a share above 0/],
    ["certainty", 2, [...model, "--max-loss", "0.1", "--confidence", "1"], /--confidence: .* below 1/],
    ["all to fit to", 2, [...model, "--budget", "0.7", "--fit", "1"], /fit: expected a share/],
    ["blocks of nothing", 2, [...model, "--budget", "0.7", "--block", "0"], /--block: expected a number above 0/],
    [
      "flow's signal without flow",
      2,
      [...model, "--budget", "0.7", "--signal", "residual"],
      /stands still; try .* flow/,
    ],
    ["no such propagation", 2, [...model, "--budget", "0.7", "--propagate", "up"], /Allowed choices are still, flow/],
    [
      "flow's signal for less than it costs",
      2,
      [...model, "--budget", "0.08", "--stages", "1", "--propagate", "flow", "--signal", "motion"],
      /at least 0.091, which firing every 11 frames costs/,
    ],
    ["no such signal", 2, [...model, "--budget", "0.7", "--signal", "features"], /Allowed choices are auto/],
    ["a budget out of reach", 2, [...model, "--budget", "0.2"], /at least 0.502, which what never rests .* --stages 1/],
    ["an empty model", 2, ["--budget", "0.7", "--model", ""], /model: expected a model folder/],
    // Before the video and the model are even looked for.
    [
      "no folder to write to",
      1,
      ["--model", "none", "--budget", "0.7", "-o", "none/x.json"],
      /none\/x\.json: .*ENOENT/,
    ],
    ["a folder to write to", 1, ["--model", "none", "--budget", "0.7", "-o", "scratch"], /scratch: .*it is a folder/],
  ])("%s: exit code %i", async (_, code, args, message) => {
    const ended = await clockwork("tune", "drive.mp4", ...args);
    expect([ended.code, ended.stdout]).toEqual([code, ""]);
    expect(ended.stderr).toMatch(message);
    expect(ended.stderr).not.toContain("bug of clockwork");
  });
});

test("Ctrl-C: exit code 130, nothing left over, no file", async () => {
  const args = ["tune", "long.mp4", "--model", "varied", "--budget", "0.7", "--size", "320x192", "-o", "stopped.json"];
  const running = start(folder.path, args);
  const begun = async (): Promise<boolean> => {
    const [name] = await unfinished();
    const found = name === undefined ? undefined : await stat(join(scratch(), name, "labels-0")).catch(() => undefined);
    return (found?.size ?? 0) > 0;
  };
  while (!(await begun())) {
    if (running.child.exitCode !== null) throw new Error("expected it to be at work, got its end");
    await pause(50);
  }
  running.child.kill("SIGINT");
  const { code, stdout, stderr } = await running.ended;
  expect([code, stdout]).toEqual([130, ""]);
  expect(stderr).not.toContain("error:");
  expect(await unfinished()).toEqual([]);
  expect((await namesIn(folder.path)).filter((name) => name.startsWith("stopped"))).toEqual([]);
});

describe("the schedule", () => {
  const segment = (model: string, ...args: readonly string[]): Promise<Ended> =>
    clockwork("segment", "drive.mp4", "--model", model, ...args);

  test("drives `segment`: it costs what the evidence says", async () => {
    const { clock, evidence } = await scheduleIn("schedule.json");
    const ended = await segment("varied", "--schedule", "schedule.json", "--json");
    expect(ended.stderr).toContain(`clock ${clock}`);
    const json = jsonOf(ended);
    expect(json).toMatchObject({ clock, frames: 40, warnings: [] });
    expect(json["macsRatio"]).toBeCloseTo(evidence.macsRatio, 12);
    expect((json["updateRates"] as number[])[1]).toBeCloseTo(evidence.updateRate, 12);
  });

  test.each([
    ["clock", ["--clock", "fixed:3"]],
    ["stages", ["--stages", "3"]],
    ["cut", ["--cut", "pool3"]],
    ["plan", ["--plan", "plan.json"]],
  ])("cannot be used with --%s", async (name, args) => {
    const { code, stderr } = await segment("varied", "--schedule", "schedule.json", ...args);
    expect(code).toBe(2);
    expect(stderr).toContain(`option '--schedule <file>' cannot be used with option '--${name}`);
  });

  test("of another file: a warning; of another architecture: an error", async () => {
    const other = await segment("other", "--schedule", "schedule.json", "--json");
    const unlike = await segment("unet", "--schedule", "schedule.json");
    expect(jsonOf(other)["warnings"]).toEqual([
      expect.stringMatching(/^the schedule was tuned for another file, of "varied", than that of /),
    ]);
    expect(unlike.code).toBe(1);
    expect(unlike.stderr).toMatch(/error: plan: stage 2 has a node that makes ".*", which the network does not have/);
  });

  test("at another size: a warning", async () => {
    const ended = await segment("varied", "--schedule", "schedule.json", "--size", "64x64", "--json");
    expect(jsonOf(ended)["warnings"]).toEqual([
      "the schedule was tuned at 96x64, and the network runs at 64x64: what it promises is not known here; try --size 96x64",
    ]);
  });

  test("that is damaged: the field that is wrong", async () => {
    const file = JSON.parse(await readFile(inFolder("schedule.json"), "utf8")) as { schedule: object };
    const damaged = { ...file, schedule: { ...file.schedule, threshold: "low" } };
    await writeFile(inFolder("damaged.json"), JSON.stringify(damaged));
    const ended = await segment("varied", "--schedule", "damaged.json");
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('error: damaged.json: expected "schedule.threshold" to be a number, got "low"');
  });

  test("is compiled in", async () => {
    const args = ["varied", "--schedule", "schedule.json", "-o", "compiled.onnx", "--json"];
    const ended = await clockwork("compile", ...args);
    expect([ended.code, ended.stderr]).toEqual([0, ""]);
    const { clock } = await scheduleIn("schedule.json");
    expect(jsonOf(ended)).toMatchObject({ schedule: clock, network: { widthPx: 96, heightPx: 64 } });
    const tuned = await scheduleIn("schedule.json");
    await using compiled = await openSegmenter({ model: inFolder("compiled.onnx") });
    await using source = await openSegmenter({ model: inFolder("varied"), tuned });
    const [a, b] = [
      await resultsOf(compiled.segment(await openVideo(inFolder("drive.mp4")))),
      await resultsOf(source.segment(await openVideo(inFolder("drive.mp4")))),
    ];
    expect(firings(a)).toEqual(firings(b));
    expect(new Set(firings(a))).toEqual(new Set(["##", "#."]));
    expect(a.map(({ labels }) => labels.data)).toEqual(b.map(({ labels }) => labels.data));
    // Where it is compiled in, another one has no say.
    const again = await segment("compiled.onnx", "--schedule", "table.json", "--json");
    expect(jsonOf(again)["clock"]).toBe(clock);
    expect(jsonOf(again)["warnings"]).toEqual(["--schedule: not used, since the model is compiled already"]);
  });

  test("is evaluated beside other clocks", async () => {
    const args = ["--model", "varied", "--schedule", "schedule.json", "--clock", "fixed:2", "--json"];
    const ended = await clockwork("evaluate", "drive.mp4", ...args);
    expect(ended.code).toBe(0);
    const { clock, evidence } = await scheduleIn("schedule.json");
    const runs = jsonOf(ended)["runs"] as { clock: string; macsRatio: number; agreement: number }[];
    expect(runs.map((one) => one.clock)).toEqual(["every", "fixed:2", clock]);
    expect(runs[2]?.macsRatio).toBeCloseTo(evidence.macsRatio, 9);
    expect(1 - (runs[2]?.agreement ?? 0) / 100).toBeCloseTo(evidence.disagreement ?? -1, 9);
  });

  test("of one stage, from a budget that stages cannot reach", async () => {
    const ended = await onDrive("--budget", "0.2", "--stages", "1", "-q", "-o", "one.json");
    expect([ended.code, ended.stderr]).toEqual([0, ""]);
    expect((await scheduleIn("one.json")).schedule).toEqual({ kind: "skip", period: 5 });
    const json = jsonOf(await segment("varied", "--schedule", "one.json", "--json"));
    expect(json).toMatchObject({ clock: "skip:5", updateRates: [0.2], macsRatio: 0.2 });
  });

  test.each([
    ["fixed", ["--budget", "0.34", "--stages", "1"], /^skip:[34]\+flow\+blend:0$/],
    ["residual", ["--budget", "0.34", "--stages", "1"], /^adaptive:[\d.]+@residual\+flow\+blend:0$/],
    ["expected", ["--budget", "0.8"], /^adaptive:[\d.]+@expected\+flow\+blend:0$/],
  ])("of %s that moves what it holds drives `segment`", async (kind, args, form) => {
    const name = `moved_${kind}.json`;
    const ended = await onDrive(...args, "--propagate", "flow", "--signal", kind, "--fit", "0.5", "-q", "-o", name);
    expect([ended.code, ended.stderr]).toEqual([0, ""]);
    const { clock, schedule, evidence } = await scheduleIn(name);
    expect(clock).toMatch(form);
    expect(schedule).toMatchObject({ propagate: "flow", blend: 0 });
    const json = jsonOf(await segment("varied", "--schedule", name, "--json"));
    expect(json).toMatchObject({ clock, warnings: [] });
    // Evidence for what was fitted is of the later frames alone: the fixed part is the same.
    expect(Math.abs((json["macsRatio"] as number) - evidence.macsRatio)).toBeLessThan(kind === "expected" ? 0.1 : 1e-9);
  });
});
