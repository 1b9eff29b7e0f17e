// What a tensor is called in the same words, whoever named it: PyTorch's `conv1.bn.running_mean`, Keras's
// `conv1/bn/moving_mean` and the `conv1/bn.mean` of our networks are one name here. Does not know networks.

const words: ReadonlyMap<string, string> = new Map([
  ["scale", "weight"],
  ["gamma", "weight"],
  ["slope", "weight"],
  ["alpha", "weight"],
  ["kernel", "weight"],
  ["w", "weight"],
  ["shift", "bias"],
  ["beta", "bias"],
  ["b", "bias"],
  ["running_mean", "mean"],
  ["moving_mean", "mean"],
  ["running_var", "var"],
  ["moving_var", "var"],
  ["moving_variance", "var"],
  ["variance", "var"],
]);

/** The canonical form of a name: parts joined by dots, its last word one of `weight`, `bias`, `mean`, `var` where it can. */
export function canonicalName(name: string): string {
  return [...partsOf(name).slice(0, -1), roleOf(name)].join(".");
}

/** The last word of a name, in its canonical form. */
export function roleOf(name: string): string {
  const last = partsOf(name).at(-1) ?? "";
  return words.get(last) ?? last;
}

/** Whether a tensor only counts batches of training, and is of no use afterwards. */
export function isCounter(name: string): boolean {
  return /(?:^|[./])num_batches_tracked$/.test(name);
}

/** What stands between separators; TensorFlow's `:0` is the number of an output and no part. */
function partsOf(name: string): readonly string[] {
  return name
    .replace(/:\d+$/, "")
    .split(/[./:]+/)
    .filter((part) => part !== "");
}
