// The engine on the calling thread: no worker to start, so that a test can open hundreds of small graphs.

import * as ort from "onnxruntime-node";
import type { Engine } from "../../src/engine/engine.ts";
import { OrtSession } from "../../src/engine/ort-session.ts";

/** onnxruntime-node on the calling thread, which it blocks; without profiles. */
export const directEngine: Engine = {
  async open(model, options = {}) {
    const session = await OrtSession.open(ort, model, options, { executionProviders: ["cpu"] });
    // One run at a time, as the contract has it.
    let last: Promise<unknown> = Promise.resolve();
    return {
      inputs: session.inputs,
      outputs: session.outputs,
      run: (feeds, outputs) => {
        const run = last.then(() => session.run(feeds, outputs));
        last = run.catch(() => undefined);
        return run;
      },
      profile: () => Promise.reject(new Error("the direct engine keeps no profiles")),
      [Symbol.asyncDispose]: () => session.release(),
    };
  },
};
