// Numbers of constant tensors, whatever kind of bytes they are kept in.

import { expect, test } from "vitest";
import { numbersOf } from "../../src/onnx/index.ts";

test("bytes in the middle of a buffer of Node's", () => {
  const values = [1.5, -2, 1e10];
  const pool = Buffer.alloc(64);
  for (const [at, value] of values.entries()) pool.writeFloatLE(value, 5 + 4 * at);
  const data = pool.subarray(5, 17);
  expect(numbersOf({ dtype: "float32", dims: [3], data })).toEqual(values.map(Math.fround));
});
