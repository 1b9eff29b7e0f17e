// What optical flow costs by itself: luma, flow, its chain, and the warp of what ESPNet holds, beside the network.

import * as ort from "onnxruntime-node";
import { composeGraph, flowGraph, flowScale, frameLuma, gridGraph, pathDims, warpGraph } from "../src/motion/index.ts";
import { GraphBuilder, modelOf, writeModel } from "../src/onnx/index.ts";
import { bare, rested } from "./contestants.ts";
import { espnetSubject, framesOf } from "./material.ts";
import type { Benchmark } from "./measurement.ts";
import { compare } from "./stopwatch.ts";

const size = { widthPx: 480, heightPx: 360 } as const;
const held = [1, 12, 45, 60] as const;
const burst = 8;
const turns = 30;

/** Flow, chain and warp on one thread. */
export const flow: Benchmark = {
  name: "flow",
  about: "flow, its chain and the warp of 12 maps, on one thread, against the network",
  async run() {
    const subject = await espnetSubject();
    const frames = await framesOf(size.widthPx, size.heightPx, burst);
    const scale = flowScale(size);
    const luma = [1, 1, scale.finest.heightCells, scale.finest.widthCells];
    const path = pathDims(scale);
    const session = await ort.InferenceSession.create(writeModel(motionModel()).bytes, { intraOpNumThreads: 1 });
    const zeros = (dims: readonly number[]): ort.Tensor =>
      new ort.Tensor("float32", new Float32Array(dims.reduce((product, dim) => product * dim, 1)), dims);
    let memory = { before: zeros(luma), chain: zeros(path), held: zeros(held) };
    const reset = new ort.Tensor("bool", Uint8Array.of(0), [1]);
    const reference = await bare(subject, size, burst);
    try {
      const { milliseconds, ratios } = await compare(
        [
          reference.run,
          async () => {
            for (const { data } of frames) {
              const frame = new ort.Tensor("uint8", data, [size.heightPx, size.widthPx, 3]);
              const results = await session.run({ frame, reset, ...memory });
              const { luma: before = memory.before, path: chain = memory.chain } = results;
              memory = { before, chain, held: memory.held };
            }
          },
        ],
        turns,
        rested,
      );
      return [
        {
          bench: "flow",
          ours: (milliseconds[1] ?? Number.NaN) / burst,
          reference: (milliseconds[0] ?? Number.NaN) / burst,
          ratio: ratios[1] ?? Number.NaN,
          unit: "ms",
          note: `a frame of 480x360, one thread: luma, flow, chain, warp of [${held.join(",")}]; against run() of ${subject.name}`,
        },
      ];
    } finally {
      await session.release();
      await reference[Symbol.asyncDispose]();
    }

    function motionModel(): ReturnType<typeof modelOf> {
      const b = new GraphBuilder("flow");
      b.input("frame", "uint8", [size.heightPx, size.widthPx, 3]);
      b.input("before", "float32", luma);
      b.input("chain", "float32", path);
      b.input("held", "float32", held);
      b.input("reset", "bool", [1]);
      const now = frameLuma(b, { frame: "frame", scale });
      const step = flowGraph(b, { now, before: "before", scale });
      const chained = composeGraph(b, { ...step, before: "chain", reset: "reset", scale });
      const [, , height, width] = held;
      const grid = gridGraph(b, { flow: chained.flow, scale, to: { height, width, kind: "picture" } });
      b.output(b.add("luma", "Identity", [now]), "float32", luma);
      b.output(b.add("path", "Identity", [chained.path]), "float32", path);
      b.output(b.add("moved", "Identity", [warpGraph(b, { map: "held", grid, part: "warp" })]), "float32", held);
      return modelOf(b.build());
    }
  },
};
