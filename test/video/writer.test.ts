// What sinks write: read back, they give what was put in; nothing half-done stays behind.

import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ClockworkError } from "../../src/errors.ts";
import {
  type LabelSink,
  openSink,
  openVideo,
  paletteFor,
  readLabelImage,
  type SinkOptions,
} from "../../src/video/index.ts";
import { collect, distance, makeClip, patternLabels, pixelAt, solidFrame, temporaryFolder } from "./clips.ts";

const RED = [200, 30, 60] as const;
const GREEN = [20, 200, 90] as const;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const at = (name: string): string => join(folder.path, name);

beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

const palette = paletteFor(undefined, 256);
palette.set(GREEN, 3);

async function writeSolid(sink: LabelSink, width: number, height: number, times: readonly number[]): Promise<void> {
  for (const time of times) {
    const labels = { data: new Uint8Array(width * height).fill(1), widthPx: width, heightPx: height };
    await sink.write(solidFrame(width, height, RED, time), labels);
  }
  await sink.close();
}

describe("overlay", () => {
  for (const extension of ["mp4", "mov", "mkv", "webm"]) {
    test(`.${extension} shows frame and class colour at the given opacity`, async () => {
      for (const opacity of [0, 0.25, 1]) {
        const path = at(`opacity-${opacity}.${extension}`);
        const sink = await openSink(path, { frameRate: 25, palette, opacity, crf: 4 });
        await writeSolid(sink, 64, 48, [0, 0.04, 0.08]);
        const frames = await collect(await openVideo(path));
        expect(frames).toHaveLength(3);
        const mixed = RED.map((value, index) => value * (1 - opacity) + (GREEN[index] ?? 0) * opacity);
        expect(frames[0] && distance(pixelAt(frames[0], 30, 20), mixed)).toBeLessThanOrEqual(5);
      }
    });
  }

  test("odd sizes get one more pixel, in the colours of the last", async () => {
    const path = at("odd.mp4");
    const sink = await openSink(path, { frameRate: 25, palette, opacity: 0.5, crf: 4 });
    await writeSolid(sink, 33, 21, [0]);
    const [frame] = await collect(await openVideo(path));
    if (frame === undefined) throw new Error("no frame");
    expect([frame.widthPx, frame.heightPx]).toEqual([34, 22]);
    const mixed = RED.map((value, index) => (value + (GREEN[index] ?? 0)) / 2);
    for (const [x, y] of [
      [5, 5],
      [32, 20],
      [33, 21],
    ] as const) {
      expect(distance(pixelAt(frame, x, y), mixed)).toBeLessThanOrEqual(8);
    }
  });

  test("labels of another size, and frames that change theirs, are scaled", async () => {
    const path = at("scaled.mp4");
    const sink = await openSink(path, { frameRate: 25, palette, opacity: 1, crf: 4 });
    // Left column one class, right column another.
    const labels = { data: Uint8Array.of(1, 0), widthPx: 2, heightPx: 1 };
    await sink.write(solidFrame(64, 48, RED), labels);
    await sink.write(solidFrame(32, 40, RED, 0.04), labels);
    await sink.close();
    for (const frame of await collect(await openVideo(path))) {
      expect([frame.widthPx, frame.heightPx]).toEqual([64, 48]);
      expect(distance(pixelAt(frame, 10, 20), GREEN)).toBeLessThanOrEqual(5);
      expect(distance(pixelAt(frame, 52, 20), [...palette.subarray(0, 3)])).toBeLessThanOrEqual(5);
    }
  });

  test("the frame's own buffer is left as it was", async () => {
    const sink = await openSink(at("untouched.mp4"), { frameRate: 25, palette });
    const frame = solidFrame(64, 48, RED);
    await sink.write(frame, { data: new Uint8Array(64 * 48).fill(1), widthPx: 64, heightPx: 48 });
    expect(pixelAt(frame, 10, 10)).toEqual(RED);
    await sink.close();
  });

  test("variable timestamps are kept", async () => {
    const times = [0, 0.04, 0.1, 0.11, 0.7, 0.75];
    for (const name of ["times.mp4", "times.webm"]) {
      const sink = await openSink(at(name), { frameRate: 25, palette, timeBase: { num: 1, den: 1000 } });
      await writeSolid(sink, 64, 48, times);
      const frames = await collect(await openVideo(at(name)));
      expect(frames.map((frame) => Math.round(frame.timestampSec * 1000) / 1000)).toEqual(times);
    }
  });

  test("audio is copied where the container takes it, else left out with a warning", async () => {
    const source = at("source.mp4");
    const graph = "testsrc2=s=64x48:r=25:d=1,format=yuv420p";
    await makeClip(source, { graph, audioSec: 1 });
    for (const [name, hasAudio] of [
      ["audio.mp4", true],
      ["audio.mkv", true],
      ["audio.webm", false],
    ] as const) {
      await using video = await openVideo(source);
      const sink = await openSink(at(name), { frameRate: 25, timeBase: video.info.timeBase, source });
      for await (const frame of video) {
        await sink.write(frame, { data: new Uint8Array(64 * 48), widthPx: 64, heightPx: 48 });
      }
      await sink.close();
      await using written = await openVideo(at(name));
      expect(written.info.hasAudio).toBe(hasAudio);
      expect(sink.warnings.length).toBe(hasAudio ? 0 : 1);
      const frames = await collect(written);
      expect(frames).toHaveLength(25);
      expect(written.warnings).toEqual([]);
    }
  });

  test("the shape of pixels is noted", async () => {
    const sampleAspectRatio = { num: 4, den: 3 };
    for (const name of ["shape.mp4", "shape.mkv"]) {
      const sink = await openSink(at(name), { frameRate: 25, sampleAspectRatio });
      await writeSolid(sink, 64, 48, [0]);
      await using video = await openVideo(at(name));
      expect(video.info.sampleAspectRatio).toEqual(sampleAspectRatio);
    }
  });
});

describe("labels", () => {
  const sizes = [
    [64, 48],
    [53, 37],
    [1, 1],
  ] as const;

  test("a folder of indexed PNGs gives back every index, and the same bytes twice", async () => {
    for (const [width, height] of sizes) {
      for (const run of ["a", "b"]) {
        const sink = await openSink(`${at(`png-${width}-${run}`)}/`, { frameRate: 25, palette });
        for (let index = 0; index < 3; index++) {
          await sink.write(solidFrame(width, height, RED, index), patternLabels(width, height, index));
        }
        await sink.close();
      }
      const names = await readdir(at(`png-${width}-a`));
      expect(names).toEqual(["000000.png", "000001.png", "000002.png"]);
      for (const [index, name] of names.entries()) {
        const map = await readLabelImage(join(at(`png-${width}-a`), name));
        expect(map).toEqual(patternLabels(width, height, index));
        const [one, two] = await Promise.all(["a", "b"].map((run) => readFile(join(at(`png-${width}-${run}`), name))));
        expect(one?.equals(two ?? Buffer.alloc(0))).toBe(true);
      }
    }
  });

  test("the colours of the PNGs are those of the palette", async () => {
    const sink = await openSink(at("colours"), { frameRate: 25, palette });
    await writeSolid(sink, 16, 16, [0]);
    const [frame] = await collect(await openVideo(join(at("colours"), "000000.png")));
    expect(frame && pixelAt(frame, 3, 3)).toEqual(GREEN);
  });

  test("names of the source are kept; stems that come twice do not overwrite each other", async () => {
    const names = ["left.jpg", "right.png", "left.png"];
    const nameOf = (sec: number): string | undefined => names[sec];
    const sink = await openSink(at("named"), { frameRate: 1, palette, nameOf });
    await writeSolid(sink, 16, 16, [0, 1, 2]);
    expect((await readdir(at("named"))).sort()).toEqual(["left.png", "left.png.png", "right.png"]);
  });

  test("FFV1 in Matroska gives back every index, and the same bytes twice", async () => {
    for (const [width, height] of sizes) {
      const times = [0, 0.04, 0.2, 0.21];
      const options: SinkOptions = { frameRate: 25, format: "labels" };
      for (const run of ["a", "b"]) {
        const sink = await openSink(at(`ffv1-${width}-${run}.mkv`), options);
        for (const [index, time] of times.entries()) {
          await sink.write(solidFrame(width, height, RED, time), patternLabels(width, height, index));
        }
        await sink.close();
      }
      const [one, two] = await Promise.all(["a", "b"].map((run) => readFile(at(`ffv1-${width}-${run}.mkv`))));
      expect(one?.equals(two ?? Buffer.alloc(0))).toBe(true);
      const frames = await collect(await openVideo(at(`ffv1-${width}-a.mkv`)));
      expect(frames.map((frame) => Math.round(frame.timestampSec * 1000) / 1000)).toEqual(times);
      for (const [index, frame] of frames.entries()) {
        const labels = patternLabels(width, height, index).data;
        const expected = new Uint8Array(labels.length * 3);
        for (const [pixel, label] of labels.entries()) expected.fill(label, pixel * 3, pixel * 3 + 3);
        expect(Buffer.compare(frame.data, expected)).toBe(0);
      }
    }
  });

  test("labels of another size take the nearest", async () => {
    const sink = await openSink(at("nearest"), { frameRate: 25 });
    const labels = { data: Uint8Array.of(7, 200, 3, 90), widthPx: 2, heightPx: 2 };
    await sink.write(solidFrame(10, 6, RED), labels);
    await sink.close();
    const map = await readLabelImage(join(at("nearest"), "000000.png"));
    const row = (left: number, right: number): number[] => [
      left,
      left,
      left,
      left,
      left,
      right,
      right,
      right,
      right,
      right,
    ];
    const [top, bottom] = [row(7, 200), row(3, 90)];
    expect([...map.data]).toEqual([top, top, top, bottom, bottom, bottom].flat());
  });
});

describe("files", () => {
  test("nothing is under the final name before close, and nothing at all after abort", async () => {
    await using own = await temporaryFolder();
    for (const [name, format] of [
      ["a.mp4", "overlay"],
      ["b.mkv", "labels"],
    ] as const) {
      const path = join(own.path, name);
      const sink = await openSink(path, { frameRate: 25, format });
      await sink.write(solidFrame(64, 48, RED), patternLabels(64, 48, 1));
      const [part, ...others] = await readdir(own.path);
      expect(part).toBe(`.${name.slice(0, 1)}.part-${process.pid}${name.slice(1)}`);
      expect(others).toEqual([]);
      await sink.abort();
      await sink.abort();
      expect(await readdir(own.path)).toEqual([]);
      await expect(sink.write(solidFrame(64, 48, RED), patternLabels(64, 48, 1))).rejects.toMatchObject({
        code: "aborted",
      });
    }
  });

  test("abort during a write waits for it and removes the file", async () => {
    await using own = await temporaryFolder();
    const sink = await openSink(join(own.path, "a.mp4"), { frameRate: 25 });
    const writing = sink.write(solidFrame(640, 480, RED), patternLabels(640, 480, 1));
    await sink.abort();
    await writing;
    expect(await readdir(own.path)).toEqual([]);
  });

  test("close without frames is an error and leaves nothing", async () => {
    await using own = await temporaryFolder();
    const sink = await openSink(join(own.path, "a.mp4"), { frameRate: 25 });
    await expect(sink.close()).rejects.toMatchObject({ code: "invalid-video" });
    expect(await readdir(own.path)).toEqual([]);
  });

  test("a file of that name is replaced only on close", async () => {
    await writeFile(at("old.mp4"), "old");
    const sink = await openSink(at("old.mp4"), { frameRate: 25 });
    await sink.write(solidFrame(64, 48, RED), patternLabels(64, 48, 1));
    expect(await readFile(at("old.mp4"), "utf8")).toBe("old");
    await sink.close();
    expect((await readFile(at("old.mp4"))).length).toBeGreaterThan(100);
  });

  test("what cannot be written is refused before any work", async () => {
    await writeFile(at("plain"), "");
    const codeOf = async (path: string, options: Partial<SinkOptions> = {}): Promise<string> => {
      try {
        await (await openSink(path, { frameRate: 25, ...options })).abort();
        return "none";
      } catch (error) {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- anything else fails below
        return (error as ClockworkError).code;
      }
    };
    expect(await codeOf(at("missing/a.mp4"))).toBe("io");
    expect(await codeOf(`${at("plain")}/`)).toBe("io");
    expect(await codeOf(at("plain/sub"))).toBe("io");
    expect(await codeOf(at("a.avi"))).toBe("invalid-argument");
    expect(await codeOf(at("a.mp4"), { format: "labels" })).toBe("invalid-argument");
    expect(await codeOf(at("folder"), { format: "overlay" })).toBe("invalid-argument");
    expect(await codeOf(at("a.mp4"), { opacity: 2 })).toBe("invalid-argument");
    expect(await codeOf(at("a.mp4"), { frameRate: Number.NaN })).toBe("invalid-argument");
    expect(await codeOf(at("a.mp4"), { palette: new Uint8Array(3) })).toBe("invalid-argument");
  });

  test("the source is never overwritten", async () => {
    const graph = "testsrc2=s=64x48:r=25:d=0.2,format=yuv420p";
    const source = await makeClip(at("keep.mp4"), { graph });
    const opening = openSink(source, { frameRate: 25, source });
    await expect(opening).rejects.toMatchObject({ code: "invalid-argument" });
  });

  test("buffers of the wrong length are refused", async () => {
    const sink = await openSink(at("short.mp4"), { frameRate: 25 });
    const frame = { ...solidFrame(64, 48, RED), widthPx: 65 };
    const writing = sink.write(frame, patternLabels(64, 48, 1));
    await expect(writing).rejects.toMatchObject({ code: "invalid-argument" });
    await sink.abort();
  });
});
