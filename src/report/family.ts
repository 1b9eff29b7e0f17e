// Families of schedules: which runs belong on one line of a plot, and what that line looks like. Colours are names of
// CSS variables, so that each colour scheme of the page has its own.

import type { EvaluationRun } from "../evaluate/index.ts";

/** A clock's text, taken apart. */
export type ClockText =
  | { readonly kind: "every" | "skip" | "fixed" | "pipeline" | "deadline" | "other" }
  /** `signal` is what stands behind the `@`, `null` where nothing does; `threshold` is `null` where it is no number. */
  | { readonly kind: "adaptive"; readonly threshold: number | null; readonly signal: string | null };

/** Shapes that points may have; all can be hollow but the asterisk. */
export type PointShape =
  | "star"
  | "cross"
  | "square"
  | "circle"
  | "diamond"
  | "wye"
  | "hexagon"
  | "triangle"
  | "asterisk";

/** Runs that differ in one number only: the period, the threshold. */
export interface Family {
  readonly name: string;
  /** A CSS colour. */
  readonly colour: string;
  readonly shape: PointShape;
  /** Whether what is held moves along the flow: drawn hollow and dashed. */
  readonly flow: boolean;
  /** Whether the oracle is a member too: with every period 1, or a threshold of 0. */
  readonly endsAtOracle: boolean;
}

/** A run with its name on this page. */
export interface NamedRun {
  /** The clock, marked where it goes with the flow; no two runs have the same. */
  readonly name: string;
  readonly run: EvaluationRun;
  /** Place of the run in the evaluation, which is that of its timeline. */
  readonly index: number;
  readonly family: Family;
}

/** Names of runs; the oracle is the first. */
export function nameRuns(runs: readonly EvaluationRun[]): readonly NamedRun[] {
  const used = new Map<string, number>();
  return runs.map((run, index) => {
    const plain = run.propagate === "flow" && !/\+flow\b/.test(run.clock) ? `${run.clock}+flow` : run.clock;
    const times = (used.get(plain) ?? 0) + 1;
    used.set(plain, times);
    return { name: times === 1 ? plain : `${plain} (${times})`, run, index, family: familyOf(run) };
  });
}

/** Takes a clock's text apart; a text of an unknown form is `other`. */
export function readClock(text: string): ClockText {
  const [, kind = "", value = ""] = /^([a-z]+)(?::(.*))?$/.exec(text.trim().replace(/\+flow(?:\+.*)?$/, "")) ?? [];
  switch (kind) {
    case "every":
    case "skip":
    case "fixed":
    case "pipeline":
    case "deadline":
      return { kind };
    case "adaptive": {
      const [threshold = "", signal] = value.split("@");
      const number = threshold.trim() === "" ? Number.NaN : Number(threshold);
      return { kind, threshold: Number.isFinite(number) ? number : null, signal: signal ?? null };
    }
    default:
      return { kind: "other" };
  }
}

/** The family of a run. */
export function familyOf(run: Pick<EvaluationRun, "clock" | "propagate">): Family {
  const clock = readClock(run.clock);
  const name = clock.kind === "adaptive" && clock.signal !== null ? `adaptive@${clock.signal}` : clock.kind;
  const flow = run.propagate === "flow";
  const endsAtOracle = clock.kind === "skip" || clock.kind === "fixed" || clock.kind === "adaptive";
  // Mixing is a family of its own: its members differ in the period alone.
  const [blend = ""] = /\+blend:.*$/.exec(run.clock) ?? [];
  return { name: flow ? `${name}+flow${blend}` : name, ...lookOf(clock), flow, endsAtOracle };
}

function lookOf(clock: ClockText): Pick<Family, "colour" | "shape"> {
  switch (clock.kind) {
    case "every":
      return { colour: "var(--ink)", shape: "star" };
    case "skip":
      return { colour: "var(--skip)", shape: "cross" };
    case "fixed":
      return { colour: "var(--fixed)", shape: "square" };
    case "pipeline":
      return { colour: "var(--pipeline)", shape: "triangle" };
    case "deadline":
      return { colour: "var(--deadline)", shape: "asterisk" };
    case "other":
      return { colour: "var(--muted)", shape: "asterisk" };
    case "adaptive":
      switch (clock.signal) {
        case null:
        case "labels":
          return { colour: "var(--adaptive)", shape: "circle" };
        case "probe":
          return { colour: "var(--probe)", shape: "diamond" };
        case "features":
          return { colour: "var(--features)", shape: "wye" };
        default:
          return { colour: "var(--expected)", shape: "hexagon" };
      }
  }
}
