// Runs a stream of frames through a graph with memory, on whatever ONNX Runtime it is given: in the test's own process,
// in a child process or in a page of a browser. Plain JavaScript that imports nothing, so that a browser takes it as it is.

const arrays = { float32: Float32Array, int64: BigInt64Array, int32: Int32Array, uint8: Uint8Array, bool: Uint8Array };

/** See drive.d.ts. */
export async function drive(ort, stream, options) {
  const session = await ort.InferenceSession.create(stream.model, options);
  try {
    const tensor = ({ dtype, dims, data }) => new ort.Tensor(dtype, data, dims);
    const zeros = ({ dtype, dims }) =>
      tensor({ dtype, dims, data: new arrays[dtype](dims.reduce((product, dim) => product * dim, 1)) });
    let memory = Object.fromEntries(stream.state.map((link) => [link.input, zeros(link)]));
    const frames = [];
    const locations = {};
    for (const [index, frame] of stream.frames.entries()) {
      const reset = tensor({ dtype: "bool", dims: [1], data: Uint8Array.of(index === 0 ? 1 : 0) });
      const outputs = await session.run({ [stream.image]: tensor(frame), [stream.reset]: reset, ...memory });
      for (const { input, output } of stream.state) {
        // Frees what is on a device; what is in memory is collected anyhow.
        if (memory[input].location === "gpu-buffer") memory[input].dispose();
        memory[input] = outputs[output];
        locations[output] = outputs[output].location;
      }
      const compared = {};
      for (const name of stream.compared)
        compared[name] = { dims: [...outputs[name].dims], data: await outputs[name].getData() };
      frames.push(compared);
    }
    return { frames, locations };
  } finally {
    await session.release();
  }
}
