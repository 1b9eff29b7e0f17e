// All that is known before clocks are compared: recordings in parts, signals fitted to the first of them, and how cost is
// shared among stages.

import {
  longestHold,
  type ChangeSignal,
  type MotionSignal,
  type PlainSignal,
  type Propagation,
  type Signal,
} from "../clocks/index.ts";
import { signalSourceOf } from "../compile/index.ts";
import { ClockworkError } from "../errors.ts";
import type { Network } from "../network/index.ts";
import type { Plan } from "../stages/index.ts";
import { blockFramesOf, divide, type Span } from "./blocks.ts";
import type { Disagreements } from "./disagreement.ts";
import { fitExpectation } from "./expectation.ts";
import { probeSignal, recordSignals, sampleFeatures, type FootageOptions, type OracleVideo } from "./footage.ts";
import { longestAge, motionSignals } from "./motion-values.ts";
import { costOf, keysOf, partsOf, periodKeys, type Choice, type ClockKind, type Cost, type Part } from "./part.ts";
import { fitProbe } from "./probe.ts";
import { seeded } from "../seeded.ts";
import { percent, textOf } from "./wording.ts";

/** What clocks are compared on. */
export interface GroundOptions extends FootageOptions {
  /** Classes of the network. */
  readonly classes: number;
  /** Clock to tune; default: the one that agrees most with the oracle at the same cost. */
  readonly kind?: ClockKind;
  /** Length of the blocks that a promise is made from, in seconds; default 1. */
  readonly blockSec?: number;
  /** Share of each video, from its start, that signals are fitted to, below 1; default a third. */
  readonly fitShare?: number;
  /** Any whole number; the same seed gives the same schedule. */
  readonly seed?: number;
}

/** What clocks are compared on, in parts. */
export interface Ground {
  readonly plan: Plan;
  /** What all clocks do with what is held. */
  readonly propagate: Propagation;
  /** Frames in a row that a clock which looks at the scene may hold; `Infinity` where there is no end to it. */
  readonly longestHold: number;
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

/**
 * Divides videos into what is fitted to and what is judged on.
 * @throws ClockworkError `invalid-argument` for options out of range
 */
export function divideFootage(
  videos: readonly OracleVideo[],
  { blockSec = usual.blockSec, fitShare = usual.fitShare }: Pick<GroundOptions, "blockSec" | "fitShare">,
): FootageParts {
  if (!(blockSec > 0)) {
    throw new ClockworkError("invalid-argument", `blocks: expected a length above 0 s, got ${blockSec}; try 1`);
  }
  if (!(fitShare >= 0 && fitShare < 1)) {
    throw new ClockworkError(
      "invalid-argument",
      `fit: expected a share of each video from 0 to below 1, got ${fitShare}; try 0.3`,
    );
  }
  const divisions = videos.map(({ frames, framesPerSec }) =>
    divide([frames], { blockFrames: blockFramesOf(blockSec, framesPerSec), fitShare }),
  );
  const spans = (name: "fit" | "calibration" | "blocks"): readonly Span[] =>
    divisions.flatMap((division, video) => division[name].map((span) => ({ ...span, video })));
  return { fit: spans("fit"), calibration: spans("calibration"), blocks: spans("blocks"), blockSec, fitShare };
}

/**
 * Refuses a kind of clock for which the network has nothing to look at.
 * @throws ClockworkError `invalid-argument`
 */
export function checkKind({
  plan,
  network,
  kind,
  propagate,
}: Pick<GroundOptions, "plan" | "network" | "kind" | "propagate">): void {
  if (kind === undefined || kind === "fixed") return;
  if (propagate === "flow" && (kind === "expected" || isOfMotion(kind))) return;
  if (isOfMotion(kind))
    throw unsuitable(kind, "it is measured in flow, and what is held stands still", "propagate flow");
  const stages = plan.stages.length;
  if (stages === 1) throw unsuitable(kind, plan.notes[0] ?? "there is one stage, the whole network");
  const { labels, features } = sightsOf(network, plan);
  if (kind === "labels" && !labels) throw unsuitable(kind, `stage ${stages - 1} makes no score map`);
  if (kind === "labels" || (kind === "expected" && labels)) return;
  if (features.kind === "none") throw unsuitable(kind, features.why);
}

function isOfMotion(kind: ClockKind | undefined): kind is MotionSignal["kind"] {
  return motionSignals.some((signal) => signal.kind === kind);
}

function unsuitable(kind: ClockKind, why: string, hint = "fixed"): ClockworkError {
  return new ClockworkError(
    "invalid-argument",
    `tune: expected something that a clock of kind "${kind}" can look at, got none: ${why}; try ${hint}`,
  );
}

/**
 * Records signals, and fits those that have weights.
 * @throws ClockworkError `invalid-argument` where there is nothing that the wanted kind of clock could look at
 */
export async function groundOf(
  options: GroundOptions,
  videos: readonly OracleVideo[],
  divided: FootageParts,
  disagreements: Disagreements,
): Promise<Ground> {
  const { plan, propagate = "still" } = options;
  const notes: string[] = [];
  const fitFrames = videos.map((_, video) => divided.fit.find((span) => span.video === video)?.to ?? 0);
  const changeSignals = await changeSignalsOf(options, fitFrames, notes);
  const ofMotion = motionSignalsOf(options);
  const recordings = await recordSignals(options, changeSignals, plan.stages.length, ofMotion.length > 0);
  const fit = partsOf(recordings, divided.fit);
  const plain: readonly PlainSignal[] = [...changeSignals, ...ofMotion];
  const signals = new Map<ClockKind, Signal>(plain.map((signal) => [signal.kind, signal]));
  if (plain.length > 0 && (options.kind === undefined || options.kind === "expected")) {
    const fitted = await expectedSignal(options, plain, fit, disagreements, notes);
    if (fitted !== undefined) signals.set("expected", fitted);
  }
  const kinds = [...signals.keys(), "fixed" as const].filter((kind) => (options.kind ?? kind) === kind);
  if (kinds.length === 0) throw unsuitable(options.kind ?? "fixed", notes.join("; "));
  const { calibration, blocks, blockSec } = divided;
  return {
    plan,
    propagate,
    longestHold: longestHold({ kind: "adaptive", threshold: 0, propagate }) ?? Infinity,
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

/** The paper's signal where the network has shallow scores, and a probe where it has shallow features to fit one to. */
async function changeSignalsOf(
  options: GroundOptions,
  fitFrames: readonly number[],
  notes: string[],
): Promise<readonly ChangeSignal[]> {
  const { plan, network, classes } = options;
  const signals: ChangeSignal[] = [];
  if (plan.stages.length === 1 || options.kind === "fixed" || isOfMotion(options.kind)) return signals;
  const { labels, features } = sightsOf(network, plan);
  if (labels && options.kind !== "probe") signals.push({ kind: "labels" });
  if (options.kind === "labels") return signals;
  if (features.kind === "none" || fitFrames.every((frames) => frames === 0)) {
    notes.push(`no linear probe: ${features.kind === "none" ? features.why : "there are no frames to fit it to"}`);
    return signals;
  }
  const { tensor } = features;
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

/** What the flow gives, where it moves what is held. */
function motionSignalsOf({ kind, propagate }: GroundOptions): readonly MotionSignal[] {
  if (propagate !== "flow") return [];
  return motionSignals.filter((signal) => kind === undefined || kind === "expected" || kind === signal.kind);
}

/** What a network has for clocks to look at. */
interface Sights {
  /** Whether a shallow stage makes a score map. */
  readonly labels: boolean;
  /** Features that enter the deepest stage, as far as a probe can be fitted to them. */
  readonly features:
    | { readonly kind: "found"; readonly tensor: string }
    | { readonly kind: "none"; readonly why: string };
}

function sightsOf(network: Network, plan: Plan): Sights {
  return { labels: plan.stages.at(-1)?.watch?.kind === "labels", features: featuresOf(network, plan) };
}

function featuresOf(network: Network, plan: Plan): Sights["features"] {
  try {
    const source = signalSourceOf(network, plan, { kind: "adaptive", threshold: 0, signal: { kind: "features" } });
    const tensor = source?.kind === "features" ? source.tensor : "";
    const shape = network.shapeOf(tensor) ?? [];
    const dtype = network.dtypeOf(tensor);
    if (shape.length === 4 && dtype === "float32") return { kind: "found", tensor };
    return {
      kind: "none",
      why: `the features that enter stage ${plan.stages.length} (${tensor}) are ${dtype} [${shape.join(",")}], not float32 [1,C,H,W]`,
    };
  } catch (error) {
    if (error instanceof ClockworkError && error.code === "invalid-schedule") {
      return { kind: "none", why: `no features enter stage ${plan.stages.length}` };
    }
    throw error;
  }
}

/** Disagreement as it follows from other signals and age, fitted to what a slow fixed clock does. */
async function expectedSignal(
  { seed = usual.seed, propagate }: GroundOptions,
  signals: readonly PlainSignal[],
  fit: readonly Part[],
  disagreements: Disagreements,
  notes: string[],
): Promise<Signal | undefined> {
  // With flow no adaptive clock holds for longer.
  const period = propagate === "flow" ? longestAge : explorationPeriod;
  const shares = signals.map((): number[] => []);
  const ages: number[] = [];
  const measured: number[] = [];
  const groups: number[] = [];
  for (const [number, part] of fit.entries()) {
    const keys = periodKeys(part, period);
    const readers = signals.map((signal) => part.changes.readerOf(signal));
    const found = await disagreements.of(part.video, keys, part, "expected disagreement");
    for (const [offset, key] of keys.entries()) {
      const age = part.from + offset - key;
      if (age === 0) continue;
      for (const [at, read] of readers.entries()) shares[at]?.push(read(offset, key - part.from));
      ages.push(age);
      measured.push(found[offset] ?? 0);
      groups.push(1e6 * number + Math.floor(offset / period));
    }
  }
  // Too few pairs would fit noise.
  if (ages.length < leastPairs) {
    notes.push(`expected disagreement was not fitted: ${ages.length} pairs of frames, where ${leastPairs} are needed`);
    return undefined;
  }
  const { signal, r2 } = fitExpectation(
    { shares, ages, disagreements: measured, groups },
    { signals, ageCap: period, seed },
  );
  if (r2 !== null)
    notes.push(`expected disagreement explains ${percent(Math.max(0, r2))} of the variance of held-out pairs`);
  return signal;
}
