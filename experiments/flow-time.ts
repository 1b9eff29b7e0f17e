// What motion costs by size of the picture, on one thread: luma, flow and chain; the warp of 12 maps at an eighth of the
// picture's size; the warp of labels at its size. Each in a session of its own, in turns, the best of many rounds: times
// mean something only on a machine that does nothing else.

import * as ort from "onnxruntime-node";
import { textTable } from "../src/cli/tables.ts";
import type { Frame } from "../src/index.ts";
import { flowScale, gridGraph, pathDims, warpGraph, type FlowScale } from "../src/motion/index.ts";
import { Random } from "../src/networks/random.ts";
import { GraphBuilder } from "../src/onnx/index.ts";
import { chainGraph, frameTensor, labelsGraph, openOnOneThread, splitPath, zeros } from "./flow-chain.ts";

/** Milliseconds at one size, best of the rounds. */
export interface FlowTimeRow {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly flow: number;
  readonly maps: number;
  readonly labels: number;
}

const sizes = [
  [320, 240],
  [480, 360],
  [640, 360],
  [1280, 720],
  [1920, 1080],
] as const;
const parts = ["flow", "maps", "labels"] as const;
const channels = 12;
const stride = 8;

/** Runs the experiment. */
export async function flowTime(rounds: number): Promise<readonly FlowTimeRow[]> {
  const contestants: { readonly run: () => Promise<unknown>; best: number }[] = [];
  const sessions: ort.InferenceSession[] = [];
  try {
    for (const [widthPx, heightPx] of sizes) {
      const scale = flowScale({ widthPx, heightPx });
      const random = new Random(1, "frame");
      const data = Uint8Array.from(random.uniform(widthPx * heightPx * 3, 0, 256));
      const frame: Frame = { data, widthPx, heightPx, timestampSec: 0 };
      const path = new ort.Tensor("float32", random.uniform(product(pathDims(scale)), -0.03, 0.03), pathDims(scale));
      const before = zeros([1, 1, scale.finest.heightCells, scale.finest.widthCells]);
      const reset = new ort.Tensor("bool", Uint8Array.of(0), [1]);
      const labels = new ort.Tensor("uint8", data.slice(0, widthPx * heightPx), [heightPx, widthPx]);
      const feeds = {
        flow: { frame: frameTensor(frame), before, chain: path, reset },
        maps: { map: zeros(mapDims(scale)), path },
        labels: { labels, path },
      };
      const graphs = { flow: chainGraph(scale), maps: mapsGraph(scale), labels: labelsGraph(scale) };
      for (const part of parts) {
        const session = await openOnOneThread(graphs[part]);
        sessions.push(session);
        contestants.push({ run: () => session.run(feeds[part]), best: Infinity });
      }
    }
    for (let round = 0; round < rounds; round++) {
      for (const contestant of contestants) {
        // The first brings back into the caches what the others drove out.
        await contestant.run();
        const start = performance.now();
        await contestant.run();
        contestant.best = Math.min(contestant.best, performance.now() - start);
      }
    }
  } finally {
    for (const session of sessions) await session.release();
  }
  return sizes.map(([widthPx, heightPx], place) => {
    const [flow = 0, maps = 0, labels = 0] = contestants.slice(3 * place, 3 * place + 3).map(({ best }) => best);
    return { widthPx, heightPx, flow, maps, labels };
  });
}

/** The result in columns. */
export function flowTimeText(rows: readonly FlowTimeRow[]): string {
  return textTable([
    ["frame", "luma, flow, chain ms", "12 maps at 1/8 ms", "labels ms"],
    ...rows.map(({ widthPx, heightPx, ...row }) => [
      `${widthPx}x${heightPx}`,
      ...parts.map((part) => row[part].toFixed(2)),
    ]),
  ]);
}

function mapDims({ widthPx, heightPx }: FlowScale): readonly number[] {
  return [1, channels, Math.ceil(heightPx / stride), Math.ceil(widthPx / stride)];
}

/** Maps, moved. Inputs `map`, `path`; output `moved`. */
function mapsGraph(scale: FlowScale) {
  const dims = mapDims(scale);
  const [, , height = 0, width = 0] = dims;
  const b = new GraphBuilder("maps");
  b.input("map", "float32", dims);
  const [flow = ""] = splitPath(b, scale);
  const grid = gridGraph(b, { flow, scale, to: { height, width, kind: "picture" } });
  b.output(b.add("moved", "Identity", [warpGraph(b, { map: "map", grid, part: "warp" })]), "float32", dims);
  return b.build();
}

function product(dims: readonly number[]): number {
  return dims.reduce((all, dim) => all * dim, 1);
}
