// Changes of shot as graph nodes: what was held belongs to another scene then, so everything fires.
//
// Each frame is reduced to a thumbnail of 16x12 mean colours without their mean. Two thumbnails of one shot correlate,
// whatever the exposure does: measured over 1,886 pairs of consecutive frames of driving and fixed cameras at 15-25
// frames a second, 1 - correlation was at most 0.04, and at most 0.12 between every fifth frame of a car at 15 Hz; over
// 1,436 pairs of frames of different clips it was at least 0.25, and above 0.15 for 98 of 100 pairs of one drive that
// lie a minute apart.
//
// Frames without contrast (black, fog, a flash) show nothing to compare: they are passed over, and what follows is
// compared with the last frame that had some.

import { GraphBuilder, type DType, type Node, type Tensor } from "../onnx/index.ts";
import type { ClockTensor } from "./signal-graph.ts";
import type { MemoryNames } from "./stage-graph.ts";

/** Least 1 - correlation that counts as a change of shot. */
const shotThreshold = 0.15;

/** A thumbnail with less variance than this many squared grey levels has no contrast. */
const leastVariance = 4;

/** Columns and rows of the thumbnail. */
const grid = { columns: 16, rows: 12 } as const;

/** Samples of the image in each cell of the thumbnail, along one axis. */
const samplesPerCell = 10;

/** The image that is looked at. */
export interface ShotSource {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** Axes of rows, columns and channels. */
  readonly axes: { readonly rows: number; readonly columns: number; readonly channels: number };
  /** What one of 256 grey levels is in the image's values. */
  readonly level: number;
}

/** The detector's nodes and what they need. */
export interface ShotGraph {
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly memory: readonly ClockTensor[];
}

/**
 * Writes the detector. Nodes are named `clockwork/shot/...`.
 * @param shot name of the bool output [1]
 */
export function shotGraph(source: ShotSource, memory: MemoryNames, shot: string): ShotGraph {
  const b = new GraphBuilder("shot");
  const { axes, dims } = source;
  const rows = dims[axes.rows] ?? 1;
  const columns = dims[axes.columns] ?? 1;
  const channels = dims[axes.channels] ?? 1;
  const step = {
    rows: Math.max(1, Math.floor(rows / (grid.rows * samplesPerCell))),
    columns: Math.max(1, Math.floor(columns / (grid.columns * samplesPerCell))),
  };
  const sampled = { rows: Math.ceil(rows / step.rows), columns: Math.ceil(columns / step.columns) };
  const name = (part: string): string => `clockwork/shot/${part}`;

  const samples = b.add(name("samples"), "Slice", [
    source.name,
    b.int64(name("starts"), [2], [0, 0]),
    b.int64(name("ends"), [2], [rows, columns]),
    b.int64(name("axes"), [2], [axes.rows, axes.columns]),
    b.int64(name("steps"), [2], [step.rows, step.columns]),
  ]);
  const perm = [axes.channels, axes.rows, axes.columns];
  const batch = dims.length === 4 ? [0] : [];
  const planes = b.add(name("planes"), "Transpose", [samples], { perm: [...batch, ...perm] });
  const floats = b.add(name("floats"), "Cast", [planes], { to: 1 });
  const image = b.add(name("image"), "Reshape", [
    floats,
    b.int64(name("image/shape"), [3], [channels, sampled.rows, sampled.columns]),
  ]);
  const across = b.add(name("across"), "MatMul", [
    image,
    b.float32(
      name("across/means"),
      [sampled.columns, grid.columns],
      transposed(cellMeans(sampled.columns, grid.columns), grid.columns),
    ),
  ]);
  const cells = b.add(name("cells"), "MatMul", [
    b.float32(name("cells/means"), [grid.rows, sampled.rows], cellMeans(sampled.rows, grid.rows)),
    across,
  ]);
  const count = grid.rows * grid.columns;
  const means = b.add(name("means"), "Reshape", [cells, b.int64(name("means/shape"), [2], [channels, count])]);
  const thumbnail = name("thumbnail");
  b.add(thumbnail, "MatMul", [means, b.float32(name("centre"), [count, count], centring(count))]);

  const before = memory.before(thumbnail);
  const meanProduct = (part: string, x: string, y: string): string =>
    b.add(name(part), "ReduceMean", [b.add(name(`${part}/product`), "Mul", [x, y])], { keepdims: 0 });
  const both = meanProduct("both", thumbnail, before);
  const own = meanProduct("own", thumbnail, thumbnail);
  const other = meanProduct("other", before, before);
  const size = b.add(name("size"), "Sqrt", [b.add(name("sizes"), "Mul", [own, other])]);
  const levelSquared = source.level ** 2;
  // Nothing was remembered before the first frame with contrast: that one is like zeros, then.
  const floor = b.float32(name("floor"), [], [levelSquared]);
  const correlation = b.add(name("correlation"), "Div", [
    b.add(name("both/floored"), "Add", [both, floor]),
    b.add(name("size/floored"), "Add", [size, floor]),
  ]);
  const low = b.add(name("low"), "Less", [correlation, b.float32(name("threshold"), [], [1 - shotThreshold])]);
  const flat = b.add(name("flat"), "Less", [own, b.float32(name("flat/variance"), [], [leastVariance * levelSquared])]);
  const seen = b.add(name("seen"), "And", [low, b.add(name("contrast"), "Not", [flat])]);
  b.add(shot, "Reshape", [seen, b.int64(name("result/shape"), [1], [1])]);
  b.add(memory.after(thumbnail), "Where", [flat, before, thumbnail]);
  const graph = b.build();
  return {
    nodes: graph.nodes,
    initializers: graph.initializers,
    memory: [{ tensor: thumbnail, dtype: "float32", dims: [channels, count] }],
  };
}

/** Rows of weights [cells, samples] that take the mean of the samples of each cell; cells overlap where they must. */
function cellMeans(samples: number, cells: number): number[] {
  return Array.from({ length: cells }, (_, cell) => {
    const from = Math.floor((cell * samples) / cells);
    const to = Math.max(from + 1, Math.ceil(((cell + 1) * samples) / cells));
    return Array.from({ length: samples }, (_, sample) => (sample >= from && sample < to ? 1 / (to - from) : 0));
  }).flat();
}

/** [cells, samples] as [samples, cells]. */
function transposed(weights: readonly number[], cells: number): number[] {
  const samples = weights.length / cells;
  return Array.from(
    { length: samples * cells },
    (_, at) => weights[(at % cells) * samples + Math.floor(at / cells)] ?? 0,
  );
}

/** The matrix that takes the mean away from a vector. */
function centring(count: number): number[] {
  return Array.from({ length: count * count }, (_, at) => (at % (count + 1) === 0 ? 1 : 0) - 1 / count);
}
