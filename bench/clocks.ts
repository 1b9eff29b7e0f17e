// What a frame costs under several clocks, beside ONNX Runtime alone on the same network.

import { bare, heldNodes, rested, segmenter, type Runner } from "./contestants.ts";
import { espnetSubject, fcnSubject, framesOf, type Subject } from "./material.ts";
import type { Benchmark, Measurement } from "./measurement.ts";
import { compare } from "./stopwatch.ts";

/** How often and how many frames at a time. Short bursts that alternate often cancel the drift of a shared machine best. */
interface Pace {
  readonly turns: number;
  readonly burst: number;
}

const everyFrameAlike: Pace = { turns: 40, burst: 4 };

/** Whole rounds of the clocks that are measured. */
const rounds: Pace = { turns: 16, burst: 10 };

interface Case {
  readonly subject: Subject;
  /** What is added to the benchmark's name. */
  readonly suffix: string;
  readonly widthPx: number;
  readonly heightPx: number;
}

async function cases(): Promise<readonly Case[]> {
  return [
    { subject: await espnetSubject(), suffix: "", widthPx: 480, heightPx: 360 },
    { subject: fcnSubject(), suffix: "/fcn8s", widthPx: 480, heightPx: 352 },
  ];
}

/** Times `ours` against `reference`, a burst of frames at a time, and closes both. */
async function duel(
  name: string,
  one: Case,
  pace: Pace,
  ours: Runner,
  reference: Runner,
  note: string,
): Promise<Measurement> {
  try {
    const { milliseconds, ratios } = await compare([reference.run, ours.run], pace.turns, rested);
    const size = `${one.widthPx}x${one.heightPx}`;
    return {
      bench: `${name}${one.suffix}`,
      ours: (milliseconds[1] ?? Number.NaN) / pace.burst,
      reference: (milliseconds[0] ?? Number.NaN) / pace.burst,
      ratio: ratios[1] ?? Number.NaN,
      unit: "ms",
      note: `a frame; ${one.subject.name}, ${size}; ${note}`,
    };
  } finally {
    await ours[Symbol.asyncDispose]();
    await reference[Symbol.asyncDispose]();
  }
}

function againstBare(name: string, clock: string, pace: Pace, about: string, stages?: number): Benchmark {
  return {
    name,
    about,
    async run() {
      const results: Measurement[] = [];
      for (const one of await cases()) {
        const frames = await framesOf(one.widthPx, one.heightPx, pace.burst);
        const ours = await segmenter(one.subject, clock, frames, stages);
        const reference = await bare(one.subject, one, pace.burst);
        results.push(
          await duel(
            name,
            one,
            pace,
            ours,
            reference,
            `${clock}, frames to labels, against run() of ONNX Runtime alone`,
          ),
        );
      }
      return results;
    },
  };
}

/** Every stage on every frame. */
export const everyOverhead: Benchmark = againstBare(
  "every-overhead",
  "every",
  everyFrameAlike,
  "clock every against ONNX Runtime alone",
);

/** The deep stage on every second frame. */
export const fixed2: Benchmark = againstBare("fixed-2", "fixed:2", rounds, "clock fixed:2 against ONNX Runtime alone");

/** The deep stage on every fifth frame. */
export const fixed5: Benchmark = againstBare("fixed-5", "fixed:5", rounds, "clock fixed:5 against ONNX Runtime alone");

/** The deep stage on every fifth frame, what it held moved along the flow in between. */
export const fixed5Flow: Benchmark = againstBare(
  "fixed-5-flow",
  "fixed:5+flow",
  rounds,
  "clock fixed:5+flow against ONNX Runtime alone",
);

/** The whole network on every third frame, its labels moved along the flow in between. */
export const fixed3FlowOneStage: Benchmark = againstBare(
  "fixed-3-flow-1-stage",
  "fixed:3+flow",
  { turns: 16, burst: 9 },
  "clock fixed:3+flow on one stage against ONNX Runtime alone",
  1,
);

/** The whole network every sixth frame, its labels moved in between. */
export const fixed6FlowOneStage: Benchmark = againstBare(
  "fixed-6-flow-1-stage",
  "fixed:6+flow",
  { turns: 12, burst: 12 },
  "clock fixed:6+flow on one stage against ONNX Runtime alone",
  1,
);

/** The whole network every tenth frame, its labels moved in between. */
export const fixed10FlowOneStage: Benchmark = againstBare(
  "fixed-10-flow-1-stage",
  "fixed:10+flow",
  { turns: 10, burst: 20 },
  "clock fixed:10+flow on one stage against ONNX Runtime alone",
  1,
);

/** A frame on which the deep stage rests. */
export const heldFrame: Benchmark = {
  name: "held-frame",
  about: "a held frame against the nodes that it has to run",
  async run() {
    const pace = everyFrameAlike;
    const results: Measurement[] = [];
    for (const one of await cases()) {
      const frames = await framesOf(one.widthPx, one.heightPx, pace.burst);
      // The first frame fires, in the warm-up; after that a million frames hold.
      const ours = await segmenter(one.subject, "fixed:1000000", frames);
      await ours.run();
      const reference = await heldNodes(one.subject, one, pace.burst);
      const note = "a held frame, against ONNX Runtime alone on the nodes that it has to run";
      results.push(await duel("held-frame", one, pace, ours, reference, note));
    }
    return results;
  },
};
