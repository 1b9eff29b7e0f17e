// onnxruntime-web's wasm provider against onnxruntime-node's CPU provider, over frames with memory.

import * as web from "onnxruntime-web";
import { beforeAll, expect, test } from "vitest";
import { cases, onCpu, type CaseName } from "../../web/cases.ts";
import { disagreements, isTelling } from "../../web/compare.ts";
import { drive } from "../../web/drive.js";

beforeAll(() => {
  web.env.wasm.numThreads = 1;
});

test.each(Object.keys(cases) as CaseName[])("%s", async (name) => {
  const stream = await cases[name]();
  const expected = await onCpu(stream);
  expect(isTelling(stream, expected)).toBe(true);
  const result = await drive(web, stream, { executionProviders: ["wasm"], logSeverityLevel: 4 });
  expect(disagreements(stream, result, expected)).toEqual([]);
});

test("a difference of one pixel of flow would be seen", async () => {
  const stream = await cases["flow, chain and warp"]();
  const expected = await onCpu(stream);
  const wrong = expected.frames.map((frame) => ({
    ...frame,
    flow: {
      dims: frame["flow"]?.dims ?? [],
      data: Float32Array.from(frame["flow"]?.data ?? [], (value) => Number(value) + 2 / 147),
    },
  }));
  expect(disagreements(stream, { ...expected, frames: wrong }, expected)).toHaveLength(wrong.length);
});
