// Where videos may come from, and what happens when they are damaged or no videos at all.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openVideo } from "../../src/video/index.ts";
import { collect, distance, makeClip, makeImage, pixelAt, temporaryFolder } from "./clips.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const at = (name: string): string => join(folder.path, name);
const GRAPH = "testsrc2=s=160x120:r=25:d=2,format=yuv420p";

beforeAll(async () => {
  folder = await temporaryFolder();
  await makeClip(at("whole.mp4"), {
    graph: GRAPH,
    encoderOptions: { g: "10" },
    muxerOptions: { movflags: "+faststart" },
  });
  await makeClip(at("whole.mkv"), { graph: GRAPH, encoderOptions: { g: "10" } });
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

describe("image files", () => {
  const levels = [10, 60, 110, 160, 210];

  beforeAll(async () => {
    await mkdir(at("images"));
    for (const [index, level] of levels.entries()) {
      await makeImage(at(`images/shot_${index * 4 + 2}.png`), [level, level, level], "32x24");
    }
    await writeFile(at("images/notes.txt"), "not a picture");
    await writeFile(at("images/._shot_1.png"), "not a picture either");
  });

  test("a folder in natural order, 25 frames a second, with names", async () => {
    await using video = await openVideo(at("images"));
    expect(video.info).toMatchObject({ container: "images", codec: "png", frameRate: 25, frameCountEstimate: 5 });
    const frames = await collect(video);
    expect(frames.map((frame) => pixelAt(frame, 3, 3)[0])).toEqual(levels);
    expect(frames.map((frame) => frame.timestampSec)).toEqual([0, 0.04, 0.08, 0.12, 0.16]);
    const names = frames.map((frame) => video.nameOf(frame.timestampSec));
    expect(names).toEqual(["shot_2.png", "shot_6.png", "shot_10.png", "shot_14.png", "shot_18.png"]);
    expect(video.warnings).toEqual([]);
  });

  test("another frame rate", async () => {
    const frames = await collect(await openVideo(at("images"), { frameRate: 10 }));
    expect(frames.at(-1)?.timestampSec).toBeCloseTo(0.4, 9);
  });

  test("a pattern, its gaps passed over with a warning", async () => {
    await mkdir(at("pattern"));
    for (const number of [1, 2, 5]) {
      await makeImage(at(`pattern/0000${number}.png`), [number * 20, 0, 0], "32x24");
    }
    await using video = await openVideo(at("pattern/%05d.png"));
    const frames = await collect(video);
    expect(frames.map((frame) => pixelAt(frame, 3, 3)[0])).toEqual([20, 40, 100]);
    expect(video.warnings).toHaveLength(1);
    expect(video.warnings[0]).toMatch(/^2 of the numbers 1 to 5/u);
  });

  test("different sizes and kinds, with damaged files among them", async () => {
    await mkdir(at("mixed"));
    await makeImage(at("mixed/1.png"), [200, 30, 60], "32x24");
    await makeImage(at("mixed/2.jpg"), [200, 30, 60], "48x40", "yuvj444p");
    await writeFile(at("mixed/3.png"), "no picture");
    await makeImage(at("mixed/4.png"), [200, 30, 60], "20x10");
    await makeImage(at("mixed/5.bmp"), [200, 30, 60], "8x6", "bgr24");
    await writeFile(at("mixed/6.png"), (await readFile(at("mixed/1.png"))).subarray(0, 30));
    await using video = await openVideo(at("mixed"));
    const frames = await collect(video);
    expect(frames.map((frame) => frame.widthPx)).toEqual([32, 48, 20, 8]);
    expect(frames.map((frame) => video.nameOf(frame.timestampSec))).toEqual(["1.png", "2.jpg", "4.png", "5.bmp"]);
    for (const frame of frames) {
      expect(distance(pixelAt(frame, 3, 3), [200, 30, 60])).toBeLessThanOrEqual(4);
    }
    expect(video.warnings).toEqual(["2 of 6 images could not be decoded: 3.png, 6.png"]);
  });
});

describe("streams", () => {
  test("standard input", async () => {
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", readerScript("-")], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    child.stdin.end(await readFile(at("whole.mkv")));
    expect(await outputOf(child.stdout)).toBe("50 frames, last at 1.96");
  });

  test("standard input that stays silent ends with the signal", async () => {
    const script = readerScript("-", "signal: AbortSignal.timeout(300)");
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    expect(await outputOf(child.stdout)).toBe("aborted");
    // The process ends though its input is still open.
    if (child.exitCode === null) await once(child, "exit");
    child.stdin.destroy();
  });

  test("http, and what it answers when there is nothing", async () => {
    const bytes = await readFile(at("whole.mp4"));
    await using server = await serve((request, response) => {
      if (request.url === "/clip.mp4") response.end(bytes);
      else if (request.url !== "/silent.mp4") response.writeHead(404).end();
    });
    const frames = await collect(await openVideo(`${server.url}/clip.mp4`));
    expect(frames).toHaveLength(50);
    await expect(openVideo(`${server.url}/none.mp4`)).rejects.toMatchObject({ code: "io" });
    const silent = `${server.url}/silent.mp4`;
    await expect(openVideo(silent, { timeoutSec: 0.3 })).rejects.toMatchObject({ code: "io" });
    const signal = AbortSignal.timeout(200);
    await expect(openVideo(silent, { signal })).rejects.toMatchObject({ code: "aborted" });
  });

  test("an input format of FFmpeg by name", async () => {
    const frames = await collect(await openVideo("testsrc2=s=64x48:r=25:d=0.2", { inputFormat: "lavfi" }));
    expect(frames).toHaveLength(5);
    const opening = openVideo("x", { inputFormat: "no-such-format" });
    await expect(opening).rejects.toMatchObject({ code: "invalid-argument" });
  });
});

describe("damage", () => {
  test("truncated files give what they have, and say where they end", async () => {
    for (const name of ["whole.mp4", "whole.mkv"]) {
      const bytes = await readFile(at(name));
      await writeFile(at(`cut-${name}`), bytes.subarray(0, Math.floor(bytes.length * 0.5)));
      await using video = await openVideo(at(`cut-${name}`));
      const frames = await collect(video);
      expect(frames.length).toBeGreaterThan(10);
      expect(frames.length).toBeLessThan(45);
      expect(video.warnings.join("\n")).toMatch(/ends at \d\.\d s of 2\.0 s/u);
    }
  });

  test("damaged files give every frame that can be had, and say how many are not whole", async () => {
    const bytes = await readFile(at("whole.mp4"));
    for (let place = Math.floor(bytes.length / 3); place < bytes.length - 200; place += 3000) {
      for (let index = 0; index < 40; index++) bytes[place + index] = (place * 31 + index * 17) % 256;
    }
    await writeFile(at("damaged.mp4"), bytes);
    await using video = await openVideo(at("damaged.mp4"));
    const frames = await collect(video);
    expect(frames.length).toBeGreaterThan(40);
    expect(video.warnings.length).toBeGreaterThan(0);
    expect(video.warnings.join("\n")).toMatch(/\d+ of about 50 frames/u);
  });

  test("what is no video is refused with the reason", async () => {
    await writeFile(at("empty.mp4"), "");
    await writeFile(at("text.mp4"), "this is a text\n".repeat(200));
    await writeFile(at("text.txt"), "this is a text\n".repeat(200));
    await makeClip(at("sound.m4a"), { graph: "", withoutVideo: true, audioSec: 0.5 });
    await copyFile(at("text.txt"), at("text.png"));
    await mkdir(at("nothing"));
    const head = (await readFile(at("whole.mp4"))).subarray(0, 600);
    await writeFile(at("head.mp4"), head);
    for (const [name, code, message] of [
      ["empty.mp4", "invalid-video", /empty file/u],
      ["text.mp4", "invalid-video", /FFmpeg cannot open/u],
      ["text.txt", "invalid-video", /expected a video/u],
      ["text.png", "invalid-video", /expected pictures/u],
      ["sound.m4a", "invalid-video", /only audio/u],
      ["nothing", "invalid-video", /got none/u],
      ["head.mp4", "invalid-video", /expected/u],
      ["missing.mp4", "io", /nothing there/u],
      ["missing/%05d.png", "io", /readable folder/u],
      ["nothing/%05d.png", "invalid-video", /got none/u],
    ] as const) {
      const error = await openVideo(at(name)).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: "ClockworkError", code });
      expect(String(error)).toMatch(message);
    }
    await expect(openVideo("")).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(openVideo(at("whole.mp4"), { width: 0 })).rejects.toMatchObject({
      code: "invalid-argument",
    });
  });
});

describe("stopping", () => {
  test("a break disposes of the reader", async () => {
    const video = await openVideo(at("whole.mp4"));
    for await (const frame of video) {
      expect(frame.widthPx).toBe(160);
      break;
    }
    expect(() => video[Symbol.asyncIterator]()).toThrow(/one iteration/u);
    await video[Symbol.asyncDispose]();
  });

  test("a signal stops the reading between frames and during one", async () => {
    for (const isDuring of [false, true]) {
      const controller = new AbortController();
      const video = await openVideo(at("whole.mp4"), { signal: controller.signal });
      const frames = video[Symbol.asyncIterator]();
      await frames.next();
      if (!isDuring) controller.abort();
      const next = frames.next();
      controller.abort();
      await expect(next).rejects.toMatchObject({ code: "aborted" });
    }
    const opening = openVideo(at("whole.mp4"), { signal: AbortSignal.abort() });
    await expect(opening).rejects.toMatchObject({ code: "aborted" });
  });

  test("disposing during a read is safe", async () => {
    const video = await openVideo(at("whole.mp4"));
    const frames = video[Symbol.asyncIterator]();
    await frames.next();
    const next = frames.next().catch((error: unknown) => error);
    await video[Symbol.asyncDispose]();
    expect(await next).toMatchObject({ code: "aborted" });
  });

  test("memory stays flat over many openings and frames", async () => {
    const round = async (): Promise<void> => {
      for (let index = 0; index < 12; index++) await collect(await openVideo(at("whole.mp4")));
    };
    await round();
    const before = process.memoryUsage().rss;
    await round();
    await round();
    expect(process.memoryUsage().rss - before).toBeLessThan(60e6);
  });
});

function readerScript(source: string, options = ""): string {
  const module = new URL("../../src/video/index.ts", import.meta.url).href;
  return `
    const { openVideo } = await import(${JSON.stringify(module)});
    try {
      let count = 0, last = 0;
      for await (const frame of await openVideo(${JSON.stringify(source)}, { ${options} })) {
        count++;
        last = frame.timestampSec;
      }
      console.log(count + " frames, last at " + last);
    } catch (error) {
      console.log(error.code);
    }`;
}

async function outputOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString().trim();
}

async function serve(listener: RequestListener): Promise<{ url: string } & AsyncDisposable> {
  const server: Server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
