// A process of its own for onnxruntime-node's WebGPU provider, as ../web/webgpu-child.js: gets a training step and its
// feeds, runs it with the memory carried from run to run, answers with what came out; the session's log goes to stderr.

import * as ort from "onnxruntime-node";

process.once("message", async ({ model, memory, runs, provider }) => {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: [provider],
    intraOpNumThreads: 1,
    logSeverityLevel: 0,
    logVerbosityLevel: 1,
  });
  const tensor = ({ dtype, dims, data }) => new ort.Tensor(dtype, data, dims);
  let state = Object.fromEntries(memory.map(({ input, initial }) => [input, tensor(initial)]));
  const losses = [];
  for (const feeds of runs) {
    const given = Object.entries(feeds).map(([name, value]) => [name, tensor(value)]);
    const outputs = await session.run({ ...Object.fromEntries(given), ...state });
    losses.push(outputs.loss.data[0]);
    state = Object.fromEntries(memory.map(({ input, output }) => [input, outputs[output]]));
  }
  const weights = Object.fromEntries(Object.entries(state).map(([name, { data }]) => [name, data]));
  process.send({ losses, weights }, () => process.disconnect());
});
