// The file that tuning writes and segmenting reads: a schedule with all that it needs (the weights of its signal, the cuts of
// its plan), for which network it was made, what it was meant to reach, and on what evidence. Not the plan's own checks:
// whether the cuts fit a network shows when they are applied (stages/plan-file.ts).

import {
  checkSchedule,
  type ExpectedSignal,
  type LinearProbe,
  type PlainSignal,
  type Schedule,
  type Signal,
} from "../clocks/index.ts";
import { reasonOf } from "../errors.ts";
import type { PlanFile } from "../stages/index.ts";
import { JsonValue } from "./json-value.ts";
import type { PromiseKind } from "./promise.ts";

/** Version of the format. */
const version = 1;

/** What the schedule was tuned for. */
export type TuneGoal =
  /** Mean multiply-accumulates of at most this share of the oracle's. */
  | { readonly kind: "budget"; readonly budget: number }
  /** Disagreement with the oracle of at most this share of the pixels. */
  | {
      readonly kind: "max-loss";
      readonly maxLoss: number;
      readonly promise: PromiseKind;
      /** 1 - delta: how sure the promise is. */
      readonly confidence: number;
    };

/** What was measured, on frames that nothing was fitted to where there was a goal of loss. */
export interface TuneEvidence {
  readonly frames: number;
  readonly blocks: number;
  readonly blockSec: number;
  /** Share of frames on which the deepest stage fired. */
  readonly updateRate: number;
  /** Multiply-accumulates as a share of the oracle's. */
  readonly macsRatio: number;
  /** Mean share of the pixels that disagree with the oracle; `null` where it was not measured. */
  readonly disagreement: number | null;
  /** What the promise bounds (promise.ts) at the confidence of the goal; `null` without a promise. */
  readonly bound: number | null;
}

/** A tuned schedule as JSON. */
export interface ScheduleFile {
  readonly format: "clockwork-schedule";
  readonly version: number;
  /** The schedule in words, for people. */
  readonly clock: string;
  readonly schedule: Schedule;
  /** The network that it was made for. */
  readonly model: {
    readonly name: string;
    /** Of the ONNX file, 64 hexadecimal digits. */
    readonly sha256: string;
  };
  /** Size at which the network ran. */
  readonly size: { readonly widthPx: number; readonly heightPx: number };
  readonly plan: PlanFile;
  readonly goal: TuneGoal;
  readonly evidence: TuneEvidence;
}

/** A file as text: indented, with lists of numbers on one line and weights as the shortest numbers of their float32. */
export function scheduleFileText(file: ScheduleFile): string {
  const lists: string[] = [];
  const text = JSON.stringify(
    file,
    (key, value: unknown) => {
      if (!Array.isArray(value) || value.length === 0 || !value.every((item) => typeof item === "number")) return value;
      const isFloat32 = key === "weights" || key === "bias" || key === "productWeights";
      lists.push(value.map((item) => (isFloat32 ? shortFloat32(item) : item)).join(", "));
      return `\u0000${lists.length - 1}`;
    },
    2,
  );
  return `${text.replaceAll(/"\\u0000(\d+)"/g, (_, index: string) => `[${lists[Number(index)] ?? ""}]`)}\n`;
}

/**
 * The tuned schedule of a file.
 * @param json what `JSON.parse` made of the file
 * @param where what to call the file in errors
 * @throws ClockworkError `invalid-argument` that names the field that is wrong
 */
export function parseScheduleFile(json: unknown, where: string): ScheduleFile {
  const file = new JsonValue(json, where);
  const format = file.field("format").oneOf("clockwork-schedule");
  if (file.field("version").value !== version) file.field("version").fail(`${version}`);
  const size = file.field("size");
  return {
    format,
    version,
    clock: file.field("clock").text(),
    schedule: scheduleIn(file.field("schedule")),
    model: { name: file.field("model").field("name").text(), sha256: sha256In(file.field("model").field("sha256")) },
    size: { widthPx: size.field("widthPx").count(1), heightPx: size.field("heightPx").count(1) },
    plan: planIn(file.field("plan")),
    goal: goalIn(file.field("goal")),
    evidence: evidenceIn(file.field("evidence")),
  };
}

function scheduleIn(json: JsonValue): Schedule {
  const schedule: Schedule = {
    ...scheduleKindIn(json),
    ...(json.has("propagate") && { propagate: json.field("propagate").oneOf("still", "flow") }),
    ...(json.has("blend") && { blend: json.field("blend").number() }),
  };
  try {
    return checkSchedule(schedule);
  } catch (thrown) {
    return json.fail(`a schedule (${reasonOf(thrown)})`);
  }
}

function scheduleKindIn(json: JsonValue): Schedule {
  const kind = json.field("kind").oneOf("every", "skip", "fixed", "adaptive", "pipeline");
  switch (kind) {
    case "every":
    case "pipeline":
      return { kind };
    case "skip":
      return { kind, period: json.field("period").number() };
    case "fixed":
      return { kind, periods: json.field("periods").numbers() };
    case "adaptive": {
      const threshold = json.field("threshold").number();
      return json.has("signal") ? { kind, threshold, signal: signalIn(json.field("signal")) } : { kind, threshold };
    }
  }
}

function signalIn(json: JsonValue): Signal {
  const kind = json.field("kind").oneOf(...plainKinds, "features", "expected");
  switch (kind) {
    case "features":
      return { kind };
    case "expected":
      return expectedIn(json);
    default:
      return plainSignalIn(json);
  }
}

/** Signals that an expected one may be made from. */
const plainKinds = [
  "labels",
  "probe",
  "residual",
  "arrived",
  "motion",
] as const satisfies readonly PlainSignal["kind"][];

function plainSignalIn(json: JsonValue): PlainSignal {
  const kind = json.field("kind").oneOf(...plainKinds);
  switch (kind) {
    case "labels":
    case "residual":
    case "arrived":
    case "motion":
      return { kind };
    case "probe":
      return { kind, probe: probeIn(json.field("probe")) };
  }
}

function probeIn(json: JsonValue): LinearProbe {
  const channels = json.field("channels").count(1);
  const classes = json.field("classes").count(2);
  return {
    tensor: json.field("tensor").text(),
    channels,
    classes,
    weights: float32sIn(json.field("weights"), channels * classes),
    bias: float32sIn(json.field("bias"), classes),
  };
}

function expectedIn(json: JsonValue): ExpectedSignal {
  const signals = json.field("signals").items().map(plainSignalIn);
  if (signals.length === 0) json.field("signals").fail("a list with a signal or more");
  const ageCap = json.field("ageCap").number();
  if (ageCap <= 0) json.field("ageCap").fail("a number of frames above 0");
  return {
    kind: "expected",
    signals,
    bias: Math.fround(json.field("bias").number()),
    weights: float32sIn(json.field("weights"), signals.length),
    ageWeight: Math.fround(json.field("ageWeight").number()),
    productWeights: float32sIn(json.field("productWeights"), signals.length),
    ageCap,
  };
}

/** Numbers as float32 knows them, which a short decimal may stand for. */
function float32sIn(json: JsonValue, length: number): readonly number[] {
  const values = json.numbers();
  return values.length === length ? values.map(Math.fround) : json.fail(`a list of ${length} numbers`);
}

function sha256In(json: JsonValue): string {
  const text = json.text();
  return /^[0-9a-f]{64}$/.test(text) ? text : json.fail("64 hexadecimal digits");
}

function planIn(json: JsonValue): PlanFile {
  json.field("format").oneOf("clockwork-plan");
  json.field("version").count(1);
  for (const stage of json.field("stages").items()) stage.field("index").count(1);
  return json.value as PlanFile;
}

function goalIn(json: JsonValue): TuneGoal {
  const kind = json.field("kind").oneOf("budget", "max-loss");
  switch (kind) {
    case "budget":
      return { kind, budget: json.field("budget").number() };
    case "max-loss":
      return {
        kind,
        maxLoss: json.field("maxLoss").share(),
        promise: json.field("promise").oneOf("mean", "clips"),
        confidence: json.field("confidence").share(),
      };
  }
}

function evidenceIn(json: JsonValue): TuneEvidence {
  const orNull = (field: JsonValue): number | null => (field.value === null ? null : field.share());
  return {
    frames: json.field("frames").count(0),
    blocks: json.field("blocks").count(0),
    blockSec: json.field("blockSec").number(),
    updateRate: json.field("updateRate").share(),
    macsRatio: json.field("macsRatio").number(),
    disagreement: orNull(json.field("disagreement")),
    bound: orNull(json.field("bound")),
  };
}

/** The number with the fewest digits that has the same float32. */
function shortFloat32(value: number): number {
  const float = Math.fround(value);
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === float) return short;
  }
  return value;
}
