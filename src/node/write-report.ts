// A report as files: the page, the same numbers as JSON, and tables as CSV.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Dataset } from "../datasets/index.ts";
import { ClockworkError, reasonOf } from "../errors.ts";
import type { DetailedEvaluation, EvaluationStore, Timeline } from "../evaluate/index.ts";
import type { Frame } from "../frame.ts";
import type { Picture, Strip } from "../report/index.ts";
import { encodeImage, paletteFor } from "../video/index.ts";
import { writeAllWhole } from "./whole-file.ts";

/** What pictures are made from. */
export interface ReportSources {
  readonly dataset: Dataset;
  readonly store: EvaluationStore;
  /** Names of the network's classes, for their colours. */
  readonly classNames?: readonly string[];
}

/** Widest picture of a strip. */
const mostWidthPx = 480;

/**
 * Writes `report.html`, `report.json`, `runs.csv`, `classes.csv` and `frames.csv` into a folder, which is made; all of
 * them or none.
 * @throws ClockworkError `io` where they cannot be written
 */
export async function writeReport(
  folder: string,
  evaluation: DetailedEvaluation,
  sources: ReportSources,
): Promise<void> {
  // Drawing takes libraries that what writes no report should not have to wait for.
  const { classesCsv, framesCsv, reportHtml, runsCsv } = await import("../report/index.ts");
  const strips = await stripsOf(evaluation, sources);
  const files = [
    ["runs.csv", runsCsv(evaluation)],
    ["classes.csv", classesCsv(evaluation)],
    ["frames.csv", framesCsv(evaluation)],
    ["report.json", `${JSON.stringify(evaluation, undefined, 2)}\n`],
    ["report.html", reportHtml(evaluation, { strips })],
  ] as const;
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new ClockworkError("io", `${folder}: expected a folder that can be made (${reasonOf(cause)})`, { cause });
  }
  await writeAllWhole(files.map(([name, content]) => [join(folder, name), content] as const));
}

/** The worst, the median and the best frame of every schedule but the oracle, in pictures. */
async function stripsOf(evaluation: DetailedEvaluation, sources: ReportSources): Promise<readonly Strip[]> {
  const palette = paletteFor(sources.classNames, 256);
  const strips: Strip[] = [];
  for (const [run, { clock }] of evaluation.runs.entries()) {
    const timeline = evaluation.timelines[run];
    if (run === 0 || timeline === undefined) continue;
    for (const [kind, index] of examples(timeline)) {
      const oracle = await sources.store.labels(0, index);
      const ours = await sources.store.labels(run, index);
      const sequence = sources.dataset.sequences[timeline.sequence[index] ?? 0];
      const from = timeline.frame[index] ?? 0;
      if (oracle === undefined || ours === undefined || sequence === undefined) continue;
      for await (const { frame, name } of sequence.read({ from, to: from + 1 })) {
        strips.push({
          clock,
          kind,
          frameName: name,
          sequence: sequence.name,
          index,
          agreement: timeline.agreement[index] ?? 100,
          pictures: {
            input: await picture(frame, "jpeg"),
            oracle: await picture(coloured(oracle, palette, frame), "png"),
            ours: await picture(coloured(ours, palette, frame), "png"),
            difference: await picture(difference(frame, oracle, ours), "jpeg"),
          },
        });
      }
    }
  }
  return strips;
}

/** Frames to show. On those that fired whole, the schedule is the oracle and there is nothing to see. */
function examples(timeline: Timeline): readonly (readonly ["worst" | "median" | "best", number])[] {
  const all = timeline.agreement.map((agreement, index) => ({ agreement, index }));
  const held = all.filter(({ index }) => (timeline.age[index] ?? 0) > 0);
  const ranked = (held.length > 0 ? held : all).sort((a, b) => a.agreement - b.agreement || a.index - b.index);
  const [worst, median, best] = [ranked[0], ranked[Math.floor(ranked.length / 2)], ranked.at(-1)];
  if (worst === undefined || median === undefined || best === undefined) return [];
  const named = [["worst", worst.index] as const, ["median", median.index] as const, ["best", best.index] as const];
  return named.filter(([, index], place) => named.findIndex(([, other]) => other === index) === place);
}

async function picture(frame: Frame, format: "png" | "jpeg"): Promise<Picture> {
  return {
    mediaType: `image/${format}`,
    bytes: await encodeImage(frame, { format, mostWidthPx, nearest: format === "png" }),
  };
}

function coloured(labels: Uint8Array, palette: Uint8Array, { widthPx, heightPx }: Frame): Frame {
  const data = new Uint8Array(3 * labels.length);
  for (const [at, label] of labels.entries()) data.set(palette.subarray(3 * label, 3 * label + 3), 3 * at);
  return { data, widthPx, heightPx, timestampSec: 0 };
}

/** The frame in dim grey; what differs from the oracle in orange, which colour-blind people tell from grey, too. */
function difference(frame: Frame, oracle: Uint8Array, ours: Uint8Array): Frame {
  const data = new Uint8Array(frame.data.length);
  for (let at = 0; at < oracle.length; at++) {
    const [red = 0, green = 0, blue = 0] = frame.data.subarray(3 * at, 3 * at + 3);
    const grey = 0.35 * (0.3 * red + 0.59 * green + 0.11 * blue) + 20;
    data.set(oracle[at] === ours[at] ? [grey, grey, grey] : [255, 150, 0], 3 * at);
  }
  return { ...frame, data };
}
