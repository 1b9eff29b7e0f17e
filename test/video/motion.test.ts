// Motion vectors that frames carry, against pans whose motion is known from how the clip was made.

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { numbersPerBlock, type Frame } from "../../src/frame.ts";
import { codecFlow } from "../../src/motion/codec-flow.ts";
import { coveredPx, flowScale } from "../../src/motion/index.ts";
import { openVideo } from "../../src/video/index.ts";
import { collect, makeClip, makeImage, temporaryFolder } from "./clips.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const at = (name: string): string => join(folder.path, name);

beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

/** What a frame shows, the frame before had 4 px further right and 2 px further down; even, since colour is subsampled. */
const [panX, panY] = [4, 2];
const texture = "color=c=gray:s=320x224:r=25:d=0.6,noise=alls=100:all_seed=3,gblur=sigma=2,format=yuv420p";
const pan = `${texture},crop=192:128:x='${panX}*n':y='${panY}*n'`;
/** The same in the upper left quarter of a picture that is still. */
const corner =
  `${texture},split[a][b];[a]crop=192:128:0:0[still];` +
  `[b]crop=96:64:x='${panX}*n':y='${panY}*n'[moving];[still][moving]overlay=0:0,format=yuv420p`;

interface Block {
  readonly x: number;
  readonly y: number;
  readonly area: number;
  readonly dx: number;
  readonly dy: number;
  readonly steps: number;
}

function blocksOf({ motion }: Frame): readonly Block[] {
  if (motion === undefined) throw new Error("expected motion");
  return Array.from({ length: motion.blocks.length / numbersPerBlock }, (_, index) => {
    const numbers = motion.blocks.slice(index * numbersPerBlock);
    const [x = NaN, y = NaN, width = NaN, height = NaN, dx = NaN, dy = NaN, steps = NaN] = numbers;
    return { x, y, area: width * height, dx, dy, steps };
  });
}

/** Share of the blocks' area for which something holds. */
function shareOf(blocks: readonly Block[], holds: (block: Block) => boolean): number {
  const area = (some: readonly Block[]): number => some.reduce((sum, block) => sum + block.area, 0);
  return area(blocks.filter(holds)) / area(blocks);
}

const near = (a: number, b: number): boolean => Math.abs(a - b) <= 0.5;
const followsPan = ({ dx, dy, steps }: Block): boolean => near(dx / steps, panX) && near(dy / steps, panY);

describe("a pan", () => {
  for (const [name, extension, encoder, encoderOptions, steps] of [
    ["P pictures", "mp4", "libx264", { bf: "0", refs: "1" }, [1]],
    [
      "B pictures",
      "mp4",
      "libx264",
      { bf: "3", refs: "1", b_strategy: "0", "x264-params": "b-pyramid=0" },
      [-3, -2, -1, 1, 2, 3, 4],
    ],
    [
      "B pictures that others refer to",
      "mp4",
      "libx264",
      { preset: "medium", bf: "3", b_strategy: "0", refs: "1" },
      [-2, -1, 1, 2, 4],
    ],
    ["P pictures", "mp4", "mpeg4", { bf: "0", b: "4M" }, [1]],
  ] as const) {
    test(`${encoder}, ${name}`, async () => {
      const path = at(`pan-${encoder}-${steps.length}.${extension}`);
      await makeClip(path, { predicted: true, graph: pan, encoder, encoderOptions });
      const frames = await collect(await openVideo(path, { motion: true }));
      expect(frames).toHaveLength(15);
      // The first picture refers to nothing.
      expect(frames[0]?.motion?.blocks).toHaveLength(0);
      const blocks = frames.flatMap(blocksOf);
      expect([...new Set(blocks.map((block) => block.steps))].toSorted((a, b) => a - b)).toEqual(steps);
      expect(shareOf(blocks, followsPan)).toBeGreaterThan(0.75);
      for (const away of steps) {
        const those = blocks.filter((block) => block.steps === away);
        expect(shareOf(those, followsPan), `${away} steps`).toBeGreaterThan(0.6);
      }
    });
  }

  test("mpeg4, B pictures, of which nothing is known", async () => {
    const path = at("pan-mpeg4-b.mp4");
    const encoderOptions = { bf: "2", b: "4M", g: "100" };
    await makeClip(path, { predicted: true, graph: pan, encoder: "mpeg4", encoderOptions });
    const frames = await collect(await openVideo(path, { motion: true }));
    // I B B P B B P ...
    for (const [index, frame] of frames.slice(0, 12).entries()) {
      const steps = blocksOf(frame).map((block) => block.steps);
      expect([...new Set(steps)], `frame ${index}`).toEqual(index > 0 && index % 3 === 0 ? [3] : []);
    }
  });

  test("spread over the cells of a scale, at another size than the video's", async () => {
    const path = at("pan-for-cells.mp4");
    await makeClip(path, { predicted: true, graph: pan, encoderOptions: { preset: "medium", bf: "3" } });
    const size = { widthPx: 288, heightPx: 192 };
    const scale = flowScale(size);
    const { widthCells, heightCells } = scale.finest;
    const covered = coveredPx(scale.finest);
    const frames = await collect(await openVideo(path, { width: 288, height: 192, motion: true }));
    let right = 0;
    let all = 0;
    for (const frame of frames.slice(1)) {
      const { flow, valid, known } = codecFlow(frame.motion ?? { blocks: new Float32Array() }, frame, scale);
      expect(known).toBeGreaterThan(0.5);
      for (let cell = 0; cell < widthCells * heightCells; cell++) {
        if (valid[cell] !== 1) continue;
        const dx = ((flow[cell] ?? 0) * covered.widthPx) / 2;
        const dy = ((flow[widthCells * heightCells + cell] ?? 0) * covered.heightPx) / 2;
        all++;
        if (near(dx, 1.5 * panX) && near(dy, 1.5 * panY)) right++;
      }
    }
    expect(right / all).toBeGreaterThan(0.8);
  });
});

describe("an upright frame", () => {
  for (const [name, displayMatrix] of [
    ["as stored", [1, 0, 0, 1]],
    ["turned clockwise", [0, 1, -1, 0]],
    ["turned by 180 degrees", [-1, 0, 0, -1]],
    ["turned anticlockwise", [0, -1, 1, 0]],
    ["mirrored", [-1, 0, 0, 1]],
    ["upside down", [1, 0, 0, -1]],
    ["transposed", [0, 1, 1, 0]],
    ["transposed the other way", [0, -1, -1, 0]],
  ] as const) {
    test(`${name}, at half the size`, async () => {
      const path = at(`corner-${name.replaceAll(" ", "-")}.mp4`);
      await makeClip(path, { predicted: true, graph: corner, displayMatrix, encoderOptions: { bf: "0", refs: "1" } });
      const [a, b, c, d] = displayMatrix;
      const isTurned = a === 0;
      const [width, height] = isTurned ? [64, 96] : [96, 64];
      const frames = await collect(await openVideo(path, { width, height, motion: true }));
      const moving = frames.flatMap(blocksOf).filter(({ dx, dy }) => Math.hypot(dx, dy) > 0.5);
      expect(moving.length).toBeGreaterThan(100);
      // Where the matrix takes the motion, and the upper left corner as seen from the centre.
      const [vx, vy] = [a * panX + c * panY, b * panX + d * panY];
      const [left, top] = [-(a + c), -(b + d)];
      expect(shareOf(moving, ({ dx, dy }) => near(dx, vx / 2) && near(dy, vy / 2))).toBeGreaterThan(0.75);
      const isInCorner = ({ x, y }: Block): boolean => (x - width / 2) * left > 0 && (y - height / 2) * top > 0;
      expect(shareOf(moving, isInCorner)).toBeGreaterThan(0.9);
      expect(frames.flatMap(blocksOf).every(({ x, y }) => x > 0 && y > 0 && x < width && y < height)).toBe(true);
    });
  }
});

describe("without vectors", () => {
  test("none are on a frame unless they are asked for", async () => {
    const path = await makeClip(at("plain.mp4"), { predicted: true, graph: pan });
    for (const frame of await collect(await openVideo(path))) expect(frame).not.toHaveProperty("motion");
  });

  test("a codec that tells none is refused, and so are image files", async () => {
    const path = await makeClip(at("lossless.mkv"), { graph: pan, encoder: "ffv1" });
    await expect(openVideo(path, { motion: true })).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(openVideo(path, { motion: true })).rejects.toThrow("got ffv1");
    await makeImage(at("still.png"), [1, 2, 3], "32x24");
    await expect(openVideo(at("still.png"), { motion: true })).rejects.toThrow("got image files");
  });

  test("a video whose fields are apart in time has empty lists", async () => {
    const path = await makeClip(at("interlaced.mp4"), {
      predicted: true,
      graph: `${pan},setfield=tff`,
      encoderOptions: { "x264-params": "interlaced=1", bf: "0" },
    });
    const frames = await collect(await openVideo(path, { motion: true }));
    expect(frames).toHaveLength(15);
    for (const { motion } of frames) expect(motion?.blocks).toHaveLength(0);
  });
});
