// CSVs read back by a reader of their own, against the evaluation.

import { describe, expect, it } from "vitest";
import { classesCsv, framesCsv, runsCsv } from "../../src/report/index.ts";
import { camVidClasses, sampleEvaluation, usualClocks } from "./sample.ts";

const evaluation = sampleEvaluation({
  sequences: ["first", 'se"cond, with\r\nbreak'],
  classes: [...camVidClasses, "a,b"],
});

describe("runs", () => {
  it("have every number of every run, unrounded", () => {
    const rows = recordsIn(runsCsv(evaluation));
    expect(rows.map((row) => row["clock"])).toEqual(usualClocks);
    for (const [index, run] of evaluation.runs.entries()) {
      const row = rows[index] ?? {};
      const number = (name: string): number => Number(row[name]);
      expect(number("mIoU")).toBe(run.mIoU);
      expect(number("boundaryMIoU")).toBe(run.boundary?.mIoU);
      expect(number("boundaryFrequencyWeightedIoU")).toBe(run.boundary?.frequencyWeightedIoU);
      expect(number("agreement")).toBe(run.agreement);
      expect(number("flicker")).toBe(run.flicker);
      expect(number("consistency")).toBe(run.consistency?.value);
      expect(number("consistencyMIoU")).toBe(run.consistency?.mIoU);
      expect(number("consistencyPixels")).toBe(run.consistency?.pixels);
      expect([number("updateRate1"), number("updateRate2")]).toEqual(run.updateRates);
      expect(number("macsRatio")).toBe(run.macsRatio);
      expect(number("latencyP99Ms")).toBe(run.latencyMs.p99);
      expect(number("ageMean")).toBe(run.age.mean);
      expect(number("worstFrameIndex")).toBe(run.worstFrame.index);
    }
  });

  it("have nothing where there are no labels", () => {
    const rows = recordsIn(runsCsv(sampleEvaluation({ labels: false })));
    expect(rows.map((row) => [row["mIoU"], row["boundaryMIoU"]])).toEqual(usualClocks.map(() => ["", ""]));
  });
});

it("have nothing where consistency was not measured", () => {
  const rows = recordsIn(runsCsv(sampleEvaluation({ consistency: false })));
  expect(rows.map((row) => [row["consistency"], row["consistencyPixels"]])).toEqual(usualClocks.map(() => ["", ""]));
});

describe("classes", () => {
  it("have one row a run and class", () => {
    const rows = recordsIn(classesCsv(evaluation));
    const expected = evaluation.runs.flatMap((run) =>
      Object.entries(run.perClass).map(([name, iou]) => ({
        clock: run.clock,
        propagate: "still",
        class: name,
        IoU: iou === null ? "" : String(iou),
      })),
    );
    expect(rows).toEqual(expected);
    expect(rows).toHaveLength(8 * 12);
  });

  it("are a header alone without labels", () => {
    expect(classesCsv(sampleEvaluation({ labels: false }))).toBe("clock,propagate,class,IoU\r\n");
  });
});

describe("frames", () => {
  it("have one row a run and frame, with what the timeline has", () => {
    const rows = recordsIn(framesCsv(evaluation));
    expect(rows).toHaveLength(8 * 101);
    for (const [index, row] of rows.entries()) {
      const timeline = evaluation.timelines[Math.floor(index / 101)];
      const at = index % 101;
      if (timeline === undefined) throw new Error("a timeline is missing");
      const signal = timeline.signal[at] ?? null;
      expect(row).toEqual({
        clock: usualClocks[Math.floor(index / 101)],
        propagate: "still",
        index: String(at),
        sequence: evaluation.sequences[timeline.sequence[at] ?? -1],
        frame: String(timeline.frame[at]),
        fired1: String(timeline.fired[at]?.[0]),
        fired2: String(timeline.fired[at]?.[1]),
        signal: signal === null ? "" : String(signal),
        shot: String(timeline.shot[at]),
        agreement: String(timeline.agreement[at]),
        accuracy: String(timeline.accuracy[at]),
        age: String(timeline.age[at]),
        ms: String(timeline.ms[at]),
      });
    }
  });
});

/** Reads CSV by the grammar of RFC 4180, section 2, character by character. */
function recordsIn(text: string): readonly Record<string, string>[] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? "";
    if (quoted) {
      if (char !== '"') cell += char;
      else if (text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === ",") {
      row.push(cell);
      cell = "";
    } else if (char === "\r" && text[at + 1] === "\n") {
      rows.push([...row, cell]);
      row = [];
      cell = "";
      at += 1;
    } else cell += char;
  }
  expect(quoted).toBe(false);
  expect(cell).toBe("");
  const [header = [], ...records] = rows;
  return records.map((record) => {
    expect(record).toHaveLength(header.length);
    return Object.fromEntries(header.map((name, index) => [name, record[index] ?? ""]));
  });
}
