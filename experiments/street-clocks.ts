// Where adaptive clocks pay: accuracy against exact labels by update rate, on streets on which a camera stops and goes,
// stands while things arrive, pans, drives, and on which it is night. Thresholds are chosen on other streets of the same
// kind, so that an adaptive clock is as much on its own as a fixed one.
//
// Nothing is run twice: each clip is rendered once, the network and the flow go through it once and tell when any clock
// fires (tune/simulate.ts, exact), and what is held is run once for each frame and the frame of its last firing
// (held-scores.ts). Nothing is blended, as in tuned schedules.

import { longestHold, type PlainSignal } from "../src/clocks/index.ts";
import { Progress } from "../src/cli/progress.ts";
import { mapClasses } from "../src/datasets/index.ts";
import { ClockworkError } from "../src/errors.ts";
import {
  ConfusionMatrix,
  formatSchedule,
  planOf,
  type Plan,
  type Propagation,
  type Schedule,
  type Segmenter,
  type Size,
} from "../src/index.ts";
import { nodeEngine } from "../src/node.ts";
import { neverFires, recordSignals, variantOf, type PassOptions } from "../src/tune/footage.ts";
import { Changes, motionSignals } from "../src/tune/index.ts";
import { adaptiveSchedule, keysOf, periodSchedule } from "../src/tune/part.ts";
import { streetClasses, type StreetOptions } from "../src/video/street/index.ts";
import type { Clip, ClipRequest } from "./clip-worker.ts";
import { marginOf, type CurvePoint, type Margin, type SeedScore } from "./clock-curves.ts";
import { confusionOf, pairScores, updateRateOf, type Keys, type ScoredClip } from "./held-scores.ts";
import { clipSequence, renderedClips } from "./street-clips.ts";
import { openSubject } from "./subject.ts";
import { thresholdFor } from "./thresholds.ts";

/** A kind of street. */
export interface Scene extends Required<Pick<StreetOptions, "style" | "camera">> {
  readonly name: string;
}

/** All that can be run, by name. */
export const scenes: readonly Scene[] = [
  { name: "stop-and-go", style: "day", camera: "stop-and-go" },
  { name: "arrivals", style: "day", camera: "fixed" },
  { name: "pan", style: "day", camera: "pan" },
  { name: "drive", style: "day", camera: "drive" },
  { name: "night stop-and-go", style: "night", camera: "stop-and-go" },
  { name: "night fixed", style: "night", camera: "fixed" },
];

/** What to run. */
export interface StreetClocksOptions {
  readonly model: string;
  /** The cut of the plan of two stages; default: the planner's. */
  readonly cut2?: string | undefined;
  readonly scenes: readonly Scene[];
  /** Streets of each scene, and others that thresholds are chosen on. */
  readonly seeds: number;
  readonly calibrationSeeds: number;
  /** Seeds follow each other from here on, those of the calibration first. */
  readonly firstSeed: number;
  /** Frames of each. */
  readonly frames: number;
  readonly fps: number;
  /** Size of the frames, and at which the network runs. */
  readonly size: Size;
  readonly signal?: AbortSignal;
}

/** What a clock looks at; `fixed`: at nothing. */
export type ClockName = "fixed" | PlainSignal["kind"];

/** One family of clocks in one scene: they differ in their rate alone. */
export interface StreetCurve {
  /** 1: the whole network is held. */
  readonly stages: 1 | 2;
  readonly propagate: Propagation;
  readonly clock: ClockName;
  /** From the highest rate that was aimed at to the lowest. */
  readonly points: readonly StreetCurvePoint[];
}

/** A clock of a family. */
export interface StreetCurvePoint extends CurvePoint {
  /** Against the fixed clocks with the same cut and propagation, the oracle being one of them; `null` for those. */
  readonly margin: Margin | null;
}

/** One scene. */
export interface SceneResult {
  readonly scene: Scene;
  readonly oracle: CurvePoint;
  readonly curves: readonly StreetCurve[];
}

/** What came out. */
export interface StreetClocksResult extends Pick<
  StreetClocksOptions,
  "seeds" | "calibrationSeeds" | "firstSeed" | "frames" | "fps" | "size"
> {
  readonly model: string;
  readonly scenes: readonly SceneResult[];
  readonly notes: readonly string[];
}

/** Periods whose rates adaptive clocks are held against; the last is there for clocks that rest longer than any other. */
const periods = [2, 3, 5, 8, 12] as const;
const rates = [1 / 2, 1 / 3, 1 / 5, 1 / 8] as const;

/** One cut and one way to hold. */
interface Lane {
  readonly stages: 1 | 2;
  readonly propagate: Propagation;
  readonly plan: Plan;
  readonly signals: readonly PlainSignal[];
  /** `undefined` where labels are repeated. */
  readonly resting: Segmenter | undefined;
}

/** A clock in a lane, and what it did on each seed. */
interface Method {
  readonly lane: Lane;
  readonly clock: ClockName;
  readonly aimed: number;
  readonly schedule: Schedule;
  readonly runs: Run[];
}

interface Run {
  readonly seed: number;
  readonly updateRate: number;
  readonly confusion: ConfusionMatrix;
}

/** Runs the experiment. @throws ClockworkError `aborted` by the signal, and where the model is no good */
export async function streetClocks(options: StreetClocksOptions): Promise<StreetClocksResult> {
  const { model, cut2, size, frames, signal } = options;
  // Several graphs run side by side: one thread for each is the most that two cores can do.
  const subject = await openSubject({ model, cut2, size: "native", threads: 1 }, size);
  const { oracle, two } = subject;
  const lanes: Lane[] = [];
  const progress = new Progress(process.stderr);
  const notes = [...subject.notes];
  try {
    const { network } = await oracle.prepare(size);
    if (network === undefined) throw new ClockworkError("invalid-argument", `${model}: expected a network, got none`);
    const one = planOf(network, { stages: 1 });
    for (const [stages, plan] of [[1, one] as const, ...(two === undefined ? [] : [[2, two.plan] as const])]) {
      const labels: readonly PlainSignal[] = plan.stages.at(-1)?.watch?.kind === "labels" ? [{ kind: "labels" }] : [];
      for (const propagate of ["still", "flow"] as const) {
        const signals = propagate === "flow" ? [...labels, ...motionSignals] : labels;
        const repeats = stages === 1 && propagate === "still";
        const schedule = neverFires(stages, propagate);
        const resting = repeats ? undefined : variantOf({ oracle, network, plan }, { schedule });
        lanes.push({ stages, propagate, plan, signals, resting });
      }
    }
    const mapped = mapClasses({ network: oracle.classNames, dataset: streetClasses });
    notes.push(...mapped.notes);
    const work: Work = {
      oracle,
      lanes,
      table: mapped.table,
      passes: { oracle, network, plan: two?.plan ?? one, engine: nodeEngine, engineOptions: { threads: 1 } },
      fps: options.fps,
      ...(signal !== undefined && { signal }),
    };
    const tasks = tasksOf(options);
    const rendering = renderedClips(
      tasks.map(({ request }) => request),
      signal === undefined ? {} : { signal },
    );
    const states = new Map<Scene, SceneState>(
      options.scenes.map((scene) => [scene, { calibration: [], methods: undefined, oracle: [] }]),
    );
    let done = 0;
    for await (const clip of rendering) {
      const task = tasks[done];
      const state = task && states.get(task.scene);
      if (task === undefined || state === undefined) break;
      await (task.calibrates ? calibrate(state, clip, work) : goThrough(state, task, clip, work, notes));
      done += 1;
      progress.update({ frames: done, unit: "clips", total: tasks.length, note: task.scene.name });
    }
    const results = [...states].map(([scene, state]) => resultOf(scene, state, lanes));
    const { seeds, calibrationSeeds, firstSeed, fps } = options;
    const about = { seeds, calibrationSeeds, firstSeed, frames, fps, size };
    return { model, ...about, scenes: results, notes: [...new Set(notes)] };
  } finally {
    progress.done();
    for (const { resting } of lanes) await resting?.[Symbol.asyncDispose]();
    await oracle[Symbol.asyncDispose]();
  }
}

/** What goes through clips. */
interface Work {
  readonly oracle: Segmenter;
  readonly lanes: readonly Lane[];
  readonly table: Uint8Array;
  readonly passes: Omit<PassOptions, "videos">;
  readonly fps: number;
  readonly signal?: AbortSignal;
}

/** What is known of a scene so far. */
interface SceneState {
  /** Recordings of the streets that thresholds are chosen on. */
  readonly calibration: Changes[];
  /** Made when all of those are there. */
  methods: readonly Method[] | undefined;
  readonly oracle: Run[];
}

/** A clip and what it is for. */
interface Task {
  readonly scene: Scene;
  readonly seed: number;
  readonly calibrates: boolean;
  readonly request: ClipRequest;
}

function tasksOf(options: StreetClocksOptions): readonly Task[] {
  const { seeds, calibrationSeeds, firstSeed, frames, fps, size } = options;
  return options.scenes.flatMap((scene) =>
    Array.from({ length: calibrationSeeds + seeds }, (_, index): Task => {
      const seed = firstSeed + index;
      const street: StreetOptions = { ...size, fps, seed, style: scene.style, camera: scene.camera };
      return { scene, seed, calibrates: index < calibrationSeeds, request: { street, frames } };
    }),
  );
}

async function calibrate(state: SceneState, clip: Clip, work: Work): Promise<void> {
  state.calibration.push(await changesOf(clip, work));
}

/** What clocks look at in a clip. */
async function changesOf(clip: Clip, { passes, fps, lanes, signal }: Work): Promise<Changes> {
  const sees = lanes.some(({ signals }) => signals.some(({ kind }) => kind === "labels"));
  const [recording] = await recordSignals(
    { ...passes, videos: [clipSequence("clip", clip, fps)], ...(signal !== undefined && { signal }) },
    sees ? [{ kind: "labels" }] : [],
    passes.plan.stages.length,
    true,
  );
  if (recording === undefined) throw new RangeError("expected a recording of the clip");
  return new Changes(recording);
}

/** Runs all clocks of a scene on one of its streets. */
async function goThrough(
  state: SceneState,
  { seed, scene }: Task,
  clip: Clip,
  work: Work,
  notes: string[],
): Promise<void> {
  const { oracle, lanes, table, signal } = work;
  state.methods ??= lanes.flatMap((lane) => methodsOf(lane, state.calibration, scene, notes));
  const { methods } = state;
  const [changes, fresh] = await allDone([changesOf(clip, work), labelsOf(oracle, clip, signal)]);
  const scored: ScoredClip = { ...clip, fresh, table };
  const part = { video: 0, from: 0, to: clip.frames.length, changes };
  const every = [...clip.frames.keys()];
  await allDone(
    lanes.map(async (lane): Promise<void> => {
      const own = methods.filter((method) => method.lane === lane);
      const clocks = own.map(({ schedule }): Keys => keysOf(part, schedule));
      const scores = await pairScores(scored, lane.resting, clocks, signal);
      for (const [place, keys] of clocks.entries()) {
        own[place]?.runs.push({ seed, updateRate: updateRateOf(keys), confusion: confusionOf(keys, scores) });
      }
      if (lane === lanes[0]) state.oracle.push({ seed, updateRate: 1, confusion: confusionOf(every, scores) });
    }),
  );
}

async function labelsOf(
  oracle: Segmenter,
  clip: Clip,
  signal: AbortSignal | undefined,
): Promise<readonly Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const { labels } of oracle.segment(clip.frames, signal === undefined ? {} : { signal })) {
    all.push(labels.data);
  }
  return all;
}

/** The clocks of a lane, with thresholds for the rates of fixed ones. */
function methodsOf(lane: Lane, calibration: readonly Changes[], scene: Scene, notes: string[]): readonly Method[] {
  const { plan, propagate, signals, stages } = lane;
  const method = (clock: ClockName, aimed: number, schedule: Schedule): Method => ({
    lane,
    clock,
    aimed,
    schedule,
    runs: [],
  });
  const fixed = periods.map((period) => method("fixed", 1 / period, periodSchedule(plan, propagate, period)));
  const adaptive = signals.flatMap((signal) =>
    rates.flatMap((rate) => {
      const found = thresholdFor(calibration, rate, signal, propagate);
      if (found !== undefined) return [method(signal.kind, rate, adaptiveSchedule(signal, propagate, found.threshold))];
      notes.push(
        `${scene.name}: no clock that looks at ${signal.kind} (${stages} ${stages === 1 ? "stage" : "stages"}, ` +
          `${propagate}) fires on ${(100 * rate).toFixed(1)} % of the frames or less; with flow none rests for more ` +
          `than ${longestHold({ kind: "adaptive", threshold: 0, propagate: "flow" }) ?? 0} frames.`,
      );
      return [];
    }),
  );
  return [...fixed, ...adaptive];
}

function resultOf(scene: Scene, { methods = [], oracle: runs }: SceneState, lanes: readonly Lane[]): SceneResult {
  const oracle = pointOf("every", 1, runs);
  const curves = lanes.flatMap((lane) => {
    const own = methods.filter((method) => method.lane === lane);
    const pointsOf = (clock: ClockName): readonly CurvePoint[] =>
      own
        .filter((method) => method.clock === clock)
        .map(({ schedule, aimed, runs }) => pointOf(formatSchedule(schedule), aimed, runs));
    const fixed = [oracle, ...pointsOf("fixed")];
    return [...new Set(own.map(({ clock }) => clock))].map((clock): StreetCurve => {
      const points = pointsOf(clock).map((point): StreetCurvePoint => ({
        ...point,
        margin: clock === "fixed" ? null : marginOf(point, fixed),
      }));
      return { stages: lane.stages, propagate: lane.propagate, clock, points };
    });
  });
  return { scene, oracle, curves };
}

/** Sums up what a clock did. All clips are of one length. */
function pointOf(name: string, aimed: number, runs: readonly Run[]): CurvePoint {
  const all = new ConfusionMatrix(streetClasses.length);
  for (const { confusion } of runs) all.add(confusion);
  const percent = (confusion: ConfusionMatrix): number => 100 * (confusion.result().meanIou ?? 0);
  const seeds = runs.map(({ seed, updateRate, confusion }): SeedScore => ({
    seed,
    updateRate,
    mIoU: percent(confusion),
  }));
  const updateRate = runs.reduce((sum, run) => sum + run.updateRate, 0) / Math.max(1, runs.length);
  return { name, aimed, updateRate, mIoU: percent(all), seeds };
}

/** Waits for all, even where one fails: nothing may go on while what it runs on is closed. */
async function allDone<T extends readonly unknown[]>(work: { readonly [K in keyof T]: Promise<T[K]> }): Promise<T> {
  await Promise.allSettled(work);
  return await Promise.all(work);
}
