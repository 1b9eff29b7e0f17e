// Not a test: prints what flow, chain and warp cost a frame, in wasm and in onnxruntime-node, one thread each.
//   npm run --silent example -- test/web/wasm-time.ts

import * as native from "onnxruntime-node";
import * as web from "onnxruntime-web";
import {
  composeGraph,
  flowGraph,
  flowScale,
  frameLuma,
  gridGraph,
  pathDims,
  warpGraph,
} from "../../src/motion/index.ts";
import { GraphBuilder, modelOf, writeModel } from "../../src/onnx/index.ts";
import { MovingScene, still } from "../motion/moving-scene.ts";

const size = { widthPx: 480, heightPx: 360 };
const map = { height: 45, width: 60, kind: "picture" } as const;
const channels = 12;
const warmUp = 50;
const timed = 100;

const scale = flowScale(size);
const cells = [1, 1, scale.finest.heightCells, scale.finest.widthCells];
const held = [1, channels, map.height, map.width];
const b = new GraphBuilder("motion");
const frame = b.input("frame", "uint8", [size.heightPx, size.widthPx, 3]);
const before = b.input("luma-before", "float32", cells);
const now = frameLuma(b, { frame, scale });
const step = flowGraph(b, { now, before, scale });
const path = composeGraph(b, {
  ...step,
  before: b.input("path-before", "float32", pathDims(scale)),
  reset: b.input("reset", "bool", [1]),
  scale,
});
const grid = gridGraph(b, { flow: path.flow, scale, to: map });
for (const output of [now, path.path, warpGraph(b, { map: b.input("map", "float32", held), grid, part: "moved" })])
  b.output(output, "float32", undefined);
const { bytes } = writeModel(modelOf(b.build(), 16));

const scene = new MovingScene(1, size.widthPx);
const frames = [0, 3].map((shiftX) => scene.frame(size, { ...still, shiftX }));
const zeros = (dims: readonly number[]): native.Tensor =>
  new native.Tensor("float32", new Float32Array(dims.reduce((product, dim) => product * dim, 1)), dims);

web.env.wasm.numThreads = 1;
for (const [name, ort, provider] of [
  ["onnxruntime-web, wasm", web, "wasm"],
  ["onnxruntime-node, cpu", native, "cpu"],
] as const) {
  const session = await ort.InferenceSession.create(bytes, { executionProviders: [provider], intraOpNumThreads: 1 });
  let [luma, chain] = [zeros(cells), zeros(pathDims(scale))];
  const milliseconds: number[] = [];
  for (let run = 0; run < warmUp + timed; run++) {
    const feeds = {
      frame: new ort.Tensor("uint8", Uint8Array.from(frames[run % 2]?.data as Uint8Array), [360, 480, 3]),
      reset: new ort.Tensor("bool", [run % 5 === 0], [1]),
      map: zeros(held),
      "luma-before": luma,
      "path-before": chain,
    };
    const start = performance.now();
    const results = await session.run(feeds);
    if (run >= warmUp) milliseconds.push(performance.now() - start);
    luma = results[now] as native.Tensor;
    chain = results[path.path] as native.Tensor;
  }
  await session.release();
  milliseconds.sort((a, c) => a - c);
  const [fastest = 0, median = 0] = [milliseconds[0], milliseconds[timed / 2]];
  console.log(`${name}: median ${median.toFixed(2)} ms a frame, fastest ${fastest.toFixed(2)}`);
}
