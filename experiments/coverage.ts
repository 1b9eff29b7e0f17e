// Does the promise of `tune --max-loss` hold? Losses of a ladder of clocks are measured on blocks of footage once; then,
// again and again, some blocks at random are calibrated on and the others are the footage to come. Promised is what the
// calibration blocks allow; broken is a promise that the other blocks do not keep.

import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Progress } from "../src/cli/progress.ts";
import { formatSchedule, type Propagation, type Size } from "../src/index.ts";
import { nodeEngine, openDataset, openSegmenter, type Sequence } from "../src/node.ts";
import { FileStore } from "../src/node/file-store.ts";
import { meansOf } from "../src/tune/blocks.ts";
import { coverageOf, splitsOf } from "../src/tune/coverage.ts";
import { Disagreements } from "../src/tune/disagreement.ts";
import { runOracle, type FootageProgress, type OracleVideo } from "../src/tune/footage.ts";
import { divideFootage, groundOf, tryOut, type FootageParts } from "../src/tune/ground.ts";
import { bestKind, ladderOf } from "../src/tune/keep.ts";
import { seeded, type ClockKind, type PromiseGoal } from "../src/tune/index.ts";
import { sheetsText, type Format } from "./rows.ts";

/** How to go through footage, whatever its source. */
export interface CoverageOptions {
  readonly model: string;
  /** What the clocks look at; default: chosen as `tune` does. */
  readonly kind: ClockKind | undefined;
  /** Size at which the network runs; default: what the model says. */
  readonly size: Size | undefined;
  /** What clocks do with what is held; default `still`. */
  readonly propagate?: Propagation | undefined;
  readonly splits: number;
  readonly signal?: AbortSignal;
}

/** Videos to run on. */
export interface VideoCoverageOptions extends CoverageOptions {
  /** Videos and datasets; labels are not looked at. */
  readonly data: readonly string[];
  readonly blockSec: number;
}

/** Footage: what signals are fitted to, and what is split again and again. */
export interface CoverageFootage {
  /** Opened when the model is known to be there. */
  readonly open: () => Promise<readonly Sequence[]>;
  /** Divides the videos when their lengths are known. */
  readonly divide: (recorded: readonly OracleVideo[]) => FootageParts;
}

/** What came out. */
export interface CoverageResult {
  /** Losses by block and candidate. */
  readonly losses: readonly (readonly number[])[];
  readonly candidates: readonly {
    readonly clock: string;
    readonly updateRate: number;
    readonly disagreement: number;
  }[];
  readonly rows: readonly CoverageRow[];
}

/** One promise, many splits. */
export interface CoverageRow extends PromiseGoal {
  readonly calibration: number;
  /** Share of splits in which a promise was made. */
  readonly promised: number;
  /** Share of splits in which it was made and broken. */
  readonly broken: number;
  /** Mean update rate of what was promised; `null` where nothing was. */
  readonly updateRate: number | null;
  /** Mean loss of it on the other blocks (`mean`), or mean share of them above the limit (`clips`). */
  readonly risk: number | null;
  /** Mean loss of it on all blocks. */
  readonly loss: number | null;
}

const losses = [0.01, 0.02, 0.03, 0.05, 0.08] as const;

/** Runs the experiment on videos. */
export async function coverage(options: VideoCoverageOptions): Promise<CoverageResult> {
  const { data, blockSec } = options;
  const open = async (): Promise<readonly Sequence[]> => {
    const videos: Sequence[] = [];
    for (const path of data) videos.push(...(await openDataset(path)).sequences);
    return videos;
  };
  return coverageOn({ open, divide: (recorded) => divideFootage(recorded, { blockSec }) }, options);
}

/** Runs the experiment on footage of any kind. */
export async function coverageOn(footage: CoverageFootage, options: CoverageOptions): Promise<CoverageResult> {
  const { model, kind, propagate, splits, signal } = options;
  const progress = new Progress(process.stderr);
  await using oracle = await openSegmenter({
    model,
    clock: "every",
    ...(options.size !== undefined && { size: options.size }),
  });
  await using labels = await FileStore.open(await mkdtemp(join(tmpdir(), "clockwork-coverage-")));
  try {
    const videos = await footage.open();
    const [first] = videos;
    const size = first === undefined ? undefined : await sizeOf(first);
    if (size === undefined) throw new Error("coverage: expected videos with frames, got none");
    const { network, plan } = await oracle.prepare(size);
    if (network === undefined || plan === undefined)
      throw new Error("coverage: expected a network, got a compiled one");
    const ways = {
      videos,
      oracle,
      labels,
      network,
      plan,
      engine: nodeEngine,
      classes: oracle.classNames?.length ?? network.output.classes ?? 256,
      ...(kind !== undefined && { kind }),
      ...(propagate !== undefined && { propagate }),
      ...(signal !== undefined && { signal }),
      onProgress: ({ step, frames, total }: FootageProgress) => progress.update({ frames, total, note: step }),
    };
    const recorded = await runOracle(ways);
    const parts = footage.divide(recorded);
    await using disagreements = new Disagreements(ways, plan.stages.length);
    const ground = await groundOf(ways, recorded, parts, disagreements);
    const columns: Float64Array[] = [];
    const candidates: { clock: string; updateRate: number; disagreement: number }[] = [];
    for (const choice of ladderOf(ground, await bestKind(ground))) {
      const { candidate, values } = await tryOut(ground, choice, ground.calibration);
      columns.push(meansOf(ground.blocks, values));
      const { updateRate, disagreement } = candidate;
      candidates.push({ clock: formatSchedule(candidate.schedule), updateRate, disagreement });
    }
    const matrix = ground.blocks.map((_, block) => columns.map((column) => column[block] ?? 0));
    return { losses: matrix, candidates, rows: rowsOf(matrix, candidates, splits) };
  } finally {
    progress.done();
    await labels.remove();
  }
}

/** Splits of blocks that were measured. */
function rowsOf(
  matrix: CoverageResult["losses"],
  candidates: CoverageResult["candidates"],
  splits: number,
): readonly CoverageRow[] {
  const calibration = Math.floor(matrix.length / 2);
  return (["mean", "clips"] as const).flatMap((promise) =>
    losses.map((alpha): CoverageRow => {
      const goal: PromiseGoal = { promise, alpha, delta: 0.1 };
      const { promised, broken, chosen, meanRisk } = coverageOf(
        goal,
        splits,
        splitsOf(matrix, goal, calibration, seeded(1)),
      );
      const count = chosen.reduce((sum, times) => sum + times, 0);
      const meanOf = (figure: "updateRate" | "disagreement"): number | null =>
        count === 0
          ? null
          : chosen.reduce((sum, times, at) => sum + times * (candidates[at]?.[figure] ?? 0), 0) / count;
      return {
        ...goal,
        calibration,
        promised,
        broken,
        updateRate: meanOf("updateRate"),
        risk: meanRisk,
        loss: meanOf("disagreement"),
      };
    }),
  );
}

/** The result as text of a format; JSON has the losses of every block. @param blocks what a block is, in words */
export function coverageText(result: CoverageResult, format: Format, blocks = "blocks"): string {
  if (format === "json") return JSON.stringify(result);
  const { losses: matrix, candidates, rows } = result;
  const percent = (share: number | null): string => (share === null ? "-" : (100 * share).toFixed(1));
  return sheetsText(
    [
      {
        title: `${matrix.length} ${blocks}`,
        cells: [
          ["clock", "fires on %", "disagreement %"],
          ...candidates.map(({ clock, updateRate, disagreement }) => [
            clock,
            percent(updateRate),
            percent(disagreement),
          ]),
        ],
        notes: [],
      },
      {
        title: "Promises",
        cells: [
          ["promise", "max loss %", "calibrated on", "promised %", "broken %", "fires on %", "risk %", "loss %"],
          ...rows.map(({ promise, alpha, calibration, promised, broken, updateRate, risk, loss }) => [
            promise,
            percent(alpha),
            String(calibration),
            percent(promised),
            percent(broken),
            percent(updateRate),
            percent(risk),
            percent(loss),
          ]),
        ],
        notes: [],
      },
    ],
    format,
  );
}

async function sizeOf(video: Sequence): Promise<{ readonly widthPx: number; readonly heightPx: number } | undefined> {
  for await (const { frame } of video.read({ to: 1 })) return frame;
  return undefined;
}
