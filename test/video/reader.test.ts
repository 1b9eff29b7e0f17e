// What frames a reader gives: colours, sizes, turns, times.

import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openVideo } from "../../src/video/index.ts";
import {
  collect,
  colourGraph,
  distance,
  encodeImage,
  makeClip,
  makeImage,
  pixelAt,
  sourceOf,
  temporaryFolder,
} from "./clips.ts";

const RED = [200, 30, 60] as const;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const at = (name: string): string => join(folder.path, name);

beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

describe("colour", () => {
  for (const matrix of ["bt709", "bt601"] as const) {
    for (const range of ["limited", "full"] as const) {
      test(`${matrix}, ${range} range, within 3 levels`, async () => {
        const graph = colourGraph(RED, "64x48", matrix, range);
        const encoderOptions = { qp: "0" };
        const path = at(`${matrix}-${range}.mp4`);
        await makeClip(path, { graph, matrix, range, encoderOptions });
        for (const size of [{}, { width: 40, height: 20 }]) {
          const [frame] = await collect(await openVideo(path, size));
          expect(frame && distance(pixelAt(frame, 20, 10), RED)).toBeLessThanOrEqual(3);
        }
      });
    }
  }

  test("untagged HD is taken as BT.709, untagged SD as BT.601", async () => {
    for (const [size, matrix] of [
      ["1280x720", "bt709"],
      ["64x48", "bt601"],
    ] as const) {
      const path = at(`untagged-${size}.mp4`);
      const graph = colourGraph(RED, size, matrix, "limited", 0.04);
      await makeClip(path, { graph, encoderOptions: { qp: "0" } });
      const [frame] = await collect(await openVideo(path));
      expect(frame && distance(pixelAt(frame, 20, 10), RED)).toBeLessThanOrEqual(3);
    }
  });

  test("10 bit and 4:4:4", async () => {
    for (const format of ["yuv420p10le", "yuv444p"]) {
      const path = at(`${format}.mkv`);
      const graph = `${sourceOf(RED, "64x48")},scale=out_color_matrix=bt709:out_range=tv,format=${format}`;
      await makeClip(path, { graph, encoder: "ffv1", matrix: "bt709" });
      const [frame] = await collect(await openVideo(path));
      expect(frame && distance(pixelAt(frame, 20, 10), RED)).toBeLessThanOrEqual(3);
    }
  });

  test("pictures: rgb, gray, 16 bit, palette-free jpg, webp, bmp and tif", async () => {
    const gray = [120, 120, 120] as const;
    for (const [name, format, colour, tolerance] of [
      ["a.png", "rgb24", RED, 0],
      ["b.png", "gray", gray, 1],
      ["c.png", "gray16be", gray, 1],
      ["d.png", "rgb48be", RED, 1],
      ["e.jpg", "yuvj444p", RED, 4],
      ["f.bmp", "bgr24", RED, 0],
      ["g.tif", "rgb24", RED, 0],
      ["h.webp", "yuv420p", RED, 8],
    ] as const) {
      await makeImage(at(name), colour, "32x24", format);
      const [frame] = await collect(await openVideo(at(name)));
      expect(frame && distance(pixelAt(frame, 5, 5), colour)).toBeLessThanOrEqual(tolerance);
    }
  });

  test("alpha is dropped, the colour under it stays", async () => {
    await encodeImage(
      at("alpha.png"),
      "color=c=0xC81E3C@0.25:s=32x24:r=25:d=0.04,format=rgba,colorchannelmixer=aa=0.25",
    );
    const [frame] = await collect(await openVideo(at("alpha.png")));
    expect(frame && distance(pixelAt(frame, 5, 5), RED)).toBeLessThanOrEqual(1);
  });
});

describe("size", () => {
  test("odd sizes are kept, with tightly packed rows in a buffer of their own", async () => {
    const path = at("odd.mkv");
    await makeClip(path, { graph: "testsrc=s=53x37:r=25:d=0.2,format=yuv420p", encoder: "ffv1" });
    const frames = await collect(await openVideo(path));
    expect(frames).toHaveLength(5);
    for (const frame of frames) {
      expect([frame.widthPx, frame.heightPx, frame.data.length]).toEqual([53, 37, 53 * 37 * 3]);
      expect(frame.data.buffer.byteLength).toBe(frame.data.length);
    }
    expect(new Set(frames.map((frame) => frame.data.buffer)).size).toBe(5);
    const moved = frames[0]?.data.buffer;
    if (moved !== undefined) structuredClone(moved, { transfer: [moved] });
    expect(frames[0]?.data.length).toBe(0);
  });

  test("scaling to a size, or to one side with the other to match", async () => {
    const path = at("scaled.mp4");
    await makeClip(path, { graph: "testsrc2=s=64x48:r=25:d=0.04,format=yuv420p" });
    for (const [options, expected] of [
      [{ width: 31, height: 17 }, [31, 17]],
      [{ width: 32 }, [32, 24]],
      [{ height: 96 }, [128, 96]],
    ] as const) {
      await using video = await openVideo(path, options);
      expect([video.info.widthPx, video.info.heightPx]).toEqual(expected);
      expect([video.info.codedWidthPx, video.info.codedHeightPx]).toEqual([64, 48]);
    }
  });

  test("a size that changes in the stream changes the frames", async () => {
    const { readFile, writeFile } = await import("node:fs/promises");
    const parts: Buffer[] = [];
    for (const size of ["64x48", "96x64"]) {
      const graph = `testsrc2=s=${size}:r=25:d=0.4,format=yuv420p`;
      parts.push(await readFile(await makeClip(at(`${size}.ts`), { graph })));
    }
    await writeFile(at("change.ts"), Buffer.concat(parts));
    const frames = await collect(await openVideo(at("change.ts")));
    expect(frames[0]?.widthPx).toBe(64);
    expect(frames.at(-1)?.widthPx).toBe(96);
    expect(frames.every((frame) => frame.data.length === frame.widthPx * frame.heightPx * 3)).toBe(true);
    const times = frames.map((frame) => frame.timestampSec);
    expect(times.every((time, index) => index === 0 || time > (times[index - 1] ?? 0))).toBe(true);
    const fixed = await collect(await openVideo(at("change.ts"), { width: 32, height: 24 }));
    expect(new Set(fixed.map((frame) => frame.data.length))).toEqual(new Set([32 * 24 * 3]));
  });
});

describe("rotation", () => {
  // Left half red, right half blue, upper edge darker on the left: each corner is told apart.
  const graph =
    "color=c=red:s=64x32:r=25:d=0.2,drawbox=x=32:y=0:w=32:h=16:c=blue:t=fill," +
    "drawbox=x=0:y=16:w=32:h=16:c=lime:t=fill,drawbox=x=32:y=16:w=32:h=16:c=white:t=fill,format=yuv444p";
  const [R, B, G, W] = ["red", "blue", "lime", "white"];
  const nameOf = ([r, g, b]: readonly number[]): string =>
    `${(r ?? 0) > 127 ? 1 : 0}${(g ?? 0) > 127 ? 1 : 0}${(b ?? 0) > 127 ? 1 : 0}`
      .replace("100", "red")
      .replace("001", "blue")
      .replace("010", "lime")
      .replace("111", "white");

  for (const [name, displayMatrix, size, corners] of [
    ["none", [1, 0, 0, 1], [64, 32], [R, B, G, W]],
    ["90 degrees clockwise", [0, 1, -1, 0], [32, 64], [G, R, W, B]],
    ["180 degrees", [-1, 0, 0, -1], [64, 32], [W, G, B, R]],
    ["90 degrees anticlockwise", [0, -1, 1, 0], [32, 64], [B, W, R, G]],
    ["mirrored", [-1, 0, 0, 1], [64, 32], [B, R, W, G]],
    ["transposed", [0, 1, 1, 0], [32, 64], [R, G, B, W]],
  ] as const) {
    test(`turned: ${name}`, async () => {
      const path = at(`rotated-${name.replaceAll(" ", "-")}.mp4`);
      await makeClip(path, { graph, displayMatrix, encoderOptions: { qp: "0" } });
      await using video = await openVideo(path);
      expect([video.info.widthPx, video.info.heightPx]).toEqual(size);
      const [frame] = await collect(video);
      if (frame === undefined) throw new Error("no frame");
      const [right, bottom] = [frame.widthPx - 5, frame.heightPx - 5];
      const seen = [
        pixelAt(frame, 5, 5),
        pixelAt(frame, right, 5),
        pixelAt(frame, 5, bottom),
        pixelAt(frame, right, bottom),
      ];
      expect(seen.map(nameOf)).toEqual(corners);
    });
  }
});

describe("time", () => {
  test("variable frame rates keep their timestamps, from the start of the stream", async () => {
    const timesMs = [200, 240, 300, 410, 430, 900, 1000];
    const graph = "testsrc2=s=64x48:r=25:d=2,format=yuv420p";
    for (const name of ["vfr.mp4", "vfr.mkv"]) {
      const path = await makeClip(at(name), { graph, timesMs });
      const frames = await collect(await openVideo(path));
      const seen = frames.map((frame) => Math.round(frame.timestampSec * 1000));
      expect(seen).toEqual(timesMs.map((time) => time - 200));
    }
  });

  test("a video of one frame", async () => {
    const path = await makeClip(at("one.mp4"), {
      graph: "testsrc2=s=64x48:r=25:d=0.04,format=yuv420p",
    });
    await using video = await openVideo(path);
    expect(video.info).toMatchObject({ frameCountEstimate: 1, codec: "h264", container: "mp4" });
    const frames = await collect(video);
    expect(frames.map((frame) => frame.timestampSec)).toEqual([0]);
    expect(video.warnings).toEqual([]);
  });

  test("info of a clip with audio", async () => {
    const graph = "testsrc2=s=64x48:r=25:d=1,format=yuv420p";
    const path = await makeClip(at("sound.mp4"), { graph, audioSec: 1 });
    await using video = await openVideo(path);
    expect(video.info).toMatchObject({ hasAudio: true, frameRate: 25, frameCountEstimate: 25 });
    expect(video.info.durationSec).toBeCloseTo(1, 1);
  });
});
