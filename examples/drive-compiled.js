// Drives a compiled network with onnxruntime-node and nothing of clockwork: the protocol of docs/compiled-networks.md.
//   npx clockwork compile my-model --clock fixed:2 --json -o net.onnx > protocol.json
//   node examples/drive-compiled.js net.onnx protocol.json
// (The same JSON is in the file's metadata; onnxruntime-node does not hand metadata out, Python and C++ do.)

import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";

const [modelPath, protocolPath] = process.argv.slice(2);
const protocol = JSON.parse(readFileSync(protocolPath, "utf8"));
const session = await ort.InferenceSession.create(modelPath);

const arrays = { float32: Float32Array, int64: BigInt64Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array };
const zeros = ({ dtype, dims }) => {
  const count = dims.reduce((product, dim) => product * dim, 1);
  return new ort.Tensor(dtype, new arrays[dtype](count), dims);
};
let state = Object.fromEntries(protocol.state.map((link) => [link.input, zeros(link)]));

const { widthPx, heightPx } = protocol.frame;
for (let index = 0; index < 6; index++) {
  // A grey ramp that moves; put your own pixels here.
  const pixels = Uint8Array.from({ length: widthPx * heightPx * 3 }, (_, at) => ((at / 3) % widthPx) + index);
  const outputs = await session.run({
    frame: new ort.Tensor("uint8", pixels, [heightPx, widthPx, 3]),
    reset: new ort.Tensor("bool", [index === 0], [1]),
    ...state,
  });
  state = Object.fromEntries(protocol.state.map((link) => [link.input, outputs[link.output]]));
  console.log(`frame ${index}: fired ${Array.from(outputs.fired.data, Boolean).join(", ")}`);
}
