// Weights of Caffe: a binary `NetParameter`, as `.caffemodel` files are. Reads the fields of src/caffe/proto/caffe.proto
// that lead to blobs, of layers in both of its forms (`layer`, and `layers` of before 2014), and nothing of what the layers do.
//
// Names: `<layer>.weight` and `<layer>.bias`; of BatchNorm layers `<layer>.running_mean` and `<layer>.running_var`, divided
// by the factor that is their third blob; of BN layers (SegNet, PSPNet) all four; of anything else `<layer>.blob<n>`.

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { reasonOf } from "../errors.ts";
import { elementCount, float32Tensor, type Tensor } from "../onnx/index.ts";
import { damaged, type ReadWeights } from "./weights.ts";

/** What is where in caffe.proto. */
const fields = {
  net: { layers: 2, layer: 100 },
  layer: { name: 1, type: 2, blobs: 7 },
  layers: { name: 4, type: 5, blobs: 6, oldest: 1 },
  blob: { num: 1, channels: 2, height: 3, width: 4, data: 5, shape: 7, doubles: 8 },
  shape: { dim: 1 },
} as const;

/** Types of layers with blobs by their number in the old form; all others of that time have none. */
const oldTypes: ReadonlyMap<number, string> = new Map([
  [4, "Convolution"],
  [14, "InnerProduct"],
  [39, "Deconvolution"],
]);

/** What the blobs of a layer are called, by its type. */
const blobNames: ReadonlyMap<string, readonly string[]> = new Map([
  ["Convolution", ["weight", "bias"]],
  ["Deconvolution", ["weight", "bias"]],
  ["DepthwiseConvolution", ["weight", "bias"]],
  ["ConvolutionDepthwise", ["weight", "bias"]],
  ["InnerProduct", ["weight", "bias"]],
  ["Embed", ["weight", "bias"]],
  ["Scale", ["weight", "bias"]],
  ["Bias", ["bias"]],
  ["PReLU", ["weight"]],
  ["BN", ["weight", "bias", "running_mean", "running_var"]],
]);

interface Blob {
  readonly dims: readonly number[];
  readonly values: ArrayLike<number>;
  /** Whether its shape is num, channels, height and width, with ones in front of what has fewer axes. */
  readonly padded: boolean;
}

interface Layer {
  readonly name: string;
  readonly type: string;
  readonly blobs: readonly Blob[];
}

/**
 * Reads the weights of a `.caffemodel`, all as float32.
 * @throws ClockworkError `invalid-model` where it is damaged, or where blobs are not of the size that they say
 */
export function readCaffemodel(bytes: Uint8Array, where = "caffemodel"): ReadWeights {
  const weights = new Map<string, Tensor>();
  const notes: string[] = [];
  for (const layer of layersOf(bytes, where)) {
    for (const [name, tensor] of tensorsOf(layer, where)) {
      // Caffe itself copies layers by name one after the other, so the last one stays.
      if (weights.has(name)) notes.push(`${name} is there more than once; the last is taken, as Caffe does`);
      weights.set(name, tensor);
    }
  }
  if (weights.size === 0) throw damaged(where, "expected layers with blobs, got none; a .prototxt has no weights");
  return { weights, notes };
}

function layersOf(bytes: Uint8Array, where: string): readonly Layer[] {
  const layers: Layer[] = [];
  try {
    const net = new BinaryReader(bytes);
    while (net.pos < net.len) {
      const [field, wire] = net.tag();
      const isLayer = wire === WireType.LengthDelimited && (field === fields.net.layer || field === fields.net.layers);
      if (isLayer) layers.push(layerOf(net.bytes(), field === fields.net.layer ? "new" : "old", where));
      else net.skip(wire, field);
    }
  } catch (cause) {
    if (cause instanceof Error && cause.name === "ClockworkError") throw cause;
    throw damaged(where, `expected a whole caffemodel, got: ${reasonOf(cause)}; the file may have been cut off`, cause);
  }
  return layers;
}

function layerOf(bytes: Uint8Array, form: "new" | "old", where: string): Layer {
  const at = form === "new" ? fields.layer : fields.layers;
  const reader = new BinaryReader(bytes);
  let [name, type] = ["", ""];
  const blobs: Blob[] = [];
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field === at.name) name = reader.string();
    else if (field === at.type) type = form === "new" ? reader.string() : (oldTypes.get(reader.int32()) ?? "");
    else if (field === at.blobs) blobs.push(blobOf(reader.bytes(), `${where}: layer ${JSON.stringify(name)}`));
    else if (form === "old" && field === fields.layers.oldest) {
      throw damaged(
        where,
        "expected layers of 2014 or later, got those of before; try Caffe's upgrade_net_proto_binary",
      );
    } else reader.skip(wire, field);
  }
  return { name, type, blobs };
}

function blobOf(bytes: Uint8Array, where: string): Blob {
  const reader = new BinaryReader(bytes);
  const legacy = [0, 0, 0, 0];
  const chunks: ArrayLike<number>[] = [];
  let shape: readonly number[] | undefined;
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field >= fields.blob.num && field <= fields.blob.width) legacy[field - 1] = Number(reader.int64());
    else if (field === fields.blob.data) chunks.push(valuesOf(reader, wire, 4));
    else if (field === fields.blob.doubles) chunks.push(valuesOf(reader, wire, 8));
    else if (field === fields.blob.shape) shape = shapeOf(reader.bytes());
    else reader.skip(wire, field);
  }
  const [only] = chunks;
  const values = chunks.length === 1 && only !== undefined ? only : chunks.flatMap((chunk) => Array.from(chunk));
  const dims = shape ?? legacy;
  if (!dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0) || elementCount(dims) !== values.length) {
    throw damaged(
      where,
      `expected ${elementCount(dims)} elements for a blob [${dims.join(",")}], got ${values.length}`,
    );
  }
  return { dims, values, padded: shape === undefined };
}

/** Numbers of 4 or 8 bytes: one, or as many as a packed field has. */
function valuesOf(reader: BinaryReader, wire: WireType, size: 4 | 8): ArrayLike<number> {
  if (wire !== WireType.LengthDelimited) return [size === 4 ? reader.float() : reader.double()];
  const packed = reader.bytes();
  const whole = packed.byteLength - (packed.byteLength % size);
  const { buffer } = Uint8Array.from(packed.subarray(0, whole));
  return size === 4 ? new Float32Array(buffer) : new Float64Array(buffer);
}

function shapeOf(bytes: Uint8Array): readonly number[] {
  const reader = new BinaryReader(bytes);
  const dims: number[] = [];
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field !== fields.shape.dim) reader.skip(wire, field);
    else if (wire !== WireType.LengthDelimited) dims.push(Number(reader.int64()));
    else {
      const end = reader.uint32() + reader.pos;
      while (reader.pos < end) dims.push(Number(reader.int64()));
    }
  }
  return dims;
}

function tensorsOf({ name, type, blobs }: Layer, where: string): readonly (readonly [string, Tensor])[] {
  const [mean, variance, factor, ...more] = blobs;
  if (type === "BatchNorm" && mean !== undefined && variance !== undefined) {
    if (factor?.values.length !== 1 || more.length > 0) {
      throw damaged(where, `layer ${JSON.stringify(name)}: expected mean, variance and factor of BatchNorm`);
    }
    // Sums of moving averages: where nothing was summed up, Caffe takes zeros.
    const sum = factor.values[0] ?? 0;
    const scaled = ({ values }: Blob): number[] => Array.from(values, (value) => (sum === 0 ? 0 : value / sum));
    return [
      [`${name}.running_mean`, float32Tensor([mean.values.length], scaled(mean))],
      [`${name}.running_var`, float32Tensor([variance.values.length], scaled(variance))],
    ];
  }
  return blobs.map((blob, index) => {
    const part = blobNames.get(type)?.[index] ?? `blob${index}`;
    return [`${name}.${part}`, float32Tensor(dimsOf(blob, type, part), blob.values)];
  });
}

/** The shape without the ones that the old form has in front of blobs with fewer than four axes. */
function dimsOf({ dims, padded }: Blob, type: string, part: string): readonly number[] {
  if (!padded) return dims;
  if (part === "weight" && /onvolution$|Depthwise$/.test(type)) return dims;
  if (part === "weight" && (type === "InnerProduct" || type === "Embed") && dims[0] === 1 && dims[1] === 1) {
    return dims.slice(2);
  }
  // Vectors were [1,1,1,n] at first, and [1,n,1,1] in layers of others.
  return blobNames.has(type) && elementCount(dims) === Math.max(...dims) ? [elementCount(dims)] : dims;
}
