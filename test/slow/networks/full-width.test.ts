// The fully convolutional networks on the whole VGG-16: half a gigabyte of weights each, hence among the slow tests.

import { describe, expect, test } from "vitest";
import { fcn16s, fcn32s, fcn8s } from "../../../src/networks/index.ts";
import { totalParameters } from "../../../src/onnx/index.ts";
import { fcn, fcnInterpolation } from "../../networks/counts.ts";

describe.each([
  { name: "FCN-8s", build: fcn8s, stride: 8 },
  { name: "FCN-16s", build: fcn16s, stride: 16 },
  { name: "FCN-32s", build: fcn32s, stride: 32 },
] as const)("$name", ({ build, stride }) => {
  test("has 134 million weights at width 1, beside what interpolates", () => {
    const count = totalParameters(build({ width: 1, classes: 21 }).graph) - fcnInterpolation({ classes: 21, stride });
    expect(count).toBe(fcn({ classes: 21, stride }));
    expect(Math.round(count / 1e6)).toBe(134);
  });
});
