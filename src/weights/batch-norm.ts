// A batch normalisation behind a convolution as part of the convolution, for networks that have it so while the file has
// both: w' = w * g / sqrt(v + e), b' = (b - m) * g / sqrt(v + e) + s, for each output channel. Computed in double precision.

import { ClockworkError } from "../errors.ts";
import { float32Tensor, type Tensor } from "../onnx/index.ts";
import { floatsOf, isFloat } from "./element-types.ts";
import { patternOf } from "./name-pattern.ts";
import { describeTensor } from "./weights.ts";

/** Which batch normalisation goes into which convolution. Names are those of layers, without `.weight` and the like. */
export interface Fold {
  /** The convolution: a whole name, or a regular expression between slashes. Its weights are [output, input, ...]. */
  readonly conv: string;
  /** The normalisation behind it, with `$1` for groups of the expression. */
  readonly bn: string;
  /** What the normalisation adds to variances. */
  readonly epsilon: number;
}

/** A tensor with its name now and its name in the file. */
export type NamedTensor = readonly [name: string, from: string, tensor: Tensor];

/**
 * Folds normalisations into the convolutions in front of them: the convolution's tensors are replaced, those of the
 * normalisation are gone.
 * @throws ClockworkError `invalid-argument` where a layer of a fold is not there, or shapes do not fit
 */
export function foldBatchNorm(tensors: readonly NamedTensor[], folds: readonly Fold[]): readonly NamedTensor[] {
  const byName = new Map(tensors.map((entry) => [entry[0], entry]));
  for (const fold of folds) {
    const pattern = patternOf(fold.conv, fold.conv);
    const layers = [...byName.keys()].filter((name) => name.endsWith(".weight")).map((name) => name.slice(0, -7));
    const convs = layers.filter((layer) => layer.search(pattern) >= 0);
    if (convs.length === 0) {
      throw new ClockworkError("invalid-argument", `folds: expected a layer ${fold.conv} with weights, got none`);
    }
    for (const conv of convs) foldOne(byName, conv, conv.replace(pattern, fold.bn), fold.epsilon);
  }
  return [...byName.values()];
}

function foldOne(byName: Map<string, NamedTensor>, conv: string, bn: string, epsilon: number): void {
  const weight = byName.get(`${conv}.weight`);
  if (weight === undefined) return;
  const [name, from, tensor] = weight;
  const channels = tensor.dims[0] ?? 0;
  const part = (of: string, fallback: number | undefined): ArrayLike<number> => {
    const found = byName.get(of)?.[2];
    if (found === undefined && fallback !== undefined) return new Float64Array(channels).fill(fallback);
    const values = found !== undefined && isFloat(found.dtype) ? floatsOf(found) : undefined;
    if (values?.length === channels) return values;
    const got = found === undefined ? "none" : describeTensor(of, found);
    throw new ClockworkError(
      "invalid-argument",
      `folds: ${describeTensor(name, tensor)}: expected ${channels} numbers as ${of}, got ${got}`,
    );
  };
  const gamma = part(`${bn}.weight`, 1);
  const beta = part(`${bn}.bias`, 0);
  const mean = part(`${bn}.running_mean`, undefined);
  const variance = part(`${bn}.running_var`, undefined);
  const bias = part(`${conv}.bias`, 0);
  const factors = Float64Array.from(variance, (value, i) => (gamma[i] ?? 1) / Math.sqrt(value + epsilon));
  const values = floatsOf(tensor);
  const perChannel = values.length / channels;
  const folded = Float64Array.from(values, (value, i) => value * (factors[Math.floor(i / perChannel)] ?? 1));
  const shifted = Float64Array.from(
    factors,
    (factor, i) => ((bias[i] ?? 0) - (mean[i] ?? 0)) * factor + (beta[i] ?? 0),
  );
  byName.set(name, [name, from, float32Tensor(tensor.dims, folded)]);
  byName.set(`${conv}.bias`, [
    `${conv}.bias`,
    byName.get(`${conv}.bias`)?.[1] ?? `${bn}.bias`,
    float32Tensor([channels], shifted),
  ]);
  for (const gone of ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]) {
    byName.delete(`${bn}.${gone}`);
  }
}
