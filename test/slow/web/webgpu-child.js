// A process of its own for onnxruntime-node's WebGPU provider: which driver it takes is in the environment, and is read
// when the process starts. Gets a stream, answers with what came out; the log of the session goes to stderr.

import * as ort from "onnxruntime-node";
import { drive } from "../../web/drive.js";

process.once("message", async (stream) => {
  const options = { executionProviders: ["webgpu"], intraOpNumThreads: 1, logSeverityLevel: 0, logVerbosityLevel: 1 };
  process.send(await drive(ort, stream, options), () => process.disconnect());
});
