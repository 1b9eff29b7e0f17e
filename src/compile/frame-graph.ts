// Pre- and post-processing as graph nodes: from what a decoder gives to what a network takes, and from what a network
// gives to a label map at the size of the frame. The engine does this faster than loops over typed arrays
// (docs/architecture.md has the figures).

import { ClockworkError } from "../errors.ts";
import type { Network, Size } from "../network/index.ts";
import { float, GraphBuilder, type Graph } from "../onnx/index.ts";
import type { Preprocessing } from "../preprocessing.ts";

/** Most classes that a byte can tell apart. */
const classLimit = 256;

/** Numbers of types in `Cast`. */
const castTo = { float32: 1, uint8: 2, float16: 10, float64: 11 } as const;

/**
 * Nodes from a frame, uint8 RGB [heightPx, widthPx, 3], to the network's image input. All are named `clockwork/image/...`.
 * @param from name of the frame tensor
 * @param size size of the frame
 */
export function imageGraph(network: Network, preprocessing: Preprocessing, from: string, size: Size): Graph {
  const { input } = network;
  const b = new GraphBuilder("image");
  // Rows of bytes to planes of bytes first: a quarter of the memory traffic of doing it in floats.
  let image = b.add("clockwork/image/planes", "Transpose", [from], { perm: [2, 0, 1] });
  // Also where the order stays: without it the engine moves the transposition behind the arithmetic, which is five
  // times slower (480x360: 3 to 5 ms in place of 0.6).
  const order = preprocessing.channelOrder === "bgr" && input.channels === 3 ? [2, 1, 0] : [0, 1, 2];
  image = b.add("clockwork/image/ordered", "Gather", [image, b.int64("clockwork/image/order", [3], order)], {
    axis: 0,
  });
  image = b.add("clockwork/image/batch", "Reshape", [
    image,
    b.int64("clockwork/image/batch/shape", [4], [1, 3, size.heightPx, size.widthPx]),
  ]);
  image = b.add("clockwork/image/float", "Cast", [image], { to: castTo.float32 });
  if (input.channels === 1) {
    // Luma of ITU-R BT.601, as Pillow's "L".
    const luma = b.float32("clockwork/image/luma/weights", [1, 3, 1, 1], [0.299, 0.587, 0.114]);
    image = b.add("clockwork/image/luma", "Conv", [image, luma]);
  }
  if (size.heightPx !== network.size.heightPx || size.widthPx !== network.size.widthPx) {
    image = resize(
      b,
      "clockwork/image/fit",
      shrunk(b, image, size, network.size),
      input.channels,
      network.size,
      "linear",
      network,
    );
  }
  if (input.dtype === "uint8") {
    // A cast alone would cut off, and darken the picture by half a level.
    image = b.add("clockwork/image/rounded", "Round", [image]);
    image = b.add("clockwork/image/bytes", "Cast", [image], { to: castTo.uint8 });
  } else {
    const channels = Array.from({ length: input.channels }, (_, channel) => channel);
    const at = (list: readonly number[], channel: number, fallback: number): number =>
      list[channel] ?? list[0] ?? fallback;
    const factors = channels.map((channel) => preprocessing.scale / at(preprocessing.std, channel, 1));
    const offsets = channels.map((channel) => -at(preprocessing.mean, channel, 0) / at(preprocessing.std, channel, 1));
    // A batch normalisation scales and shifts in one pass over the picture.
    const constant = (name: string, values: readonly number[]): string =>
      b.float32(`clockwork/image/${name}`, [input.channels], values);
    image = b.add(
      "clockwork/image/normalised",
      "BatchNormalization",
      [
        image,
        constant("factors", factors),
        constant("offsets", offsets),
        constant(
          "zeros",
          channels.map(() => 0),
        ),
        constant(
          "ones",
          channels.map(() => 1),
        ),
      ],
      { epsilon: float(0) },
    );
    if (input.dtype === "float16" || input.dtype === "float64") {
      image = b.add("clockwork/image/cast", "Cast", [image], { to: castTo[input.dtype] });
    }
  }
  if (input.layout === "nhwc") image = b.add("clockwork/image/nhwc", "Transpose", [image], { perm: [0, 2, 3, 1] });
  b.add(input.name, "Identity", [image]);
  return b.build();
}

/**
 * An image less the whole factors by which it is larger than it has to be, by means of blocks: a bilinear resize looks
 * at four pixels, however many there are, and would pick up noise where the factor is two or more.
 */
function shrunk(b: GraphBuilder, image: string, from: Size, to: Size): string {
  const block = [Math.floor(from.heightPx / to.heightPx), Math.floor(from.widthPx / to.widthPx)].map((factor) =>
    Math.max(1, factor),
  );
  if (block.every((factor) => factor === 1)) return image;
  return b.add("clockwork/image/shrunk", "AveragePool", [image], { kernel_shape: block, strides: block });
}

/**
 * Nodes from the network's result to labels, uint8 [heightPx, widthPx]. Scores that are coarser than both the network's
 * image and the labels are first brought to the smaller of these two, and compared there; labels go to the wanted size
 * by nearest neighbour.
 *
 * @param to name of the labels tensor
 * @throws ClockworkError `unsupported-model` for more classes than a byte holds
 */
export function labelGraph(network: Network, to: string, size: Size): Graph {
  const { output } = network;
  if ((output.classes ?? 0) > classLimit) {
    throw new ClockworkError(
      "unsupported-model",
      `network output "${output.name}": expected at most ${classLimit} classes, got ${output.classes}; try tensors in place of frames`,
    );
  }
  const b = new GraphBuilder("labels");
  let at: Size = output.size;
  let map = output.name;
  const plane = (name: string, tensor: string, dims: readonly number[]): string =>
    b.add(name, "Reshape", [tensor, b.int64(`${name}/shape`, [dims.length], dims)]);
  if (output.kind !== "labels") {
    if (output.dtype !== "float32") map = b.add("clockwork/labels/scores", "Cast", [map], { to: castTo.float32 });
    if (output.kind === "scores" && output.layout === "nhwc") {
      map = b.add("clockwork/labels/nchw", "Transpose", [map], { perm: [0, 3, 1, 2] });
    }
    const channels = output.kind === "scores" ? (output.classes ?? 1) : 1;
    if (output.dims.length !== 4 || output.kind === "foreground") {
      map = plane("clockwork/labels/maps", map, [1, channels, at.heightPx, at.widthPx]);
    }
    const finest = finer(network.size, size);
    if (at.heightPx < finest.heightPx || at.widthPx < finest.widthPx) {
      map = resize(b, "clockwork/labels/upsampled", map, channels, finest, "linear", network);
      at = finest;
    }
    map =
      output.kind === "scores"
        ? b.add("clockwork/labels/argmax", "ArgMax", [map], { axis: 1, keepdims: 1 })
        : b.add("clockwork/labels/foreground", "Greater", [
            map,
            b.float32("clockwork/labels/foreground/threshold", [1], [endsInShare(network) ? 0.5 : 0]),
          ]);
  }
  map = b.add("clockwork/labels/bytes", "Cast", [map], { to: castTo.uint8 });
  if (at.heightPx !== size.heightPx || at.widthPx !== size.widthPx) {
    if (output.kind === "labels") map = plane("clockwork/labels/map", map, [1, 1, at.heightPx, at.widthPx]);
    map = resize(b, "clockwork/labels/full", map, 1, size, "nearest", network);
  }
  plane(to, map, [size.heightPx, size.widthPx]);
  return b.build();
}

/** The smaller of the network's own size and the wanted one: comparing scores at more positions shows nothing new. */
function finer(network: Size, wanted: Size): Size {
  return network.heightPx * network.widthPx <= wanted.heightPx * wanted.widthPx ? network : wanted;
}

/** Whether the foreground scores are shares from 0 to 1, and not logits. */
function endsInShare(network: Network): boolean {
  let tensor = network.output.name;
  for (let steps = 0; steps < 8; steps++) {
    const producer = network.index.producerOf(tensor);
    if (producer === undefined) return false;
    const node = network.index.node(producer);
    if (node.op === "Sigmoid" || node.op === "HardSigmoid" || node.op === "Clip" || node.op === "Softmax") return true;
    if (
      !["Resize", "Upsample", "Identity", "Cast", "Squeeze", "Unsqueeze", "Reshape", "Transpose", "Slice"].includes(
        node.op,
      )
    ) {
      return false;
    }
    tensor = node.inputs[0] ?? "";
  }
  return false;
}

/** A resize of the last two axes to a size. Nearest takes the pixel whose area has the centre, as OpenCV's exact mode. */
function resize(
  b: GraphBuilder,
  name: string,
  tensor: string,
  channels: number,
  size: Size,
  mode: "linear" | "nearest",
  network: Network,
): string {
  // Operator sets before 13 do not let regions and scales be left out.
  const optional = (network.model.opsets.get("") ?? 0) >= 13;
  const empty = (part: string): string => (optional ? "" : b.float32(`${name}/${part}`, [0], []));
  return b.add(
    name,
    "Resize",
    [tensor, empty("roi"), empty("scales"), b.int64(`${name}/sizes`, [4], [1, channels, size.heightPx, size.widthPx])],
    {
      mode,
      coordinate_transformation_mode: "half_pixel",
      ...(mode === "nearest" && { nearest_mode: "round_prefer_floor" }),
    },
  );
}
