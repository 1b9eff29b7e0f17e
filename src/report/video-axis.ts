// The axis that all plots over the video share: frames in order, sequences one after another.

import { axisX, type Markish, ruleX, text } from "@observablehq/plot";
import type { DetailedEvaluation, Timeline } from "../evaluate/index.ts";
import { count, countOfFrames } from "./figures.ts";
import { framesInStep } from "./steps.ts";

/** More sequences than this are not told apart: lines would be all there is to see. */
const mostSequencesMarked = 60;

/** Where a sequence begins. */
interface Beginning {
  readonly at: number;
  readonly frames: number;
  readonly name: string;
}

/** Frames of the longest timeline. */
export function framesOf(evaluation: DetailedEvaluation): number {
  return Math.max(0, ...evaluation.timelines.map((timeline) => timeline.frame.length));
}

/** Whether the deepest stage fired, on each frame. */
export function deepestFirings(timeline: Timeline): readonly boolean[] {
  return timeline.fired.map((stages) => stages.at(-1) ?? false);
}

/** The axis, and how much room it needs above the plot, in pixels. */
export interface VideoAxis {
  readonly marks: readonly Markish[];
  readonly roomAbove: number;
}

/** The axis and the beginnings of sequences, for a plot of this inner width in pixels. */
export function videoAxis(evaluation: DetailedEvaluation, timeline: Timeline, innerWidth: number): VideoAxis {
  const beginnings = beginningsOf(evaluation, timeline);
  const axis = axisX({ label: "frame", tickFormat: (frame: number) => count(frame) });
  if (beginnings.length < 2 || beginnings.length > mostSequencesMarked) {
    return { marks: [axis], roomAbove: 6 };
  }
  const perFrame = innerWidth / Math.max(1, timeline.frame.length);
  const named = beginnings.filter(({ frames, name }) => name.length * 6.5 + 8 < frames * perFrame);
  const marks = [
    axis,
    ruleX(beginnings.slice(1), { x: "at", stroke: "var(--muted)", strokeWidth: 0.75, className: "sequences" }),
    text(named, {
      x: "at",
      text: "name",
      frameAnchor: "top",
      textAnchor: "start",
      dx: 4,
      dy: -14,
      fill: "var(--muted)",
      className: "names-of-sequences",
    }),
  ];
  return { marks, roomAbove: named.length === 0 ? 6 : 24 };
}

/** What a reader has to know about the axis: that steps stand for several frames, if they do, and how they show them. */
export function stepNote(frames: number, shown: readonly ("bars" | "lines")[]): string {
  const step = framesInStep(frames);
  if (step === 1) return "";
  const how = {
    bars: "bars are as high as the share of its frames on which the stage fired",
    lines: "lines are means, bands reach from the least to the greatest value",
  };
  return ` Of ${countOfFrames(frames)}, each step of the plot stands for ${count(step)}: ${shown.map((kind) => how[kind]).join("; ")}.`;
}

function beginningsOf(evaluation: DetailedEvaluation, timeline: Timeline): readonly Beginning[] {
  const starts = timeline.sequence.flatMap((sequence, at) =>
    at === 0 || sequence !== timeline.sequence[at - 1] ? [{ at, name: evaluation.sequences[sequence] ?? "" }] : [],
  );
  return starts.map(({ at, name }, index) => ({
    at,
    name,
    frames: (starts[index + 1]?.at ?? timeline.frame.length) - at,
  }));
}
