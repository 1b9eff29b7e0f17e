// Gradients of GridSample on maps: each sample gives its gradient back to the pixels it was read from, in proportion to
// their weights. Jaderberg et al., "Spatial Transformer Networks", NeurIPS 2015, section 3.3; conventions of the ONNX
// standard, operator GridSample. Bilinear and nearest; not cubic, not volumes.

import { intAttribute, stringAttribute } from "../../../onnx/index.ts";
import { inputOf, refuse, type Backward, type Rule } from "../rule.ts";

/** A pixel that samples read along one axis; every tensor is [N,samples]. */
interface Tap {
  /** int64, inside the map. */
  readonly index: string;
  /** Part of the sample that it makes up. */
  readonly weight: string;
  /** d weight / d position; `undefined`: 0 */
  readonly slope: string | undefined;
}

/** Towards the map, and, where bilinear, towards the grid. */
export const gridSample: Rule = {
  backward: (c) => {
    const dy = c.gradient();
    if (dy === undefined) return [];
    const { ops } = c;
    const [x, grid] = [inputOf(c, 0), inputOf(c, 1)];
    const shape = c.shapeOf(x);
    if (shape.length !== 4) refuse(c, "maps [N,C,H,W]", `[${shape.join(",")}]`);
    const mode = modeOf(c);
    if (c.wants(1) && mode === "nearest") refuse(c, "bilinear sampling where the grid is learned", "nearest");
    const [batch = 1, channels = 1, height = 1, width = 1] = shape;
    const [, rows = 1, columns = 1] = c.shapeOf(grid);
    const samples = rows * columns;
    const places = ops.reshape(grid, [batch, samples, 2]);
    const along = (axis: 0 | 1, length: number): readonly Tap[] => {
      const stated = ops.reshape(ops.slice(places, [2], [axis], [axis + 1]), [batch, samples]);
      return tapsOf(c, stated, length, mode);
    };
    const [across, down] = [along(0, width), along(1, height)];
    const up = ops.reshape(dy, [batch, channels, samples]);
    const wide = (tensor: string): string => ops.reshape(tensor, [batch, 1, samples]);
    const corners = down.flatMap((v) =>
      across.map((h) => {
        const index = ops.add(ops.mul(v.index, ops.int64([width])), h.index);
        return { v, h, index: ops.expand(wide(index), [batch, channels, samples]) };
      }),
    );

    let towardsMap: string | undefined;
    if (c.wants(0)) {
      if (ops.opset < 16) refuse(c, "operator set 16 or later", `${ops.opset}`);
      const flat = [batch, channels, height * width];
      towardsMap = ops.expand(ops.float32([1, 1, 1], [0]), flat);
      // `ScatterElements` adds one after the other; the engine's `ScatterND` loses additions to the same pixel.
      for (const { v, h, index } of corners) {
        const share = ops.mul(up, wide(ops.mul(v.weight, h.weight)));
        towardsMap = ops.op("ScatterElements", [towardsMap, index, share], { axis: 2, reduction: "add" });
      }
      towardsMap = ops.reshape(towardsMap, shape);
    }
    if (!c.wants(1)) return [towardsMap, undefined];

    // How much of dY meets each corner's pixels, [N,samples]; then by the slopes of that corner's weight.
    const pixels = ops.reshape(x, [batch, channels, height * width]);
    const parts: [across: string[], down: string[]] = [[], []];
    for (const { v, h, index } of corners) {
      const met = ops.op("GatherElements", [pixels, index], { axis: 2 });
      const product = ops.reduceSum(ops.mul(up, met), [1], false);
      if (h.slope !== undefined) parts[0].push(ops.mul(product, ops.mul(v.weight, h.slope)));
      if (v.slope !== undefined) parts[1].push(ops.mul(product, ops.mul(h.weight, v.slope)));
    }
    const sides = parts.map((each) => {
      const [first, ...others] = each;
      if (first === undefined) return refuse(c, "bilinear sampling where the grid is learned", mode);
      return ops.reshape(ops.sum([first, ...others]), [batch, rows, columns, 1]);
    });
    return [towardsMap, ops.concat(sides, 3)];
  },
};

/** Names of the modes up to operator set 16, and from 20 on. */
function modeOf(c: Backward): "linear" | "nearest" {
  const mode = stringAttribute(c.node, "mode", c.ops.opset < 20 ? "bilinear" : "linear");
  if (mode === "bilinear" || mode === "linear") return "linear";
  return mode === "nearest" ? mode : refuse(c, "bilinear or nearest sampling", mode);
}

/** Pixels that coordinates from -1 to 1 read along an axis. */
function tapsOf(c: Backward, stated: string, length: number, mode: "linear" | "nearest"): readonly Tap[] {
  const { ops } = c;
  // Position in pixels: -1 and 1 are the centres of the outermost pixels, or their outer edges.
  const aligned = intAttribute(c.node, "align_corners", 0) === 1;
  const stretch = (aligned ? length - 1 : length) / 2;
  const position = ops.add(ops.scale(stated, stretch), ops.scalar((length - 1) / 2));
  if (mode === "nearest") {
    const { index, inside } = inMap(c, ops.op("Round", [position]), length, aligned);
    return [{ index, weight: inside ?? ones(c, position), slope: undefined }];
  }
  const low = ops.op("Floor", [position]);
  const part = ops.sub(position, low);
  const tap = (pixel: string, weight: string, sign: 1 | -1): Tap => {
    const { index, inside } = inMap(c, pixel, length, aligned);
    const slope = ops.scalar(sign * stretch);
    return inside === undefined
      ? { index, weight, slope }
      : { index, weight: ops.mul(weight, inside), slope: ops.mul(inside, slope) };
  };
  return [tap(low, ops.sub(ops.scalar(1), part), -1), tap(ops.add(low, ops.scalar(1)), part, 1)];
}

function ones({ ops }: Backward, like: string): string {
  return ops.add(ops.scale(like, 0), ops.scalar(1));
}

/** Whole positions as indices into the map; `inside` is 0 where what lies there is 0, `undefined`: 1 everywhere. */
function inMap(
  c: Backward,
  pixel: string,
  length: number,
  aligned: boolean,
): { readonly index: string; readonly inside: string | undefined } {
  const { ops } = c;
  const padding = stringAttribute(c.node, "padding_mode", "zeros");
  const last = ops.scalar(length - 1);
  const clamped = (): string => ops.cast(ops.op("Clip", [pixel, ops.scalar(0), last]), "int64");
  switch (padding) {
    case "border":
      return { index: clamped(), inside: undefined };
    case "zeros": {
      const after = ops.op("GreaterOrEqual", [pixel, ops.scalar(0)]);
      const before = ops.op("LessOrEqual", [pixel, last]);
      return { index: clamped(), inside: ops.cast(ops.op("And", [after, before]), "float32") };
    }
    case "reflection": {
      // Mirrored at the outermost centres (period 2 L - 2) or at the outer edges (period 2 L, one more step on the way).
      const period = aligned ? Math.max(1, 2 * length - 2) : 2 * length;
      const phase = ops.op("Mod", [ops.cast(pixel, "int64"), ops.int64([period])]);
      const mirrored = ops.sub(ops.int64([aligned ? period : period - 1]), phase);
      const index = ops.op("Min", [phase, mirrored]);
      return { index: length === 1 ? ops.mul(index, ops.int64([0])) : index, inside: undefined };
    }
    default:
      return refuse(c, "padding zeros, border or reflection", padding);
  }
}
