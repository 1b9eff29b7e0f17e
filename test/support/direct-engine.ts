// The engine on the calling thread: no worker to start, so that a test can open hundreds of small graphs.

import * as ort from "onnxruntime-node";
import type { Engine } from "../../src/engine/engine.ts";
import { OrtSession } from "../../src/engine/ort-session.ts";

/** onnxruntime-node on the calling thread, which it blocks; without profiles. */
export const directEngine: Engine = {
  async open(model, options = {}) {
    const session = await OrtSession.open(ort, model, options, { executionProviders: ["cpu"] });
    return {
      inputs: session.inputs,
      outputs: session.outputs,
      run: (feeds, outputs) => session.run(feeds, outputs),
      profile: () => Promise.reject(new Error("the direct engine keeps no profiles")),
      [Symbol.asyncDispose]: () => session.release(),
    };
  },
};
