// Conversion of elements and the folding of normalisation against ONNX Runtime, which does both itself.

import { expect, test } from "vitest";
import { float, float32Tensor, GraphBuilder, modelOf, numbersOf, ofBytes, type Tensor } from "../../src/onnx/index.ts";
import { foldBatchNorm } from "../../src/weights/batch-norm.ts";
import { asType } from "../../src/weights/element-types.ts";
import { Random } from "../../src/networks/random.ts";
import { runOnce } from "../support/runtime.ts";

/** ONNX's numbers of types in `Cast`. */
const codes = { float16: 10, bfloat16: 16, float32: 1 } as const;

/** Numbers of every size, halfway cases, and both sides of every limit. */
function numbers(): Float32Array<ArrayBuffer> {
  const random = new Random(3, "numbers");
  const spread = Array.from(random.uniform(3000, -1, 1), (value, i) => value * 2 ** ((i % 60) - 42));
  const halves = Array.from({ length: 4096 }, (_, i) => (i + 0.5) * 2 ** -24);
  const ties = Array.from({ length: 2048 }, (_, i) => 2048 + i * 1 + (i % 3) * 0.5);
  const limits = [0, -0, 65504, 65519.99, 65520, 65536, -65520, 2 ** -24, 2 ** -25, 2 ** -26, Infinity, -Infinity];
  return Float32Array.from([...spread, ...halves, ...ties, ...limits, 3.4e38, -1e-45]);
}

async function castThere(values: Float32Array<ArrayBuffer>, to: "float16" | "bfloat16"): Promise<Float32Array> {
  const b = new GraphBuilder("cast");
  const x = b.input("x", "float32", [values.length]);
  const cast = b.add("cast", "Cast", [x], { to: codes[to] });
  b.output(b.add("y", "Cast", [cast], { to: codes.float32 }), "float32", [values.length]);
  const { y } = await runOnce(modelOf(b.build()), { x: { dtype: "float32", dims: [values.length], data: values } });
  return y?.data as Float32Array;
}

test.each(["float16", "bfloat16"] as const)("%s: rounded as the engine rounds", async (dtype) => {
  const values = numbers();
  const there = await castThere(values, dtype);
  const tensor = ofBytes("float32", [values.length], values);
  const here = numbersOf(asType(asType(tensor, dtype, "x"), "float32", "x"));
  expect(here?.length).toBe(values.length);
  const differing = Array.from(values.keys()).filter((at) => !Object.is(here?.[at], there[at]));
  expect(differing.map((at) => [values[at], here?.[at], there[at]])).toEqual([]);
});

test("every float16 and bfloat16 comes back from float32 and float64 as it was", () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
  for (const dtype of ["float16", "bfloat16"] as const) {
    const tensor = ofBytes(dtype, [all.length], all);
    const isNaN = (bits: number): boolean =>
      dtype === "float16" ? (bits & 0x7fff) > 0x7c00 : (bits & 0x7fff) > 0x7f80;
    for (const wide of ["float32", "float64"] as const) {
      const back = asType(asType(tensor, wide, "x"), dtype, "x");
      const bits = new Uint16Array(Uint8Array.from(back.data as Uint8Array).buffer);
      expect(Array.from(all.keys()).filter((i) => (isNaN(i) ? !isNaN(bits[i] ?? 0) : bits[i] !== i))).toEqual([]);
    }
  }
});

test("a normalisation folded into its convolution computes what both did", async () => {
  const random = new Random(5, "fold");
  const some = (dims: readonly number[], low: number, high: number): Tensor =>
    float32Tensor(
      dims,
      random.uniform(
        dims.reduce((a, d) => a * d, 1),
        low,
        high,
      ),
    );
  const tensors: Readonly<Record<string, Tensor>> = {
    "c.weight": some([4, 3, 3, 3], -1, 1),
    "c.bias": some([4], -1, 1),
    "n.weight": some([4], 0.5, 2),
    "n.bias": some([4], -1, 1),
    "n.running_mean": some([4], -1, 1),
    "n.running_var": some([4], 0.5, 2),
  };
  const graph = (names: readonly string[], given: Readonly<Record<string, Tensor>>): ReturnType<typeof modelOf> => {
    const b = new GraphBuilder("g");
    const x = b.input("x", "float32", [1, 3, 5, 5]);
    const part = (name: string): string => b.initializer(name, given[name] ?? float32Tensor([], []));
    let y = b.add("conv", "Conv", [x, part("c.weight"), part("c.bias")]);
    if (names.length > 0) y = b.add("bn", "BatchNormalization", [y, ...names.map(part)], { epsilon: float(1e-3) });
    b.output(y, "float32", [1, 4, 3, 3]);
    return modelOf(b.build());
  };
  const image = { dtype: "float32", dims: [1, 3, 5, 5], data: Float32Array.from(random.uniform(75, -1, 1)) } as const;
  const both = await runOnce(graph(["n.weight", "n.bias", "n.running_mean", "n.running_var"], tensors), { x: image });
  const folded = foldBatchNorm(
    Object.entries(tensors).map(([name, tensor]) => [name, name, tensor] as const),
    [{ conv: "c", bn: "n", epsilon: 1e-3 }],
  );
  expect(folded.map(([name]) => name)).toEqual(["c.weight", "c.bias"]);
  const one = await runOnce(graph([], Object.fromEntries(folded.map(([name, , tensor]) => [name, tensor]))), {
    x: image,
  });
  const [expected, got] = [both["bn"], one["conv"]].map((tensor) => Array.from(tensor?.data as Float32Array));
  expect(got?.length).toBe(36);
  for (const [at, value] of (expected ?? []).entries()) expect(got?.[at]).toBeCloseTo(value, 4);
});
