// Changes of shot: seen where one picture is cut to another, and nowhere within a shot, on sequences made here from
// scenes that move, zoom, brighten, fade and flicker. What is expected follows from how a sequence was made.

import { beforeAll, describe, expect, test } from "vitest";
import { parseSchedule } from "../../src/clocks/index.ts";
import { compile } from "../../src/compile/compile.ts";
import type { EngineTensor } from "../../src/engine/engine.ts";
import type { Frame } from "../../src/frame.ts";
import { fitNetwork, type Network, type Size } from "../../src/network/index.ts";
import { lraspp } from "../../src/networks/index.ts";
import { defaultPreprocessing } from "../../src/preprocessing.ts";
import { planOf } from "../../src/stages/plan.ts";
import { localEngine } from "../support/runtime.ts";
import { adjusted, frameOf, noisy, Scene } from "../support/pictures.ts";
import { drive, firedIn, named } from "../support/reference.ts";

const model = lraspp({ width: 1 / 8, classes: 4 });
const networkSize = { widthPx: 64, heightPx: 64 };
const sizes = { landscape: [160, 90], portrait: [90, 160], tiny: [32, 24] } as const;
const scenes = Array.from({ length: 6 }, (_, seed) => new Scene(seed + 1));
const scene = (index: number): Scene => scenes[index] ?? new Scene(0);

/** The range of values that a network takes. */
interface Tensors {
  readonly scale: number;
  readonly offset: number;
  /** Whether the compiler is told. */
  readonly known?: boolean;
}

let network: Network;

beforeAll(async () => {
  network = await fitNetwork(model, { size: networkSize, engine: localEngine });
});

interface Seen {
  readonly shots: readonly boolean[];
  /** A text per frame: `#` for each stage that fired, `.` for each that did not. */
  readonly fired: readonly string[];
}

/** Runs a sequence through a network with a clock: frames as they are, or as the tensors that they become. */
async function seenIn(frames: readonly Frame[], clock = "fixed:100", tensors?: Tensors): Promise<Seen> {
  const schedule = parseSchedule(clock);
  const { widthPx = 1, heightPx = 1 } = frames[0] ?? {};
  const at: Network =
    tensors === undefined ? network : await fitNetwork(model, { size: { widthPx, heightPx }, engine: localEngine });
  const compiled = compile(
    at,
    planOf(at),
    tensors === undefined
      ? { io: "frames", schedule, preprocessing: defaultPreprocessing(), frame: { widthPx, heightPx } }
      : {
          io: "tensors",
          schedule,
          ...(tensors.known && { preprocessing: { ...defaultPreprocessing(), scale: tensors.scale, std: [1, 1, 1] } }),
        },
  );
  const images = frames.map(({ data }): EngineTensor =>
    tensors === undefined
      ? { dtype: "uint8", dims: [heightPx, widthPx, 3], data }
      : { dtype: "float32", dims: [1, 3, heightPx, widthPx], data: planar(data, tensors) },
  );
  const runs = await drive(compiled, images);
  return {
    shots: runs.map((run) => Number(named(run, "shot").data[0]) === 1),
    fired: runs.map((run) =>
      firedIn(run)
        .map((flag) => (flag === 1 ? "#" : "."))
        .join(""),
    ),
  };
}

function planar(data: Uint8Array, { scale, offset }: Tensors): Float32Array<ArrayBuffer> {
  const count = data.length / 3;
  return Float32Array.from(data, (_, at) => scale * (data[(at % count) * 3 + Math.floor(at / count)] ?? 0) + offset);
}

/** Positions of true. */
function positions(flags: readonly boolean[]): readonly number[] {
  return flags.flatMap((flag, at) => (flag ? [at] : []));
}

function flat(size: Size, level: number): Frame {
  return frameOf(size, () => level);
}

describe.each(Object.entries(sizes))("%s frames", (_name, [widthPx, heightPx]) => {
  const size = { widthPx, heightPx };
  const still = (index: number, count: number): Frame[] => Array.from({ length: count }, () => scene(index).at(size));

  test("a cut from any scene to any other is seen, on its first frame", async () => {
    const order = scenes.flatMap((_, a) => scenes.flatMap((_s, b) => (a < b ? [a, b] : [])));
    const frames = order.map((index) => scene(index).at(size));
    const changes = order.map((index, at) => at > 0 && index !== order[at - 1]);
    const { shots } = await seenIn(frames);
    expect(positions(shots)).toEqual(positions(changes));
    expect(positions(changes).length).toBeGreaterThan(20);
  });

  test("a cut fires every stage and starts the count anew", async () => {
    const frames = [...still(0, 4), ...still(1, 6)];
    expect((await seenIn(frames, "fixed:3")).fired).toEqual([
      "##",
      "#.",
      "#.",
      "##",
      "##",
      "#.",
      "#.",
      "##",
      "#.",
      "#.",
    ]);
    expect((await seenIn(frames, "skip:3")).fired).toEqual([
      "##",
      "..",
      "..",
      "##",
      "##",
      "..",
      "..",
      "##",
      "..",
      "..",
    ]);
  });

  test.each<readonly [string, (at: number) => Frame]>([
    ["a standstill", () => scene(0).at(size)],
    ["a pan", (at) => scene(1).at(size, { x: 0.012 * at })],
    ["a tilt", (at) => scene(2).at(size, { y: -0.012 * at })],
    ["a zoom", (at) => scene(3).at(size, { zoom: 1.02 ** at })],
    ["noise", (at) => noisy(scene(4).at(size), 12, at)],
    ["brightness that jumps by half", (at) => adjusted(scene(5).at(size), (v) => 0.6 * v * (at % 4 < 2 ? 1 : 1.5))],
    ["a fade to black and back", (at) => adjusted(scene(0).at(size), (v) => v * Math.abs(1 - at / 12))],
    ["a fade to white and back", (at) => adjusted(scene(1).at(size), (v) => 255 - (255 - v) * Math.abs(1 - at / 12))],
    ["black", () => flat(size, 0)],
    ["black under noise", (at) => noisy(flat(size, 0), 2, at)],
    ["grey under noise", (at) => noisy(flat(size, 128), 2, at)],
    ["a flash", (at) => (at === 7 ? flat(size, 255) : scene(2).at(size))],
    ["black frames in between", (at) => (at % 8 === 7 ? noisy(flat(size, 1), 1, at) : scene(3).at(size))],
  ])("%s is one shot", async (_kind, frame) => {
    const { shots, fired } = await seenIn(Array.from({ length: 24 }, (_, at) => frame(at)));
    expect(positions(shots)).toEqual([]);
    expect(fired.slice(1).every((flags) => flags === "#.")).toBe(true);
  });

  test("another scene after black is a change of shot, the same one is not", async () => {
    const black = [0, 1, 2].map((at) => noisy(flat(size, 1), 1, at));
    const frames = [...still(0, 2), ...black, ...still(0, 2), ...black, ...still(1, 2)];
    expect(positions((await seenIn(frames)).shots)).toEqual([10]);
  });
});

/** Correlation of two frames, reduced to 16x12 means of each channel less the channel's mean. */
function correlation(a: Frame, b: Frame): number {
  const [x, y] = [thumbnail(a), thumbnail(b)];
  const product = (p: readonly number[], q: readonly number[]): number =>
    p.reduce((sum, value, at) => sum + value * (q[at] ?? 0), 0);
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
}

function thumbnail({ data, widthPx, heightPx }: Frame): readonly number[] {
  return [0, 1, 2].flatMap((channel) => {
    const sums = new Float64Array(16 * 12);
    for (let y = 0; y < heightPx; y++) {
      for (let x = 0; x < widthPx; x++) {
        const cell = Math.floor((y * 12) / heightPx) * 16 + Math.floor((x * 16) / widthPx);
        sums[cell] = (sums[cell] ?? 0) + (data[(y * widthPx + x) * 3 + channel] ?? 0);
      }
    }
    const mean = sums.reduce((sum, value) => sum + value, 0) / sums.length;
    return Array.from(sums, (value) => value - mean);
  });
}

test("the line between one shot and another is a correlation of 0.85", async () => {
  // Cells of whole pixels: the means are the same however they are taken.
  const size = { widthPx: 160, heightPx: 96 };
  const [from, to] = [scene(0).at(size), scene(1).at(size)];
  const blends = Array.from({ length: 21 }, (_, step) => {
    const share = 0.2 + step / 50;
    return { ...from, data: from.data.map((value, at) => (1 - share) * value + share * (to.data[at] ?? 0)) };
  });
  const correlations = blends.map((blend) => correlation(from, blend));
  expect(correlations.filter((value) => value > 0.85 && value < 0.9).length).toBeGreaterThan(1);
  expect(correlations.filter((value) => value < 0.85 && value > 0.8).length).toBeGreaterThan(0);
  const { shots } = await seenIn(blends.flatMap((blend) => [from, blend]));
  expect(shots.filter((_, at) => at % 2 === 1)).toEqual(correlations.map((value) => value < 0.85));
});

describe.each<readonly [string, Tensors]>([
  ["0 to 1", { scale: 1 / 255, offset: 0 }],
  ["-2 to 2", { scale: 1 / 58, offset: -2.1 }],
])("tensors of %s", (_name, tensors) => {
  const size = { widthPx: 96, heightPx: 64 };

  test("cuts are seen, and nothing else", async () => {
    const frames = [
      ...Array.from({ length: 6 }, (_, at) => scene(0).at(size, { x: 0.012 * at })),
      ...Array.from({ length: 6 }, (_, at) => adjusted(scene(1).at(size), (v) => v * (at % 2 === 0 ? 1 : 0.67))),
      ...Array.from({ length: 6 }, (_, at) => noisy(scene(2).at(size), 12, at)),
    ];
    expect(positions((await seenIn(frames, "fixed:100", tensors)).shots)).toEqual([6, 12]);
  });

  test("black under noise is one shot", async () => {
    const frames = Array.from({ length: 12 }, (_, at) => noisy(flat(size, 0), 2, at));
    expect(positions((await seenIn(frames, "fixed:100", tensors)).shots)).toEqual([]);
  });
});

test("tensors of an unusual range are compared as others are, where their preprocessing is known", async () => {
  const size = { widthPx: 96, heightPx: 64 };
  const frames = [0, 0, 1, 1, 1].map((index, at) => noisy(scene(index).at(size), 3, at));
  const black = [0, 1, 2, 3].map((at) => noisy(flat(size, 2), 2, at));
  for (const scale of [1 / 255 / 72, 1]) {
    const tensors = { scale, offset: 0, known: true };
    expect(positions((await seenIn(frames, "fixed:100", tensors)).shots)).toEqual([2]);
    expect(positions((await seenIn(black, "fixed:100", tensors)).shots)).toEqual([]);
  }
});
