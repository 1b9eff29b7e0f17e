// Where the pixels of a result are in their source, and what is there, as pieces of a graph: an affine transform to
// positions, those to nearest pixels and to bilinear samples. For `augment-graph.ts`.
//
// Pixels are looked up by their place (`Gather`) and not with `GridSample`: that would have the whole source turned into
// planes of floats first, and its coordinates from -1 to 1 do not hit the centres of pixels to the bit.

import { tensorValue, type Graph, GraphBuilder } from "../../onnx/index.ts";

/** Numbers of types in `Cast`. */
export const castTo = { float32: 1, uint8: 2, int32: 6, int64: 7 } as const;

/** Steps of the source, in pixels, from which it is halved before bilinear sampling, which looks at two pixels an axis. */
const WIDEST_STEP = 1.5;
/** Pixels that a bilinear sample is made of. */
const CORNERS = 4;

/** A graph under construction, with the numbers that all of its pieces use. */
export class SourcePixels {
  readonly #b: GraphBuilder;
  readonly #half: string;
  readonly #zero: string;
  readonly #one: string;
  /** The terms a to f of the transform, float32 [1] each. */
  readonly #affine: readonly string[];
  /** Where each pixel of the result is in the source: float32 [pixels]. */
  readonly #at: Record<Axis, string>;

  /** @param affine name of a float32 [6] as in `Transform` @param size size of the result */
  constructor(b: GraphBuilder, affine: string, size: { readonly widthPx: number; readonly heightPx: number }) {
    this.#b = b;
    this.#half = b.float32("half", [], [0.5]);
    this.#zero = b.float32("zero", [], [0]);
    this.#one = b.float32("one", [], [1]);
    this.#affine = ["a", "b", "c", "d", "e", "f"].map((term) => `affine/${term}`);
    const sizes = b.int64("affine/sizes", [6], [1, 1, 1, 1, 1, 1]);
    b.add("affine/terms", "Split", [affine, sizes], {}, { outputs: this.#affine });
    const columns = b.float32(
      "columns",
      [1, size.widthPx],
      Float32Array.from({ length: size.widthPx }, (_, x) => x),
    );
    const rows = b.float32(
      "rows",
      [size.heightPx, 1],
      Float32Array.from({ length: size.heightPx }, (_, y) => y),
    );
    const flat = b.int64("flat", [1], [-1]);
    const along = (axis: Axis, first: number): string => {
      const [byColumn = "", byRow = "", start = ""] = this.#affine.slice(first);
      const across = b.add(`${axis}/across`, "Mul", [columns, byColumn]);
      const down = b.add(`${axis}/down`, "Add", [b.add(`${axis}/down/scaled`, "Mul", [rows, byRow]), start]);
      return b.add(`${axis}/positions`, "Reshape", [b.add(`${axis}/plane`, "Add", [across, down]), flat]);
    };
    this.#at = { x: along("x", 0), y: along("y", 3) };
  }

  /** The nearest pixels of a source uint8 [T, H, W, ...]. */
  nearest(source: string): Nearest {
    const b = this.#b;
    const size = this.#sizeOf("nearest", source);
    const along = (axis: Axis): { place: string; inside: string } => {
      const name = `nearest/${axis}`;
      const rounded = b.add(name, "Floor", [b.add(`${name}/shifted`, "Add", [this.#at[axis], this.#half])]);
      const place = this.#bounded(`${name}/bounded`, rounded, size[axis]);
      return { place, inside: b.add(`${name}/inside`, "Equal", [place, rounded]) };
    };
    const [x, y] = [along("x"), along("y")];
    const place = b.add("nearest/place", "Add", [b.add("nearest/row", "Mul", [y.place, size.x]), x.place]);
    return {
      index: b.add("nearest/index", "Cast", [place], { to: castTo.int32 }),
      inside: b.add("nearest/inside", "And", [x.inside, y.inside]),
    };
  }

  /**
   * Bilinear samples of frames uint8 [T, H, W, 3]: float32 [T, 3, pixels], from 0 to 255. Outside, the outermost pixels go
   * on. Where the transform makes the picture smaller by more than 1.5, samples of copies of half its size, and again.
   */
  bilinear(frames: string): string {
    const b = this.#b;
    const { source, factor } = this.#halved(frames);
    const size = this.#sizeOf("bilinear", source);
    const along = (axis: Axis): Neighbours => {
      const name = `bilinear/${axis}`;
      // In a source of 1/factor the size: (place + 0.5) / factor - 0.5, so written that it is exact where the factor is 1.
      const shift = b.add(`${name}/shift`, "Sub", [
        b.add(`${name}/half factor`, "Mul", [this.#half, factor]),
        this.#half,
      ]);
      const place = b.add(`${name}/place`, "Div", [b.add(`${name}/shifted`, "Sub", [this.#at[axis], shift]), factor]);
      const low = b.add(`${name}/floor`, "Floor", [place]);
      const high = b.add(`${name}/next`, "Add", [low, this.#one]);
      const far = b.add(`${name}/far`, "Sub", [place, low]);
      return [
        {
          place: this.#bounded(`${name}/low`, low, size[axis]),
          weight: b.add(`${name}/near`, "Sub", [this.#one, far]),
        },
        { place: this.#bounded(`${name}/high`, high, size[axis]), weight: far },
      ];
    };
    const columns = along("x");
    const corners = along("y").flatMap((row, down) => {
      const start = b.add(`bilinear/row/${down}`, "Mul", [row.place, size.x]);
      return columns.map((column, right) => ({
        place: b.add(`bilinear/place/${down}${right}`, "Add", [start, column.place]),
        weight: b.add(`bilinear/weight/${down}${right}`, "Mul", [row.weight, column.weight]),
      }));
    });
    const shape = b.int64("bilinear/shape", [2], [CORNERS, -1]);
    const stacked = (part: "place" | "weight"): string => {
      const row = b.add(
        `bilinear/${part}s/row`,
        "Concat",
        corners.map((corner) => corner[part]),
        { axis: 0 },
      );
      return b.add(`bilinear/${part}s`, "Reshape", [row, shape]);
    };
    const places = b.add("bilinear/index", "Cast", [stacked("place")], { to: castTo.int32 });
    const flat = b.add("bilinear/flat", "Reshape", [source, b.int64("bilinear/flat/shape", [3], [0, -1, 3])]);
    const found = b.add("bilinear/found", "Gather", [flat, places], { axis: 1 });
    const planes = b.add("bilinear/planes", "Transpose", [found], { perm: [0, 3, 1, 2] });
    const values = b.add("bilinear/float", "Cast", [planes], { to: castTo.float32 });
    const weighted = b.add("bilinear/weighted", "Mul", [values, stacked("weight")]);
    return b.add("bilinear/sum", "ReduceSum", [weighted, b.int64("bilinear/axes", [1], [2])], { keepdims: 0 });
  }

  /** The source halved until a step of the transform is at most {@link WIDEST_STEP} of its pixels; and by what factor. */
  #halved(frames: string): { source: string; factor: string } {
    const b = this.#b;
    const [a = "", skewX = "", , skewY = "", e = ""] = this.#affine;
    const straight = b.add("halving/straight", "Mul", [a, e]);
    const skewed = b.add("halving/skewed", "Mul", [skewX, skewY]);
    // The mean step of both axes is the root of this.
    const area = b.add("halving/area", "Abs", [b.add("halving/determinant", "Sub", [straight, skewed])]);
    const least = b.add("halving/share", "Max", [
      b.add("halving/relative", "Mul", [area, b.float32("halving/unit", [], [WIDEST_STEP ** -2])]),
      b.float32("halving/least", [], [1]),
    ]);
    // log4(area / widest^2) is log2(step / widest).
    const steps = b.add("halving/steps", "Mul", [
      b.add("halving/log", "Log", [least]),
      b.float32("halving/base", [], [1 / Math.log(4)]),
    ]);
    const scalar = b.int64("halving/scalar", [0], []);
    const times = b.add("halving/times", "Reshape", [b.add("halving/whole", "Ceil", [steps]), scalar]);
    const count = b.add("halving/count", "Cast", [times], { to: castTo.int64 });
    return {
      source: b.add("halving/source", "Loop", [count, "", frames], { body: halving() }),
      factor: b.add("halving/factor", "Pow", [b.float32("halving/two", [], [2]), times]),
    };
  }

  /** Width and height of a source [T, H, W, ...], float32 [1] each. */
  #sizeOf(prefix: string, source: string): Record<Axis, string> {
    const b = this.#b;
    const shape = b.add(`${prefix}/sizes`, "Shape", [source], { start: 1, end: 3 });
    const numbers = b.add(`${prefix}/sizes/float`, "Cast", [shape], { to: castTo.float32 });
    const size = { x: `${prefix}/width`, y: `${prefix}/height` };
    const single = b.int64(`${prefix}/sizes/single`, [2], [1, 1]);
    b.add(`${prefix}/size`, "Split", [numbers, single], {}, { outputs: [size.y, size.x] });
    return size;
  }

  /** Whole numbers moved into 0 ... length - 1. */
  #bounded(name: string, tensor: string, length: string): string {
    const b = this.#b;
    const last = b.add(`${name}/last`, "Sub", [length, this.#one]);
    return b.add(name, "Min", [b.add(`${name}/least`, "Max", [tensor, this.#zero]), last]);
  }
}

type Axis = "x" | "y";

/** The two pixels of an axis that a sample lies between, and how much of each it is. */
type Neighbours = readonly { readonly place: string; readonly weight: string }[];

/** Nearest pixels of a source. */
export interface Nearest {
  /** Places in the rows of the source one after the other, int32 [pixels]; those outside are moved inside. */
  readonly index: string;
  /** Whether the pixel is in the source: bool [pixels]. */
  readonly inside: string;
}

/** Body of a loop: frames uint8 [T, H, W, 3] at half the size, sides rounded up. Its names are those of no other node. */
function halving(): Graph {
  const b = new GraphBuilder("halving");
  const name = (part: string): string => `halving/body/${part}`;
  const planes = b.add(name("planes"), "Transpose", [name("whole")], { perm: [0, 3, 1, 2] });
  const values = b.add(name("float"), "Cast", [planes], { to: castTo.float32 });
  const pooling = { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 };
  const rounded = b.add(name("rounded"), "Round", [b.add(name("pooled"), "AveragePool", [values], pooling)]);
  const bytes = b.add(name("bytes"), "Cast", [rounded], { to: castTo.uint8 });
  const half = b.add(name("half"), "Transpose", [bytes], { perm: [0, 2, 3, 1] });
  const on = b.add(name("on"), "Identity", [name("going")]);
  return {
    ...b.build(),
    // In the order of `Loop`: iteration, condition, what is carried.
    inputs: [
      tensorValue(name("time"), "int64", []),
      tensorValue(name("going"), "bool", []),
      tensorValue(name("whole"), "uint8", undefined),
    ],
    outputs: [tensorValue(on, "bool", []), tensorValue(half, "uint8", undefined)],
  };
}
