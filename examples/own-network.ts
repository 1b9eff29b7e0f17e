// Builds a network, cuts it, compiles it, and runs the compiled graph by hand: the parts under `openSegmenter`.
//   npm run example -- examples/own-network.ts

import {
  compile,
  fitNetwork,
  parseSchedule,
  planOf,
  planTable,
  Segmenter,
  defaultPreprocessing,
} from "clockwork-convnets";
import { nodeEngine } from "clockwork-convnets/node";
import { networks } from "clockwork-convnets/networks";
import { writeModel } from "clockwork-convnets/onnx";

const size = { widthPx: 256, heightPx: 128 };
const model = networks.lraspp.build({ classes: 5 });

// What can rest, and what it would save.
const network = await fitNetwork(model, { size, engine: nodeEngine });
const plan = planOf(network, { stages: 2 });
console.log(planTable(plan));

// The network with its clock inside, for any ONNX Runtime.
const compiled = compile(network, plan, { io: "tensors", schedule: parseSchedule("adaptive:0.2") });
console.log(
  `\ncompiled: ${writeModel(compiled.model).bytes.length} bytes, memory ${compiled.protocol.state.map(({ input }) => input).join(", ")}`,
);

// The same through the runtime, frames in and labels out.
await using segmenter = new Segmenter({
  model,
  engine: nodeEngine,
  schedule: parseSchedule("fixed:3"),
  preprocessing: defaultPreprocessing(),
});
const frames = Array.from({ length: 6 }, (_, index) => ({
  data: Uint8Array.from({ length: 256 * 128 * 3 }, (_, at) => 128 + 100 * Math.sin(at / 40 + index / 5)),
  ...size,
  timestampSec: index / 25,
}));
for await (const { timestampSec, fired } of segmenter.segment(frames)) console.log(timestampSec, fired);
