// The mixture of fresh and moved scores, and what it trusts, against plain loops.

import { describe, expect, test } from "vitest";
import type { EngineTensor } from "../../src/engine/engine.ts";
import { blendGraph, coveredPx, flowScale, keptDims, mismatchGraph } from "../../src/motion/index.ts";
import { Random } from "../../src/networks/random.ts";
import { GraphBuilder, modelOf } from "../../src/onnx/index.ts";
import { runOnce } from "../support/runtime.ts";
import { bilinear, most, plane } from "./lookups.ts";

const size = { widthPx: 120, heightPx: 90 };
const scale = flowScale(size);
const { widthCells: w, heightCells: h, cellPx } = scale.finest;
const covered = coveredPx(scale.finest);
const random = new Random(3, "blend");

function floats(dims: readonly number[], values: (at: number) => number): EngineTensor {
  const count = dims.reduce((product, dim) => product * dim, 1);
  return { dtype: "float32", dims, data: Float32Array.from({ length: count }, (_, at) => values(at)) };
}

/** A motion of a few pixels that is different everywhere. */
const flow = floats([1, 2, h, w], (at) => {
  const cell = at % (h * w);
  const wave = Math.sin((cell % w) / 7) + Math.cos(Math.floor(cell / w) / 5);
  return at < h * w ? (6 * wave) / covered.widthPx : (4 * wave) / covered.heightPx;
});

describe("mixture", () => {
  const dims = [1, 3, 30, 40] as const;
  const [, classes, height, width] = dims;
  const share = 0.4;
  const inputs = {
    fresh: floats(dims, () => 4 * random.next()),
    before: floats(dims, () => 4 * random.next()),
    flow,
    valid: floats([1, 1, h, w], () => random.next()),
    mismatch: floats([1, 1, h, w], () => 0.1 * random.next()),
    share: floats([1], () => share),
  };

  test("is fresh + share * validity * exp(-mismatch / 10 levels) * (moved - fresh)", async () => {
    const b = new GraphBuilder("mixture");
    for (const [name, tensor] of Object.entries(inputs)) b.input(name, tensor.dtype, tensor.dims);
    blendGraph(b, {
      fresh: "fresh",
      before: "before",
      flow: "flow",
      valid: "valid",
      mismatch: "mismatch",
      share: "share",
      dims,
      scale,
      kept: "kept",
      to: "mixed",
    });
    b.output("kept", "float32", dims);
    b.output("mixed", "float32", dims);
    const { kept, mixed } = await runOnce(modelOf(b.build()), inputs);

    const cells = (tensor: EngineTensor, channel = 0) => plane(tensor.data, w, h, channel);
    const expected = new Float32Array(classes * height * width);
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const y = ((row + 0.5) * size.heightPx) / height;
        const x = ((column + 0.5) * size.widthPx) / width;
        const cell = [y / cellPx - 0.5, x / cellPx - 0.5] as const;
        const fromX = x + (bilinear(cells(flow), ...cell) * covered.widthPx) / 2;
        const fromY = y + (bilinear(cells(flow, 1), ...cell) * covered.heightPx) / 2;
        const trust = plane(
          Float32Array.from(
            { length: h * w },
            (_, at) => Number(inputs.valid.data[at]) * Math.exp((-Number(inputs.mismatch.data[at]) * 255) / 10),
          ),
          w,
          h,
        );
        const weight = share * bilinear(trust, ...cell);
        for (let channel = 0; channel < classes; channel++) {
          const moved = bilinear(
            plane(inputs.before.data, width, height, channel),
            (fromY * height) / size.heightPx - 0.5,
            (fromX * width) / size.widthPx - 0.5,
          );
          const at = (channel * height + row) * width + column;
          const fresh = Number(inputs.fresh.data[at]);
          expected[at] = fresh + weight * (moved - fresh);
        }
      }
    }
    expect(most(mixed?.data, expected)).toBeLessThan(1e-4);
    expect(most(kept?.data, expected)).toBeLessThan(1e-4);
    // What moved in is felt.
    expect(most(inputs.fresh.data, expected)).toBeGreaterThan(0.5);
  });

  test("of a map that is too large, the means over blocks are mixed", async () => {
    expect(keptDims([1, 2, 480, 640])).toEqual([1, 2, 480, 640]);
    expect(keptDims([1, 2, 1080, 1920])).toEqual([1, 2, 360, 640]);
    // Sides without a common factor stay as they are.
    expect(keptDims([1, 2, 1081, 1920])).toEqual([1, 2, 1081, 1920]);

    const large = [1, 1, 720, 960] as const;
    const b = new GraphBuilder("blocks");
    const constant = (name: string, dims: readonly number[], value: number) =>
      b.float32(
        name,
        dims,
        Array.from({ length: dims.reduce((product, dim) => product * dim, 1) }, () => value),
      );
    b.input("fresh", "float32", large);
    blendGraph(b, {
      fresh: "fresh",
      before: constant("before", keptDims(large), 5),
      flow: constant("flow", [1, 2, h, w], 0),
      valid: constant("valid", [1, 1, h, w], 1),
      mismatch: constant("mismatch", [1, 1, h, w], 0),
      share: constant("share", [1], 0.5),
      dims: large,
      scale,
      kept: "kept",
      to: "mixed",
    });
    b.output("kept", "float32", keptDims(large));
    b.output("mixed", "float32", large);
    const fresh = floats(large, (at) => at % 2);
    const { kept, mixed } = await runOnce(modelOf(b.build()), { fresh });
    // Means of 0.5 half way to 5; what is fine stays.
    expect(most(kept?.data, floats(keptDims(large), () => 2.75).data)).toBeLessThan(1e-4);
    const fine = Float32Array.from({ length: fresh.data.length }, (_, at) => Number(fresh.data[at]) + 2.25);
    expect(most(mixed?.data, fine)).toBeLessThan(1e-4);
  });
});

test("mismatch is the difference along the flow, less what the exposure did", async () => {
  const b = new GraphBuilder("mismatch");
  const luma = [1, 1, h, w];
  const before = floats(luma, () => 0.2 + 0.5 * random.next());
  const now = floats(luma, (at) => Number(before.data[at]));
  const inputs = { now, before, flow };
  for (const [name, tensor] of Object.entries(inputs)) b.input(name, tensor.dtype, tensor.dims);
  b.output(mismatchGraph(b, { now: "now", before: "before", flow: "flow", scale }), "float32", luma);
  const model = modelOf(b.build());
  const [name = ""] = model.graph.outputs.map((output) => output.name);

  const moved = Array.from({ length: h * w }, (_, cell) => {
    const [row, column] = [Math.floor(cell / w), cell % w];
    const dx = (Number(flow.data[cell]) * w) / 2;
    const dy = (Number(flow.data[cell + h * w]) * h) / 2;
    return bilinear(plane(before.data, w, h), row + dy, column + dx);
  });
  const mean = (values: ArrayLike<number | bigint>): number =>
    Array.from(values, Number).reduce((sum, value) => sum + value, 0) / (h * w);
  const factor = (mean(now.data) + 0.001) / (mean(moved) + 0.001);
  const expected = moved.map((value, at) => Math.abs(Number(now.data[at]) - factor * value));
  const found = (await runOnce(model, inputs))[name];
  expect(most(found?.data, expected)).toBeLessThan(1e-4);

  // A picture that only got darker explains itself.
  const still = floats([1, 2, h, w], () => 0);
  const darker = floats(luma, (at) => 0.7 * Number(before.data[at]));
  const dark = (await runOnce(model, { now: darker, before, flow: still }))[name];
  expect(most(dark?.data)).toBeLessThan(1e-3);
});
