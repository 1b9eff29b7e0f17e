// Motion that a codec tells, from a file to labels: on pans that are encoded here, so that where labels should go is known
// from how the clip was made.

import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { segmentCommand } from "../../../src/cli/segment.ts";
import { compileCommand } from "../../../src/cli/compile.ts";
import { parseSchedule } from "../../../src/clocks/index.ts";
import { compile } from "../../../src/compile/index.ts";
import type { BlockMotion, Frame } from "../../../src/frame.ts";
import { fitNetwork } from "../../../src/network/index.ts";
import { fcn8s } from "../../../src/networks/index.ts";
import { evaluateModel, type EvaluateModelOptions } from "../../../src/node/evaluate-model.ts";
import { defaultPreprocessing } from "../../../src/preprocessing.ts";
import {
  decodeSnapshot,
  encodeSnapshot,
  Segmenter,
  type SegmenterOptions,
  type SegmentResult,
} from "../../../src/segment/index.ts";
import { planOf } from "../../../src/stages/index.ts";
import { openVideo, readLabelImage } from "../../../src/video/index.ts";
import { writeModelFolder } from "../../support/model-folder.ts";
import { localEngine } from "../../support/runtime.ts";
import { resultsOf } from "../../support/segmenting.ts";
import { collect, makeClip, makeImage, temporaryFolder } from "../../video/clips.ts";
import { told } from "../../segment/told.ts";

const size = { widthPx: 192, heightPx: 128 };
/** What a frame shows, the frame before had so many pixels further right and down. */
const [panX, panY] = [4, 2];
const texture = "color=c=gray:s=320x224:r=25:d=0.6,noise=alls=100:all_seed=3,gblur=sigma=4,eq=contrast=4";
const pan = `${texture},format=yuv420p,crop=192:128:x='${panX}*n':y='${panY}*n'`;

const model = fcn8s({ width: 0.125, classes: 6 });

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let frames: readonly Frame[];
const at = (name: string): string => join(folder.path, name);

beforeAll(async () => {
  folder = await temporaryFolder();
  vi.stubEnv("CLOCKWORK_CACHE", at("cache"));
  await makeClip(at("pan.mp4"), { predicted: true, graph: pan, encoderOptions: { preset: "medium", bf: "0" } });
  await makeClip(at("lossless.mkv"), { graph: pan, encoder: "ffv1" });
  await makeClip(at("intra.mp4"), { graph: pan });
  frames = await collect(await openVideo(at("pan.mp4"), { motion: true }));
  await writeModelFolder(at("net"), model, { preprocessor: { do_resize: false } });
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await folder[Symbol.asyncDispose]();
});

function segmenter(clock: string, options: Partial<SegmenterOptions> = {}): Segmenter {
  return new Segmenter({
    model,
    engine: localEngine,
    schedule: parseSchedule(clock),
    preprocessing: defaultPreprocessing(),
    shots: false,
    motion: "codec",
    ...options,
  });
}

async function run(
  clock: string,
  from: readonly Frame[],
  options: Partial<SegmenterOptions> = {},
): Promise<readonly SegmentResult[]> {
  await using one = segmenter(clock, options);
  return await resultsOf(one.segment(from));
}

/** Share of the pixels away from the borders on which a map is another one moved by whole pixels. */
function agreement(now: SegmentResult, then: SegmentResult, dx = 0, dy = 0): number {
  const margin = 24;
  let same = 0;
  let all = 0;
  for (let y = margin; y < size.heightPx - margin; y++) {
    for (let x = margin; x < size.widthPx - margin; x++) {
      all += 1;
      if (now.labels.data[y * size.widthPx + x] === then.labels.data[(y + dy) * size.widthPx + x + dx]) same += 1;
    }
  }
  return same / all;
}

/** Each held frame with the frame that its labels are of. */
function held(results: readonly SegmentResult[]): { now: SegmentResult; key: SegmentResult; age: number }[] {
  let key: SegmentResult | undefined;
  let age = 0;
  return results.flatMap((now) => {
    age += 1;
    if (now.fired.at(-1) === true || key === undefined) {
      key = now;
      age = 0;
      return [];
    }
    return [{ now, key, age }];
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe("held labels follow a pan", () => {
  test.each([
    ["P pictures of H.264", "libx264", { preset: "medium", bf: "0" }],
    ["B pictures of H.264", "libx264", { preset: "medium", bf: "3", b_strategy: "0" }],
    ["P pictures of MPEG-4", "mpeg4", { bf: "0", b: "4M" }],
  ] as const)("%s", async (name, encoder, encoderOptions) => {
    const path = at(`${name.replaceAll(" ", "-")}.mp4`);
    await makeClip(path, { predicted: true, graph: pan, encoder, encoderOptions });
    const results = await run("fixed:5+flow", await collect(await openVideo(path, { motion: true })), { stages: 1 });
    expect(results.map(({ fired }) => fired[0])).toEqual(results.map((_, frame) => frame % 5 === 0));
    const along = held(results).map(({ now, key, age }) => agreement(now, key, age * panX, age * panY));
    const still = held(results).map(({ now, key }) => agreement(now, key));
    expect(along).toHaveLength(12);
    expect(mean(along)).toBeGreaterThan(0.93);
    expect(mean(still)).toBeLessThan(mean(along) - 0.15);
  });

  test("nearer to the network than at rest, and as near as with flow that is looked for", async () => {
    const oracle = await run("every", frames, { motion: undefined });
    const near = async (clock: string, options: Partial<SegmenterOptions>): Promise<number> =>
      mean((await run(clock, frames, options)).map((result, frame) => agreement(result, oracle[frame] ?? result)));
    const still = await near("fixed:5", { stages: 1, motion: undefined });
    expect(await near("fixed:5+flow", { stages: 1 })).toBeGreaterThan(still + 0.04);
    const found = await near("fixed:5+flow", { motion: "graph" });
    expect(Math.abs((await near("fixed:5+flow", {})) - found)).toBeLessThan(0.02);
  });
});

describe("frames of which the codec tells nothing", () => {
  test("stand still", async () => {
    const none: BlockMotion = { blocks: new Float32Array() };
    const results = await run(
      "fixed:5+flow",
      frames.map((frame) => ({ ...frame, motion: none })),
      { stages: 1 },
    );
    for (const { now, key } of held(results)) expect(Buffer.compare(now.labels.data, key.labels.data)).toBe(0);
  });

  test("are all new to a clock that fires at what has arrived", async () => {
    // The pan brings less than a tenth of the picture in until it fires; a frame without vectors brings all.
    const silent = frames.map((frame, index) =>
      index === 3 ? { ...frame, motion: { blocks: new Float32Array() } } : frame,
    );
    const schedule = { kind: "adaptive", threshold: 0.9, signal: { kind: "arrived" }, propagate: "flow" } as const;
    const fired = async (from: readonly Frame[]): Promise<readonly (boolean | undefined)[]> =>
      (await run("every", from, { schedule })).slice(0, 5).map((result) => result.fired.at(-1));
    expect(await fired(frames)).toEqual([true, false, false, false, false]);
    expect(await fired(silent)).toEqual([true, false, false, true, false]);
  });

  test("but a frame that was read without motion is refused in its turn", async () => {
    const { motion: _, ...bare } = frames[2] ?? ({} as Frame);
    await using one = segmenter("fixed:5+flow");
    const seen: SegmentResult[] = [];
    const going = async (): Promise<void> => {
      for await (const result of one.segment([...frames.slice(0, 2), bare, ...frames.slice(3)])) seen.push(result);
    };
    await expect(going()).rejects.toMatchObject({ code: "invalid-argument" });
    expect(seen).toHaveLength(2);
    await expect(resultsOf(one.segment([bare]))).rejects.toThrow(
      /frame: expected motion vectors .* \(--motion graph\)/,
    );
  });
});

describe("a segmenter", () => {
  test("goes on from a snapshot to the bit, and in pieces", async () => {
    const whole = told(await run("fixed:5+flow", frames));
    await using first = segmenter("fixed:5+flow");
    await using second = segmenter("fixed:5+flow");
    const start = told(await resultsOf(first.segment(frames.slice(0, 7))));
    const snapshot = await first.snapshot();
    if (snapshot === undefined) throw new Error("expected a snapshot");
    await second.restore(decodeSnapshot(encodeSnapshot(snapshot)));
    for (const one of [first, second]) {
      const rest = told(await resultsOf(one.segment(frames.slice(7), { continues: true })));
      expect([...start, ...rest]).toEqual(whole);
    }
  });

  test("and its variants take motion from where each is told to", async () => {
    const [graph, codec] = [{ motion: "graph" }, { motion: "codec" }] as const;
    const alone = {
      graph: told(await run("fixed:5+flow", frames, graph)),
      codec: told(await run("fixed:5+flow", frames, codec)),
    };
    expect(alone.graph).not.toEqual(alone.codec);
    await using one = segmenter("fixed:5+flow");
    await using other = one.variant(graph);
    await using third = other.variant(codec);
    expect([one, other, third].map(({ needsMotion }) => needsMotion)).toEqual([true, false, true]);
    expect(told(await resultsOf(other.segment(frames)))).toEqual(alone.graph);
    expect(told(await resultsOf(third.segment(frames)))).toEqual(alone.codec);
  });

  test("feeds a network that was compiled for it, and no other", async () => {
    const network = await fitNetwork(model, { size, engine: localEngine });
    const plan = planOf(network, { stages: 2 });
    const schedule = parseSchedule("fixed:5+flow");
    const common = { io: "frames", schedule, preprocessing: defaultPreprocessing(), shots: false } as const;
    const codec = compile(network, plan, { ...common, motion: "codec" });
    const graph = compile(network, plan, common);
    await using taking = segmenter("every", { model: codec.model, motion: undefined });
    expect(taking.needsMotion).toBe(true);
    expect(told(await resultsOf(taking.segment(frames)))).toEqual(told(await run("fixed:5+flow", frames)));
    await using looking = segmenter("every", { model: graph.model, motion: undefined });
    expect(looking.needsMotion).toBe(false);
    for (const [compiled, motion] of [
      [codec, "graph"],
      [graph, "codec"],
    ] as const) {
      await using wrong = segmenter("every", { model: compiled.model, motion });
      await expect(wrong.prepare(size)).rejects.toThrow(/expected motion \w+, as it was compiled in/);
    }
  });

  test("says with the first frame that a clock must flow", async () => {
    await using one = segmenter("fixed:5");
    await expect(one.prepare(size)).rejects.toThrow(/motion: expected a clock that flows .* got "fixed:5"/);
  });
});

describe("on the command line", () => {
  /** Runs a command; what it printed on both streams. */
  async function command(make: typeof segmentCommand, ...args: readonly string[]): Promise<string> {
    using out = vi.spyOn(process.stdout, "write").mockReturnValue(true);
    using err = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    await make(new AbortController().signal).parseAsync([...args], { from: "user" });
    return [...out.mock.calls, ...err.mock.calls].map(([text]) => String(text)).join("");
  }
  const flowing = ["--clock", "fixed:5+flow", "--stages", "1", "--no-shots", "--threads", "1"];
  const segment = (video: string, ...more: readonly string[]): Promise<string> =>
    command(segmentCommand, at(video), "--model", at("net"), ...flowing, ...more);

  test("labels are those of the segmenter", async () => {
    const said = await segment("pan.mp4", "--motion", "codec", "--format", "labels", "-o", at("labels"));
    expect(said).toContain("clock fixed:5+flow, motion of the codec");
    expect(said).not.toContain("told no motion");
    const results = await run("fixed:5+flow", frames, { stages: 1 });
    expect(await readdir(at("labels"))).toHaveLength(results.length);
    for (const [index, { labels }] of results.entries()) {
      const name = `${String(index).padStart(6, "0")}.png`;
      expect((await readLabelImage(join(at("labels"), name))).data).toEqual(labels.data);
    }
  });

  test.each([
    ["a codec that tells none", "lossless.mkv", /lossless\.mkv: expected a codec whose decoder tells motion .* ffv1/],
    ["image files", "stills", /got image files/],
  ])("%s is refused", async (_, video, message) => {
    await makeImage(at("still.png"), [1, 2, 3], "192x128");
    await expect(segment(video === "stills" ? "still.png" : video, "--motion", "codec")).rejects.toThrow(message);
  });

  test("a clock that does not flow is refused, whatever the motion", async () => {
    for (const motion of ["codec", "graph"]) {
      const args = ["--model", at("net"), "--clock", "fixed:5", "--motion", motion];
      await expect(command(segmentCommand, at("pan.mp4"), ...args)).rejects.toThrow(/--motion: expected a clock/);
      await expect(command(compileCommand, ...args, "-o", at("out.onnx"))).rejects.toThrow(
        /--motion: expected a clock/,
      );
    }
  });

  test("a compiled file asks for motion by itself", async () => {
    const args = ["--model", at("net"), "--clock", "fixed:5+flow", "--stages", "1", "--size", "192x128"];
    await command(compileCommand, ...args, "--motion", "codec", "-o", at("codec.onnx"));
    const compiled = ["--model", at("codec.onnx"), "--threads", "1"];
    await command(segmentCommand, at("pan.mp4"), ...compiled);
    await expect(command(segmentCommand, at("lossless.mkv"), ...compiled)).rejects.toThrow(/got ffv1/);
  });

  test("a video without vectors is warned of", async () => {
    const message = "the codec told no motion of 4 of 4 frames";
    expect(await segment("intra.mp4", "--motion", "codec", "-q", "--limit", "4")).toContain(message);
  });
});

describe("evaluations", () => {
  const evaluate = (more: Partial<EvaluateModelOptions>): ReturnType<typeof evaluateModel> =>
    evaluateModel({
      folder: at("pan.mp4"),
      model: at("net"),
      clocks: ["skip:5", "skip:5+flow"],
      motion: "codec",
      shots: false,
      threads: 1,
      consistency: false,
      limit: 8,
      ...more,
    });

  test("of a video take its motion for the clocks that flow", async () => {
    const { runs } = await evaluate({});
    const some = frames.slice(0, 8);
    const oracle = await run("every", some, { motion: undefined });
    const shareOf = async (clock: string, motion: "codec" | undefined): Promise<number> => {
      const results = await run(clock, some, { motion });
      const same = results.map(({ labels }, frame) =>
        labels.data.reduce((sum, label, pixel) => sum + Number(label === oracle[frame]?.labels.data[pixel]), 0),
      );
      return mean(same) / (size.widthPx * size.heightPx);
    };
    expect(runs.map(({ clock }) => clock)).toEqual(["every", "skip:5", "skip:5+flow"]);
    expect(runs[1]?.agreement).toBeCloseTo(100 * (await shareOf("skip:5", undefined)), 3);
    expect(runs[2]?.agreement).toBeCloseTo(100 * (await shareOf("skip:5+flow", "codec")), 3);
  });

  test.each<readonly [string, Partial<EvaluateModelOptions>, RegExp]>([
    ["nothing flows", { clocks: ["skip:5"] }, /motion: expected a clock that flows/],
    ["frames are left out", { every: 2 }, /every: expected 1 with motion of a codec/],
    ["a codec tells none", { folder: "lossless.mkv" }, /got ffv1/],
    ["there are only pictures", { folder: "pictures" }, /got image files/],
  ])("are refused where %s", async (_, { folder: name = "pan.mp4", ...more }, message) => {
    if (name === "pictures") {
      await mkdir(at(name));
      await makeImage(join(at(name), "0.png"), [1, 2, 3], "192x128");
    }
    await expect(evaluate({ ...more, folder: at(name) })).rejects.toThrow(message);
  });
});
