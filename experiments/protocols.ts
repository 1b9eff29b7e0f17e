// How frames are chosen and scored on each dataset where nothing else is asked for: the protocols of Shelhamer et al. 2016
// (arXiv 1608.03609) and their notebooks. Datasets that they did not use are run whole, every frame scored. Splits are
// those that the layouts take by themselves: val, and test for NYUDv2.

import type { EvaluateModelOptions } from "../src/node.ts";

/** What an experiment passes on to the evaluation. */
export interface Protocol extends Pick<EvaluateModelOptions, "every" | "before" | "warmUp" | "phases" | "map"> {
  /** One line, for help and results. */
  readonly about: string;
}

const whole: Protocol = { about: "every frame, all scored" };

const protocols: ReadonlyMap<string, Protocol> = new Map([
  ["camvid", { about: "val, every frame (15 Hz), all scored" }],
  [
    "youtube-objects",
    {
      about: "every 10th frame, the first two of a shot not scored, VOC's other classes as background",
      every: 10,
      warmUp: 2,
      map: "voc->youtube-objects",
    },
  ],
  [
    "cityscapes",
    {
      about: "val, 19 frames before each labelled one, which is scored in every phase of periodic clocks",
      before: 19,
      phases: true,
    },
  ],
  [
    "nyudv2",
    {
      about: "test, 19 frames before each labelled one, which is scored in every phase of periodic clocks",
      before: 19,
      phases: true,
    },
  ],
]);

/** The protocol of a dataset. @param name name of its layout */
export function protocolOf(name: string): Protocol {
  return protocols.get(name) ?? whole;
}

/** All protocols in lines, for help. */
export function protocolLines(): string {
  const lines = [...protocols, ["any other", whole] as const].map(
    ([name, { about }]) => `  ${name.padEnd(16)} ${about}`,
  );
  return lines.join("\n");
}
