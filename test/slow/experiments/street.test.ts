// The experiments on the rendered street, on a network with random weights: clocks that are simulated against the same
// clocks run in an evaluation, and the commands end to end.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { scenes, streetClocks, type StreetCurvePoint } from "../../../experiments/street-clocks.ts";
import { street } from "../../../src/networks/index.ts";
import { evaluateModel, streetDataset } from "../../../src/node.ts";
import { streetClasses } from "../../../src/video/street/index.ts";
import { temporaryFolder, writeModelFolder } from "../../support/model-folder.ts";
import { experiment } from "./support.ts";

const size = { widthPx: 96, heightPx: 64 };

function streetFolder(path: string): Promise<string> {
  return writeModelFolder(path, street({ width: 1 / 4, classes: streetClasses.length, seed: 3 }), {
    classNames: streetClasses,
    preprocessor: { image_mean: [0.43, 0.42, 0.41], image_std: [0.28, 0.28, 0.28], do_resize: false },
  });
}

test("clocks score as they do when an evaluation runs them", async () => {
  await using folder = await temporaryFolder("clockwork-experiment-");
  process.env["CLOCKWORK_CACHE"] = join(folder.path, "cache");
  const model = await streetFolder(join(folder.path, "net"));
  const pan = scenes.filter(({ name }) => name === "pan");
  const frames = 24;
  const options = { model, scenes: pan, seeds: 1, calibrationSeeds: 1, firstSeed: 5, frames, fps: 15, size };
  const [result] = (await streetClocks(options)).scenes;
  const curves = result?.curves ?? [];
  expect(curves.map(({ stages, propagate, clock }) => `${stages} ${propagate} ${clock}`)).toEqual([
    "1 still fixed",
    "1 flow fixed",
    "1 flow residual",
    "1 flow arrived",
    "1 flow motion",
    "2 still fixed",
    "2 still labels",
    "2 flow fixed",
    "2 flow labels",
    "2 flow residual",
    "2 flow arrived",
    "2 flow motion",
  ]);
  // Of each family a slow clock, which holds for long.
  const chosen = curves.flatMap(({ stages, points }) => {
    const point = points.at(-1);
    return point === undefined ? [] : [{ stages, point }];
  });
  const { runs } = await evaluateModel({
    folder: "pan",
    dataset: streetDataset({ ...size, seed: 6, style: "day", camera: "pan", fps: 15 }, frames),
    model,
    size: "native",
    clocks: chosen.map(({ stages, point }) => ({ clock: point.name, stages })),
    consistency: false,
  });
  const figures = ({ mIoU, updateRate }: Pick<StreetCurvePoint, "mIoU" | "updateRate">): readonly number[] => [
    mIoU,
    updateRate,
  ];
  const [oracle, ...others] = runs.map((run) => [run.mIoU, run.updateRates.at(-1)]);
  expect(result?.oracle.mIoU).toBeCloseTo(oracle?.[0] ?? 0, 9);
  expect(others).toHaveLength(chosen.length);
  for (const [place, { point }] of chosen.entries()) {
    const [mIoU = 0, updateRate = 0] = figures(point);
    expect([point.name, others[place]]).toEqual([point.name, [expect.closeTo(mIoU, 9), expect.closeTo(updateRate, 9)]]);
  }
}, 600_000);

describe("commands", () => {
  test("street-clocks writes tables, a page and a picture", async () => {
    await using folder = await temporaryFolder("clockwork-experiment-");
    const model = await streetFolder(join(folder.path, "net"));
    const flags = "--scenes arrivals --seeds 2 --calibration-seeds 1 --frames 12 --size 96x64 --markdown -o out".split(
      " ",
    );
    const ended = await experiment(folder.path, "street-clocks", "--model", model, ...flags);
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stdout).toMatch(/^### Adaptive less fixed.*arrivals \(day, camera fixed/);
    const written = async (extension: string): Promise<string> =>
      readFile(join(folder.path, `out/street-clocks.${extension}`), "utf8");
    const { scenes: found } = JSON.parse(await written("json")) as Awaited<ReturnType<typeof streetClocks>>;
    const fixed = found[0]?.curves.find(({ stages, propagate }) => stages === 2 && propagate === "flow");
    expect(fixed?.points.map(({ name, updateRate }) => [name, updateRate])).toEqual([
      ["fixed:2+flow+blend:0", 6 / 12],
      ["fixed:3+flow+blend:0", 4 / 12],
      ["fixed:5+flow+blend:0", 3 / 12],
      ["fixed:8+flow+blend:0", 2 / 12],
      ["fixed:12+flow+blend:0", 1 / 12],
    ]);
    const lines = found[0]?.curves.length ?? 0;
    for (const extension of ["html", "svg"]) {
      expect((await written(extension)).match(/aria-label="line"/g)).toHaveLength(lines);
    }
  }, 600_000);

  test("street-promise makes and checks promises on clips", async () => {
    await using folder = await temporaryFolder("clockwork-experiment-");
    const model = await streetFolder(join(folder.path, "net"));
    const flags = "--clips 10 --fit-clips 2 --frames 8 --size 96x64 --splits 20 --signal labels --json".split(" ");
    const ended = await experiment(folder.path, "street-promise", "--model", model, ...flags);
    expect(ended).toMatchObject({ code: 0 });
    const { losses, candidates, rows } = JSON.parse(ended.stdout) as {
      readonly losses: readonly (readonly number[])[];
      readonly candidates: readonly { readonly disagreement: number }[];
      readonly rows: readonly { readonly calibration: number; readonly promised: number; readonly broken: number }[];
    };
    expect(losses).toHaveLength(10);
    // All clips are of one length: the mean over clips is that over frames.
    for (const [place, { disagreement }] of candidates.entries()) {
      expect(losses.reduce((sum, clip) => sum + (clip[place] ?? 0), 0) / 10).toBeCloseTo(disagreement, 9);
    }
    expect(candidates[0]?.disagreement).toBe(0);
    expect(rows).toHaveLength(10);
    for (const { calibration, promised, broken } of rows) {
      expect(calibration).toBe(5);
      expect(broken).toBeLessThanOrEqual(promised);
    }
  }, 600_000);

  test("street-flow counts what was to be seen a frame before, by class", async () => {
    await using folder = await temporaryFolder("clockwork-experiment-");
    const flags = "--seeds 1 --pairs 1 --size 160x120 --camera pan --json".split(" ");
    const ended = await experiment(folder.path, "street-flow", ...flags);
    expect(ended).toMatchObject({ code: 0 });
    const { rows } = JSON.parse(ended.stdout) as {
      readonly rows: readonly {
        readonly part: string;
        readonly share: number;
        readonly errors: Readonly<Record<string, { readonly pixels: number; readonly mean: number | null }>>;
      }[];
    };
    const [all, background, ...others] = rows;
    expect([all?.part, background?.part, all?.share]).toEqual(["all", "background", 1]);
    expect(others.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    const means = Object.fromEntries(
      Object.entries(all?.errors ?? {}).map(([method, { mean }]) => [method, mean ?? 0]),
    );
    // A camera that turns shifts the whole picture: whoever looks for motion is nearer to it than who does not.
    expect(means["default"]).toBeLessThan(0.5 * (means["none"] ?? 0));
  }, 600_000);
});
