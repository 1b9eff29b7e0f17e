// A video in pieces: with `continues` they give what the whole gives in one call, whatever the pieces; and what cannot be
// gone on from is refused.

import { describe, expect, test } from "vitest";
import type { Frame } from "../../src/frame.ts";
import type { Segmenter, SegmentResult } from "../../src/segment/index.ts";
import { Scene } from "../support/pictures.ts";
import { firings, frameSize, movingFrames, resultsOf, smallSegmenter, until, watched } from "../support/segmenting.ts";
import { told } from "./told.ts";

/** Frames with a change of shot at the seventh. */
function twoShots(): readonly Frame[] {
  const scenes = [new Scene(1), new Scene(2)];
  return Array.from({ length: 11 }, (_, at) => {
    const scene = scenes[at < 6 ? 0 : 1];
    if (scene === undefined) throw new Error("expected two scenes");
    return { ...scene.at(frameSize, { x: 0.01 * at }), timestampSec: at };
  });
}

async function inPieces(segmenter: Segmenter, frames: readonly Frame[], size: number): Promise<SegmentResult[]> {
  const results: SegmentResult[] = [];
  for (let at = 0; at < frames.length; at += size) {
    results.push(...(await resultsOf(segmenter.segment(frames.slice(at, at + size), { continues: at > 0 }))));
  }
  return results;
}

describe.each(["every", "skip:3", "fixed:2", "fixed:1,2,4", "adaptive:0.05"])("clock %s", (clock) => {
  test("pieces of 1, 3 and 7 frames give what one call gives", async () => {
    await using segmenter = smallSegmenter(clock);
    const frames = twoShots();
    const whole = await resultsOf(segmenter.segment(frames));
    for (const size of [1, 3, 7]) expect(told(await inPieces(segmenter, frames, size))).toEqual(told(whole));
    // Frames on which what is held matters, or this would show nothing.
    if (clock === "every") return;
    expect(whole.map(({ shot }) => shot).indexOf(true)).toBe(6);
    expect(whole.filter(({ fired }) => !fired.includes(false)).length).toBeLessThan(whole.length);
    expect(told(await resultsOf(segmenter.segment(frames.slice(1))))).not.toEqual(told(whole.slice(1)));
  });
});

describe("where it starts", () => {
  test("the first call starts afresh, and so does one without `continues`", async () => {
    await using segmenter = smallSegmenter("fixed:3");
    const run = async (count: number, continues: boolean): Promise<readonly string[]> =>
      firings(await resultsOf(segmenter.segment(movingFrames(count), { continues })));
    expect(await run(2, true)).toEqual(["##", "#."]);
    expect(await run(2, true)).toEqual(["#.", "##"]);
    expect(await run(0, true)).toEqual([]);
    expect(await run(2, true)).toEqual(["#.", "#."]);
    expect(await run(2, false)).toEqual(["##", "#."]);
    expect(await run(0, false)).toEqual([]);
    expect(await run(1, true)).toEqual(["##"]);
    segmenter.reset();
    expect(await run(2, true)).toEqual(["##", "#."]);
  });

  test.each(["fixed:9", "adaptive:0.1"])("afresh is as a new segmenter is, with clock %s", async (clock) => {
    // Nothing can be compared with a black frame: the scene after it is the first of its source.
    const black = { ...new Scene(2).at(frameSize), data: new Uint8Array(96 * 64 * 3) };
    const frames = [black, new Scene(2).at(frameSize), new Scene(2).at(frameSize)];
    await using used = smallSegmenter(clock);
    await resultsOf(used.segment([new Scene(1).at(frameSize)]));
    await using fresh = used.variant({});
    const results = await resultsOf(used.segment(frames));
    expect(told(results)).toEqual(told(await resultsOf(fresh.segment(frames))));
    expect(results.map(({ shot }) => shot)).toEqual([false, false, false]);
  });

  test("frames of another size start afresh, between pieces as within one", async () => {
    const other = { widthPx: 64, heightPx: 96 };
    const frames = [...movingFrames(3), ...movingFrames(2, other), ...movingFrames(2)];
    await using segmenter = smallSegmenter("fixed:3");
    const whole = await resultsOf(segmenter.segment(frames));
    expect(firings(whole)).toEqual(["##", "#.", "#.", "##", "#.", "##", "#."]);
    expect(told(await inPieces(segmenter, frames, 1))).toEqual(told(whole));
    expect(told(await inPieces(segmenter, frames, 4))).toEqual(told(whole));
  });

  test("a source that failed is gone on from after the last of its frames", async () => {
    await using segmenter = smallSegmenter("fixed:4");
    const broken = watched((frame) => {
      if (frame === 3) throw new Error("of the source");
    });
    await expect(resultsOf(segmenter.segment(broken.frames))).rejects.toThrow("of the source");
    const rest = await resultsOf(segmenter.segment(movingFrames(5).slice(3), { continues: true }));
    expect(firings(rest)).toEqual(["#.", "##"]);
    const whole = await resultsOf(segmenter.segment(movingFrames(5)));
    expect(told(rest)).toEqual(told(whole.slice(3)));
  });
});

describe("a call that was left early", () => {
  test("is not gone on from: frames ahead were run", async () => {
    await using segmenter = smallSegmenter("fixed:3");
    for await (const _ of segmenter.segment(movingFrames(6))) break;
    const next = watched();
    await expect(segmenter.segment(next.frames, { continues: true }).next()).rejects.toMatchObject({
      code: "invalid-argument",
      message: expect.stringContaining("left early") as string,
    });
    expect(next.read()).toBe(0);
    // Starting afresh is the way out, either way.
    segmenter.reset();
    expect(firings(await resultsOf(segmenter.segment(movingFrames(2), { continues: true })))).toEqual(["##", "#."]);
    for await (const _ of segmenter.segment(movingFrames(6), { continues: true })) break;
    expect(firings(await resultsOf(segmenter.segment(movingFrames(2))))).toEqual(["##", "#."]);
    expect(firings(await resultsOf(segmenter.segment(movingFrames(2), { continues: true })))).toEqual(["#.", "##"]);
  });

  test("nor is one that was aborted on the way; one that was aborted before its first frame changes nothing", async () => {
    await using segmenter = smallSegmenter("fixed:3");
    await resultsOf(segmenter.segment(movingFrames(2)));
    const aborted = segmenter.segment(movingFrames(2), { continues: true, signal: AbortSignal.abort() });
    await expect(resultsOf(aborted)).rejects.toMatchObject({ code: "aborted" });
    expect(firings(await resultsOf(segmenter.segment(movingFrames(2), { continues: true })))).toEqual(["#.", "##"]);
    const stop = new AbortController();
    const source = watched();
    const results = segmenter.segment(source.frames, { continues: true, signal: stop.signal });
    await results.next();
    stop.abort();
    await expect(results.next()).rejects.toMatchObject({ code: "aborted" });
    await until(source.closed);
    await expect(segmenter.segment(movingFrames(1), { continues: true }).next()).rejects.toMatchObject({
      code: "invalid-argument",
    });
  });
});
