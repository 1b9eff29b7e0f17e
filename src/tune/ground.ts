// All that is known before clocks are compared: recordings in parts, signals fitted to the first of them, and how cost is
// shared among stages.

import type { ChangeSignal, Signal } from "../clocks/index.ts";
import { signalSourceOf } from "../compile/index.ts";
import { ClockworkError } from "../errors.ts";
import type { Network } from "../network/index.ts";
import type { Plan } from "../stages/index.ts";
import { blockFramesOf, divide, type Span } from "./blocks.ts";
import type { Disagreements } from "./disagreement.ts";
import { fitExpectation } from "./expectation.ts";
import { probeSignal, recordSignals, sampleFeatures, type FootageOptions, type OracleVideo } from "./footage.ts";
import { costOf, keysOf, partsOf, periodKeys, type Choice, type ClockKind, type Cost, type Part } from "./part.ts";
import { fitProbe } from "./probe.ts";
import { seeded } from "./random.ts";
import { percent, textOf } from "./wording.ts";

/** What clocks are compared on. */
export interface GroundOptions extends FootageOptions {
  /** The network and its plan, at the size of the first video's frames. */
  readonly network: Network;
  readonly plan: Plan;
  /** Classes of the network. */
  readonly classes: number;
  /** Clock to tune; default: the one that agrees most with the oracle at the same cost. */
  readonly kind?: ClockKind;
  /** Length of the blocks that a promise is made from, in seconds; default 1. */
  readonly blockSec?: number;
  /** Share of each video, from its start, that signals are fitted to; default a third. */
  readonly fitShare?: number;
  /** Any whole number; the same seed gives the same schedule. */
  readonly seed?: number;
}

/** What clocks are compared on, in parts. */
export interface Ground {
  readonly plan: Plan;
  /** Cost of each stage without deeper ones, as a share of the network's; shallowest first. */
  readonly shares: readonly number[];
  /** Kinds of clocks that may be chosen. */
  readonly kinds: readonly ClockKind[];
  /** Signals by kind; a fixed rate has none. */
  readonly signals: ReadonlyMap<ClockKind, Signal>;
  /** Videos whole. */
  readonly whole: readonly Part[];
  /** The first part of each, which signals were fitted to. */
  readonly fit: readonly Part[];
  /** The rest of each. */
  readonly calibration: readonly Part[];
  /** The rest in blocks. */
  readonly blocks: readonly Span[];
  readonly blockSec: number;
  readonly disagreements: Disagreements;
  /** What was found out about signals, for people. */
  readonly notes: readonly string[];
}

/** A clock that was tried. */
export interface TunedCandidate extends Choice, Cost {
  /** Mean share of the pixels that disagree with the oracle. */
  readonly disagreement: number;
}

const usual = { blockSec: 1, fitShare: 1 / 3, seed: 1 } as const;

/** Periods of which the first pairs of frame and key are made that expected disagreement is fitted to. */
const explorationPeriod = 16;

/** Fewer pairs of frame and key would fit noise. */
const leastPairs = 12;

/** Videos in parts. */
export interface FootageParts {
  readonly fit: readonly Span[];
  readonly calibration: readonly Span[];
  readonly blocks: readonly Span[];
  readonly blockSec: number;
  readonly fitShare: number;
}

/** Divides videos into what is fitted to and what is judged on. */
export function divideFootage(
  videos: readonly OracleVideo[],
  { blockSec = usual.blockSec, fitShare = usual.fitShare }: GroundOptions,
): FootageParts {
  const divisions = videos.map(({ frames, framesPerSec }) =>
    divide([frames], { blockFrames: blockFramesOf(blockSec, framesPerSec), fitShare }),
  );
  const spans = (name: "fit" | "calibration" | "blocks"): readonly Span[] =>
    divisions.flatMap((division, video) => division[name].map((span) => ({ ...span, video })));
  return { fit: spans("fit"), calibration: spans("calibration"), blocks: spans("blocks"), blockSec, fitShare };
}

/**
 * Records signals, and fits those that have weights.
 * @throws ClockworkError `invalid-argument` where the network has nothing that the wanted kind of clock could look at
 */
export async function groundOf(
  options: GroundOptions,
  videos: readonly OracleVideo[],
  divided: FootageParts,
  disagreements: Disagreements,
): Promise<Ground> {
  const { plan } = options;
  const notes: string[] = [];
  const fitFrames = videos.map(({ frames }, video) => divided.fit.find((span) => span.video === video)?.to ?? frames);
  const changeSignals = await changeSignalsOf(options, fitFrames, notes);
  const recordings = await recordSignals(options, changeSignals, plan.stages.length);
  const fit = partsOf(recordings, divided.fit);
  const signals = new Map<ClockKind, Signal>(changeSignals.map((signal) => [signal.kind, signal]));
  if (changeSignals.length > 0 && (options.kind === undefined || options.kind === "expected")) {
    const fitted = await expectedSignal(options, changeSignals, fit, disagreements, notes);
    if (fitted !== undefined) signals.set("expected", fitted);
  }
  const kinds = [...signals.keys(), "fixed" as const].filter((kind) => (options.kind ?? kind) === kind);
  if (kinds.length === 0) {
    const [why = "the network has nothing for it to look at"] = [...notes, ...plan.notes];
    throw new ClockworkError(
      "invalid-argument",
      `tune: expected a network for a clock of kind "${options.kind}", got one without (${why}); try fixed`,
    );
  }
  const { calibration, blocks, blockSec } = divided;
  return {
    plan,
    shares: plan.stages.map(({ share }) => share),
    kinds,
    signals,
    whole: partsOf(
      recordings,
      videos.map(({ frames }, video) => ({ video, from: 0, to: frames })),
    ),
    fit,
    calibration: partsOf(recordings, calibration),
    blocks,
    blockSec,
    disagreements,
    notes,
  };
}

/** Runs a clock over parts: what it costs, and how far it is from the oracle on every frame, by video. */
export async function tryOut(
  { disagreements, shares }: Ground,
  choice: Choice,
  parts: readonly Part[],
): Promise<{ readonly candidate: TunedCandidate; readonly values: readonly number[][] }> {
  const values: number[][] = [];
  let sum = 0;
  let frames = 0;
  for (const part of parts) {
    const found = await disagreements.of(part.video, keysOf(part, choice.schedule), part, textOf(choice));
    const list = (values[part.video] ??= []);
    for (const [offset, value] of found.entries()) list[part.from + offset] = value;
    sum += found.reduce((total, value) => total + value, 0);
    frames += found.length;
  }
  const cost = costOf(choice.schedule, parts, shares);
  return { candidate: { ...choice, ...cost, disagreement: sum / Math.max(1, frames) }, values };
}

/** The paper's signal where the network has shallow scores, and a probe where it has shallow features. */
async function changeSignalsOf(
  options: GroundOptions,
  fitFrames: readonly number[],
  notes: string[],
): Promise<readonly ChangeSignal[]> {
  const { plan, network, classes } = options;
  const signals: ChangeSignal[] = [];
  if (plan.stages.length === 1 || options.kind === "fixed") return signals;
  if (plan.stages.at(-1)?.watch?.kind === "labels" && options.kind !== "probe") signals.push({ kind: "labels" });
  const tensor = options.kind === "labels" ? undefined : featuresOf(network, plan);
  if (tensor === undefined) return signals;
  const seed = options.seed ?? usual.seed;
  const samples = await sampleFeatures(options, tensor, classes, fitFrames, seeded(seed));
  const { probe, accuracy, chance } = fitProbe(samples, { tensor, seed });
  if (accuracy !== null && chance !== null) {
    notes.push(
      `a linear probe of ${tensor} names ${percent(accuracy)} of held-out positions as the oracle does ` +
        `(the most frequent class alone: ${percent(chance)})`,
    );
  }
  return [...signals, probeSignal(probe)];
}

/** Features that enter the deepest stage; `undefined` where none can be looked at. */
function featuresOf(network: Network, plan: Plan): string | undefined {
  try {
    const source = signalSourceOf(network, plan, { kind: "adaptive", threshold: 0, signal: { kind: "features" } });
    const tensor = source?.kind === "features" ? source.tensor : undefined;
    const shape = tensor === undefined ? [] : network.shapeOf(tensor);
    return tensor !== undefined && shape?.length === 4 && network.dtypeOf(tensor) === "float32" ? tensor : undefined;
  } catch (error) {
    if (error instanceof ClockworkError && error.code === "invalid-schedule") return undefined;
    throw error;
  }
}

/** Disagreement as it follows from changed labels and age, fitted to what a slow fixed clock does. */
async function expectedSignal(
  { seed = usual.seed }: GroundOptions,
  signals: readonly ChangeSignal[],
  fit: readonly Part[],
  disagreements: Disagreements,
  notes: string[],
): Promise<Signal | undefined> {
  const shares = signals.map((): number[] => []);
  const ages: number[] = [];
  const measured: number[] = [];
  const groups: number[] = [];
  for (const [number, part] of fit.entries()) {
    const keys = periodKeys(part, explorationPeriod);
    const found = await disagreements.of(part.video, keys, part, "expected disagreement");
    for (const [offset, key] of keys.entries()) {
      const age = part.from + offset - key;
      if (age === 0) continue;
      for (const at of signals.keys()) shares[at]?.push(part.changes.share(at, offset, key - part.from));
      ages.push(age);
      measured.push(found[offset] ?? 0);
      groups.push(1000 * number + Math.floor(offset / explorationPeriod));
    }
  }
  // Too few pairs would fit noise.
  if (ages.length < leastPairs) {
    notes.push(`expected disagreement was not fitted: ${ages.length} pairs of frames, where ${leastPairs} are needed`);
    return undefined;
  }
  const { signal, r2 } = fitExpectation(
    { shares, ages, disagreements: measured, groups },
    { signals, ageCap: explorationPeriod, seed },
  );
  if (r2 !== null)
    notes.push(`expected disagreement explains ${percent(Math.max(0, r2))} of the variance of held-out pairs`);
  return signal;
}
