// The streams that every runtime is given, and what onnxruntime-node gives for them on the CPU.

import * as ort from "onnxruntime-node";
import { fcn8s, unet } from "../../src/networks/index.ts";
import { drive } from "./drive.js";
import { motionStream, networkStream, type Drive, type Stream } from "./streams.ts";

/** Of no round numbers: rows and columns of the picture, of cells and of labels are left over at every level. */
const oddSize = { widthPx: 147, heightPx: 107 };
const networkSize = { widthPx: 128, heightPx: 96 };
const thin = { width: 1 / 16, classes: 6 };

/** What is shown. */
export type CaseName =
  | "flow, chain and warp"
  | "the whole network rests"
  | "the deep stage rests"
  | "an adaptive clock that looks for shots, tensors in and out";

/** Streams by what they show. */
export const cases: Readonly<Record<CaseName, () => Promise<Stream>>> = {
  "flow, chain and warp": () => Promise.resolve(motionStream(oddSize, 5)),
  "the whole network rests": () =>
    networkStream(
      { name: "unet", network: unet(thin), clock: "fixed:3+flow", stages: 1, io: "frames", shots: false },
      networkSize,
      5,
    ),
  "the deep stage rests": () =>
    networkStream(
      {
        name: "fcn8s",
        network: fcn8s({ ...thin, seed: 4 }),
        clock: "fixed:3+flow",
        stages: 2,
        io: "frames",
        shots: false,
      },
      networkSize,
      5,
    ),
  "an adaptive clock that looks for shots, tensors in and out": () =>
    networkStream(
      { name: "unet", network: unet(thin), clock: "adaptive:0.12+flow", stages: 2, io: "tensors", shots: true },
      { widthPx: 160, heightPx: 96 },
      5,
    ),
};

/** What all others are compared with: one thread, all graph optimisations. */
export function onCpu(stream: Stream): Promise<Drive> {
  return drive(ort, stream, { executionProviders: ["cpu"], intraOpNumThreads: 1, logSeverityLevel: 4 });
}
