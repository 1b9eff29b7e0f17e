// The independent reference: gradients by TensorFlow.js on its CPU backend, which is plain JavaScript.
// Graphs are functions of tensors; the loss is that of gradients-of.ts.

import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { buildSync } from "esbuild";
import {
  expectClose,
  gradientsOf,
  weightsOf,
  type Floats,
  type FloatsByName,
  type Forward,
  type GradientOptions,
  type Gradients,
} from "./gradients-of.ts";

// The package's gradients are in modules that only a bundler can load; the bundle is kept, since making it takes seconds.
const require = createRequire(import.meta.url);
const folder = new URL("../../../.cache/", import.meta.url);
const bundle = new URL(`tensorflow-gradients-${tf.version_core}.cjs`, folder);
if (!existsSync(bundle)) {
  const [made] = buildSync({
    entryPoints: [require.resolve("@tensorflow/tfjs-core/dist/register_all_gradients.js")],
    bundle: true,
    write: false,
    platform: "node",
    format: "cjs",
  }).outputFiles;
  mkdirSync(folder, { recursive: true });
  // Other test files may be at it, too: each puts a whole file in place.
  const part = new URL(`tensorflow-gradients-${process.pid}.part`, folder);
  writeFileSync(part, made?.text ?? "");
  renameSync(part, bundle);
}
require(fileURLToPath(bundle));
tf.env().set("PROD", true);

/** The forward graph: inputs in the order of their names, outputs in the order of the loss. */
export type TensorFlowForward = (...inputs: tf.Tensor[]) => tf.Tensor | readonly tf.Tensor[];

/** Values and gradients by name; outputs are numbered. */
export interface TensorFlowResult {
  readonly gradients: FloatsByName;
  readonly outputs: readonly Floats[];
}

function floatsOf(tensor: tf.Tensor): Floats {
  return { dims: tensor.shape, data: Float32Array.from(tensor.dataSync()) };
}

/** A tensor of the reference. */
export function tensorOf({ dims, data }: Floats): tf.Tensor {
  return tf.tensor(data, [...dims], "float32");
}

/** Gradients by all inputs. */
export function tensorflowGradients(inputs: FloatsByName, forward: TensorFlowForward): TensorFlowResult {
  const outputsOf = (tensors: tf.Tensor[]): readonly tf.Tensor[] => [forward(...tensors)].flat();
  const given = Object.values(inputs).map(tensorOf);
  const outputs = outputsOf(given).map(floatsOf);
  const loss = (...tensors: tf.Tensor[]): tf.Tensor =>
    outputsOf(tensors)
      .map((output, index) => tf.sum(tf.mul(output, tensorOf(weightsOf(output.shape, index)))))
      .reduce((a, b) => tf.add(a, b));
  const gradients = tf.grads(loss)(given);
  return {
    outputs,
    gradients: Object.fromEntries(
      Object.keys(inputs).map((name, index) => {
        const gradient = gradients[index];
        if (gradient === undefined) throw new Error(`test: no reference by ${name}`);
        return [name, floatsOf(gradient)];
      }),
    ),
  };
}

/** The library's values and gradients against the reference's. */
export async function expectTensorflow(
  what: string,
  inputs: FloatsByName,
  forward: Forward,
  reference: TensorFlowForward,
  options: GradientOptions & { readonly tolerance?: number } = {},
): Promise<Gradients> {
  const result = await gradientsOf(inputs, forward, options);
  const expected = tensorflowGradients(inputs, reference);
  const tolerance = options.tolerance ?? 1e-4;
  const values = Object.values(result.values);
  for (const [index, output] of expected.outputs.entries()) {
    expectClose(values[index], output, tolerance, `${what}, output ${index}`);
  }
  for (const name of options.by ?? Object.keys(inputs)) {
    expectClose(result.gradients[name], expected.gradients[name], tolerance, `${what}, by ${name}`);
  }
  return result;
}

/** [N,C,H,W] as [N,H,W,C]. */
export function channelsLast(x: tf.Tensor): tf.Tensor4D {
  return tf.transpose(x, [0, 2, 3, 1]) as tf.Tensor4D;
}

/** [N,H,W,C] as [N,C,H,W]. */
export function channelsFirst(x: tf.Tensor): tf.Tensor4D {
  return tf.transpose(x, [0, 3, 1, 2]) as tf.Tensor4D;
}
