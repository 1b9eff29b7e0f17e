// Simulation of an adaptive clock from recordings, against a plain frame-by-frame run of the definition.

import { describe, expect, test } from "vitest";
import type { ExpectedSignal, LinearProbe, Signal } from "../../src/clocks/index.ts";
import {
  changed,
  Changes,
  longestAge,
  motionSignals,
  seeded,
  simulate,
  type LabelMap,
  type Recording,
} from "../../src/tune/index.ts";
import { drift } from "./recordings.ts";

const probe: LinearProbe = { tensor: "features", channels: 2, classes: 2, weights: [1, 2, 3, 4], bias: [0, 1] };

/** Two signals of different sizes on one video. */
function twoSignals(seed: number): Recording {
  const shots = [0, 31, 32, 60];
  const labels = drift({ frames: 90, positions: 61, seed, shots });
  const probed = drift({ frames: 90, positions: 40, seed: seed + 1, shots, wide: true });
  return {
    signals: [{ kind: "labels" }, { kind: "probe", probe }],
    maps: [...labels.maps, ...probed.maps],
    shots: labels.shots,
  };
}

function shareOf(a: LabelMap | undefined, b: LabelMap | undefined): number {
  const now = Array.from(a ?? []);
  return now.filter((label, at) => label !== b?.[at]).length / now.length;
}

/** The definition, as it reads. */
function byHand(
  recording: Recording,
  value: (t: number, k: number) => number,
  threshold: number,
  longestHold?: number,
): unknown {
  const fired: boolean[] = [];
  const signal: (number | null)[] = [];
  const key: number[] = [];
  let k = 0;
  for (let t = 0; t < recording.shots.length; t++) {
    const first = t === 0 || recording.shots[t] === true;
    const now = first ? null : Math.fround(value(t, k));
    const tooLong = longestHold !== undefined && t === k + longestHold + 1;
    const fires = now === null || tooLong || now >= Math.fround(threshold);
    if (fires) k = t;
    fired.push(fires);
    signal.push(now);
    key.push(k);
  }
  return { fired, signal, key, age: key.map((last, t) => t - last) };
}

const expected: ExpectedSignal = {
  kind: "expected",
  signals: [{ kind: "probe", probe: { ...probe, weights: [...probe.weights] } }, { kind: "labels" }],
  bias: 0.01,
  weights: [0.2, 0.1],
  ageWeight: 0.05,
  productWeights: [0.3, 0],
  ageCap: 8,
};

describe("simulation", () => {
  const recording = twoSignals(5);
  const [labels = [], probed = []] = recording.maps;
  const cases: readonly (readonly [string, Signal, (t: number, k: number) => number])[] = [
    ["labels", { kind: "labels" }, (t, k) => shareOf(labels[t], labels[k])],
    ["a probe", { kind: "probe", probe }, (t, k) => shareOf(probed[t], probed[k])],
    [
      "an expected signal",
      expected,
      (t, k) => {
        const s = [shareOf(probed[t], probed[k]), shareOf(labels[t], labels[k])] as const;
        const a = Math.min(t - k, 8) / 8;
        return Math.max(0, 0.01 + 0.2 * s[0] + 0.1 * s[1] + 0.05 * a + 0.3 * s[0] * a);
      },
    ],
  ];
  test.each(cases)("of %s is the definition, at every threshold", (_, signal, value) => {
    const changes = new Changes(recording);
    const rates = new Set<number>();
    // From high to low and back, so that counts are asked for in any order.
    for (const threshold of [2, 0.5, 0.1, 0.02, 0, 0.05, 0.13, 0.3, 0.7]) {
      const result = simulate(changes, signal, threshold);
      expect(result).toEqual(byHand(recording, value, threshold));
      rates.add(result.fired.filter(Boolean).length);
    }
    expect(rates.size).toBeGreaterThan(4);
  });

  test("fires always at 0, and on first frames alone above any signal", () => {
    const changes = new Changes(recording);
    expect(simulate(changes, { kind: "labels" }, 0).fired.every(Boolean)).toBe(true);
    expect(simulate(changes, { kind: "labels" }, 1.1).fired.flatMap((fires, t) => (fires ? [t] : []))).toEqual([
      0, 31, 32, 60,
    ]);
  });

  test("fires at a threshold that the signal equals", () => {
    const maps = [Uint8Array.of(1, 1, 1, 1), Uint8Array.of(1, 1, 1, 2)];
    const changes = new Changes({ signals: [{ kind: "labels" }], maps: [maps], shots: [false, false] });
    expect(simulate(changes, { kind: "labels" }, 0.25).fired).toEqual([true, true]);
    expect(simulate(changes, { kind: "labels" }, 0.2501).fired).toEqual([true, false]);
  });
});

describe("simulation with motion", () => {
  const frames = 70;
  const shots = Array.from({ length: frames }, (_, t) => t === 33);
  const random = seeded(11);
  // Values that mostly rise with age.
  const table = Array.from({ length: frames }, () =>
    Array.from({ length: longestAge }, (_, at) => motionSignals.map(() => Math.fround((at + 1) * random() * 0.1))),
  );
  const valueAt = (t: number, k: number, kind: string): number =>
    table[t]?.[t - k - 1]?.[motionSignals.findIndex((signal) => signal.kind === kind)] ?? Number.NaN;
  const labels = drift({ frames, positions: 50, seed: 2, shots: [33] });
  const recording: Recording = { ...labels, shots, motion: table.map((row) => Float32Array.from(row.flat())) };
  const mixed: ExpectedSignal = {
    kind: "expected",
    signals: [{ kind: "arrived" }, { kind: "labels" }, { kind: "residual" }],
    bias: 0,
    weights: [0.3, 0.5, 0],
    ageWeight: 0.1,
    productWeights: [0, 0.2, 0.4],
    ageCap: 11,
  };
  const [maps = []] = labels.maps;
  const cases: readonly (readonly [Signal, (t: number, k: number) => number])[] = [
    ...motionSignals.map((signal) => [signal, (t: number, k: number) => valueAt(t, k, signal.kind)] as const),
    [
      mixed,
      (t, k) => {
        const [a, s] = [(t - k) / 11, shareOf(maps[t], maps[k])];
        return 0.3 * valueAt(t, k, "arrived") + (0.5 + 0.2 * a) * s + 0.4 * a * valueAt(t, k, "residual") + 0.1 * a;
      },
    ],
  ];

  test.each(cases)("of %j is the definition, with an end to holding", (signal, value) => {
    const changes = new Changes(recording);
    const counts = new Set<number>();
    for (const threshold of [5, 0.6, 0.3, 0.15, 0.05, 0]) {
      const result = simulate(changes, signal, threshold, longestAge - 1);
      expect(result).toEqual(byHand(recording, value, threshold, 10));
      expect(Math.max(...result.age)).toBeLessThanOrEqual(10);
      counts.add(result.fired.filter(Boolean).length);
    }
    expect(counts.size).toBeGreaterThan(3);
    const forced = simulate(changes, signal, 5, longestAge - 1).fired.flatMap((fires, t) => (fires ? [t] : []));
    expect(forced).toEqual([0, 11, 22, 33, 44, 55, 66]);
  });

  test("is refused over more frames than were recorded, and without a recording", () => {
    expect(() => simulate(new Changes(recording), { kind: "motion" }, 5)).toThrow("motion over at most 11 frames");
    expect(() => simulate(new Changes(labels), { kind: "motion" }, 5)).toThrow("motion that was recorded");
    const short = { ...recording, motion: recording.motion?.slice(1) ?? [] };
    expect(() => new Changes(short)).toThrow("values of motion for 70 frames, got 69");
    const narrow = { ...recording, motion: table.map(() => new Float32Array(3)) };
    expect(() => new Changes(narrow)).toThrow("33 values of motion a frame, got 3");
  });
});

describe("changed labels", () => {
  test("are counted right for any length, any bytes and any place in memory", () => {
    const random = seeded(3);
    for (let round = 0; round < 300; round++) {
      const length = Math.floor(random() * 40);
      const offset = round % 5;
      const pair = [0, 1].map(() => new Uint8Array(length + 8).subarray(offset, offset + length));
      const [a = new Uint8Array(0), b = new Uint8Array(0)] = pair;
      for (let at = 0; at < length; at++) {
        a[at] = [0, 1, 127, 128, 255][Math.floor(random() * 5)] ?? 0;
        b[at] = random() < 0.5 ? (a[at] ?? 0) : Math.floor(random() * 256);
      }
      const count = Array.from(a).filter((value, at) => value !== b[at]).length;
      expect(changed(a, b)).toBe(count);
      expect(changed(Int32Array.from(a), Int32Array.from(b))).toBe(count);
    }
  });
});

describe("refusals", () => {
  const { signals, maps, shots } = drift({ frames: 4, positions: 8, seed: 1 });
  test.each<readonly [string, () => unknown]>([
    ["maps of 1 signals", () => new Changes({ signals, maps: [], shots })],
    ["3 maps of signal 0", () => new Changes({ signals, maps, shots: shots.slice(1) })],
    ["8 positions", () => new Changes({ signals, maps: [[...(maps[0] ?? []).slice(1), new Uint8Array(9)]], shots })],
    ['another "probe"', () => simulate(new Changes({ signals, maps, shots }), { kind: "probe", probe }, 0.1)],
    ["try a probe", () => simulate(new Changes({ signals, maps, shots }), { kind: "features" }, 0.1)],
  ])("say %j", (part, act) => {
    expect(act).toThrow(expect.objectContaining({ name: "ClockworkError", code: "invalid-argument" }));
    expect(act).toThrow(part);
  });
});
