// Variants of a segmenter: each gives what a segmenter of its own gives, and the network is looked at once for all.

import { describe, expect, test } from "vitest";
import { parseSchedule } from "../../src/clocks/index.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { parseCut, planOf } from "../../src/stages/index.ts";
import { FittedNetworks } from "../../src/segment/fitted-networks.ts";
import { localEngine } from "../support/runtime.ts";
import { firings, frameSize, movingFrames, resultsOf, smallModel, smallSegmenter } from "../support/segmenting.ts";
import { told } from "./told.ts";

/** An engine that counts what it opens: sessions with memory are compiled networks, the others look at the network. */
function counting(): { readonly engine: Engine; readonly opened: { probes: number; compiled: number } } {
  const opened = { probes: 0, compiled: 0 };
  const engine: Engine = {
    open(model, options) {
      opened[options?.state === undefined ? "probes" : "compiled"] += 1;
      return localEngine.open(model, options);
    },
  };
  return { engine, opened };
}

const schedules = ["every", "fixed:2", "fixed:1,2,4", "skip:2"] as const;

test("give what segmenters of their own give", async () => {
  await using first = smallSegmenter("fixed:3");
  const frames = movingFrames(5);
  for (const clock of schedules) {
    await using variant = first.variant({ schedule: parseSchedule(clock) });
    await using alone = smallSegmenter(clock);
    expect(told(await resultsOf(variant.segment(frames)))).toEqual(told(await resultsOf(alone.segment(frames))));
  }
});

test("look at the network once, also at the same time", async () => {
  const alone = counting();
  await using single = smallSegmenter("every", { engine: alone.engine });
  await single.prepare(frameSize);
  const { engine, opened } = counting();
  await using first = smallSegmenter("fixed:3", { engine });
  const variants = schedules.map((clock) => first.variant({ schedule: parseSchedule(clock) }));
  const prepared = await Promise.all([first, ...variants].map((segmenter) => segmenter.prepare(frameSize)));
  expect(opened).toEqual({ probes: alone.opened.probes, compiled: 5 });
  expect(new Set(prepared.map(({ network }) => network)).size).toBe(1);
  expect(prepared.map(({ plan }) => plan?.stages.length)).toEqual([2, 2, 2, 3, 2]);
  expect(new Set(prepared.map(({ plan }) => plan)).size).toBe(2);
  // Of a variant comes another; a size of its own is looked at by itself.
  await using smaller = variants[0]?.variant({ size: { widthPx: 64, heightPx: 64 } }) ?? first;
  expect((await smaller.prepare(frameSize)).protocol.network).toEqual({ widthPx: 64, heightPx: 64 });
  expect(opened.probes).toBe(2 * alone.opened.probes);
  await Promise.all(variants.map((variant) => variant[Symbol.asyncDispose]()));
});

test("are planned by their own cuts", async () => {
  await using first = smallSegmenter("fixed:2");
  await using pool3 = first.variant({ cuts: [parseCut("pool3")] });
  await using pool4 = first.variant({ cuts: [parseCut("pool4")] });
  await using planned = first.variant({ planFor: (network) => planOf(network, { cuts: [parseCut("pool3")] }) });
  const entries: (string | null | undefined)[] = [];
  for (const segmenter of [pool3, pool4, planned])
    entries.push((await segmenter.prepare(frameSize)).plan?.stages[1]?.entry);
  expect(entries[0]).toContain("pool3");
  expect(entries[1]).toContain("pool4");
  expect(entries[2]).toBe(entries[0]);
});

test("live on when the first is disposed, each with memory of its own", async () => {
  const first = smallSegmenter("fixed:3");
  await using second = first.variant({});
  expect(firings(await resultsOf(first.segment(movingFrames(2))))).toEqual(["##", "#."]);
  expect(firings(await resultsOf(second.segment(movingFrames(1), { continues: true })))).toEqual(["##"]);
  await first[Symbol.asyncDispose]();
  expect(firings(await resultsOf(second.segment(movingFrames(3), { continues: true })))).toEqual(["#.", "#.", "##"]);
});

describe("fitted networks", () => {
  test("a failure is not kept", async () => {
    let broken = true;
    const engine: Engine = {
      open: (model, options) => (broken ? Promise.reject(new Error("busy")) : localEngine.open(model, options)),
    };
    const fitted = new FittedNetworks({ model: smallModel(), engine });
    await expect(fitted.at(frameSize)).rejects.toThrow("busy");
    broken = false;
    expect((await fitted.at(frameSize)).size).toEqual(frameSize);
  });

  test("the latest four sizes are kept", async () => {
    const { engine, opened } = counting();
    const fitted = new FittedNetworks({ model: smallModel(), engine });
    const sizes = [1, 2, 3, 4, 5].map((times) => ({ widthPx: 32 * times, heightPx: 32 }));
    const each: number[] = [];
    for (const size of [...sizes, ...sizes.slice(1), ...sizes.slice(0, 1)]) {
      const before = opened.probes;
      expect((await fitted.at(size)).size).toEqual(size);
      each.push(opened.probes - before);
    }
    expect(each.map((count) => count > 0)).toEqual([...sizes.map(() => true), false, false, false, false, true]);
  });
});
