// What a benchmark says.

/** One measured figure beside its reference, both medians from the same interleaved run. */
export interface Measurement {
  readonly bench: string;
  readonly ours: number;
  readonly reference: number;
  /** ours / reference. */
  readonly ratio: number;
  readonly unit: "ms" | "frames/s" | "GFLOP/s";
  readonly note: string;
}

/** Something that measures. Its figures are called `name`, or `name/...` for further networks. */
export interface Benchmark {
  readonly name: string;
  readonly about: string;
  run(): Promise<readonly Measurement[]>;
}
