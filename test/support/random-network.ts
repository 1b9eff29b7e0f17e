// Random segmentation-like networks: small, of every shape that a planner might meet. Scales that exchange features,
// residual and concatenated skips, squeeze-and-excitation, tokens, masks, weights that two places share or that are
// computed, nodes with several outputs, nodes without a name, nodes in any order in the file. A seed gives the same
// network every time.

import { GraphBuilder, modelOf, type AttributeInits, type Model, type Node } from "../../src/onnx/index.ts";
import { Random } from "../../src/networks/random.ts";

/** A map [1, channels, side / stride, side / stride]. */
interface Feature {
  readonly name: string;
  readonly channels: number;
  readonly stride: number;
}

/** Height and width of the images. */
export const side = 64;

const classes = 5;
const coarsest = 16;

/** A random network: `image` float32 [1, 3, 64, 64] -> `logits` float32 [1, 5, 64, 64]. */
export function randomNetwork(seed: number): Model {
  return new Generator(seed).build();
}

class Generator {
  readonly #random: Random;
  readonly #graph: GraphBuilder;
  readonly #seed: number;
  readonly #shared = new Map<string, string>();
  readonly #features: Feature[] = [];
  #count = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed, "structure");
    this.#graph = new GraphBuilder(`random${seed}`);
  }

  build(): Model {
    const image = this.#graph.input("image", "float32", [1, 3, side, side]);
    this.#push(this.#conv({ name: image, channels: 3, stride: 1 }, 6, 2));
    this.#push(this.#relu(this.#conv(this.#latest(), 8, 2)));
    const steps = 5 + this.#below(7);
    for (let step = 0; step < steps; step++) this.#push(this.#grow());
    const used = new Set(this.#graph.build().nodes.flatMap((node) => node.inputs));
    const leaves = this.#features.filter(({ name }) => !used.has(name));
    // A head for each feature that nothing used yet, and for a fresh one, summed at the finest of their scales.
    const heads = [...leaves, this.#pick(this.#features)].map((leaf) => this.#conv(leaf, classes, 1, 1));
    const finest = Math.min(...heads.map(({ stride }) => stride));
    const sum = heads.map((head) => this.#upTo(head, finest)).reduce((a, b) => this.#plus(a, b));
    this.#graph.add("logits", "Resize", [sum.name, "", this.#scales(finest)], { mode: "linear" });
    this.#graph.output("logits", "float32", [1, classes, side, side]);
    const graph = this.#graph.build();
    return modelOf({ ...graph, nodes: this.#shuffled(graph.nodes).map((node) => this.#maybeUnnamed(node)) });
  }

  /** One more layer or block on what is there. */
  #grow(): Feature {
    const x = this.#random.next() < 0.6 ? this.#latest() : this.#pick(this.#features);
    const same = this.#features.filter(({ stride, channels }) => stride === x.stride && channels === x.channels);
    const other = this.#pick(this.#features);
    switch (this.#below(13)) {
      case 0:
      case 1:
        return this.#relu(this.#conv(x, this.#width(), x.stride < coarsest ? 2 : 1));
      case 2:
        return this.#plus(x, this.#relu(this.#conv(x, x.channels)));
      case 3:
        return this.#exchange(x, other);
      case 4:
        return this.#exchange(other, x);
      case 5: {
        const y = this.#pick(same);
        const joined = { ...x, channels: 2 * x.channels, name: this.#add("Concat", [x.name, y.name], { axis: 1 }) };
        return this.#conv(joined, this.#width(), 1, 1);
      }
      case 6:
        return this.#squeezeExcite(x);
      case 7:
        return this.#split(x);
      case 8:
        return this.#plus(x, this.#tokens(x));
      case 9:
        return this.#masked(x);
      case 10:
        // Weights that another place has, too.
        return this.#relu({
          ...x,
          name: this.#add("Conv", [x.name, this.#sharedWeight(x.channels)], { pads: [1, 1, 1, 1] }),
        });
      case 11:
        // A branch of several layers that ends where it began.
        return this.#plus(x, this.#upTo(this.#conv(this.#relu(this.#down(x)), x.channels), x.stride));
      default:
        return this.#computedWeight(x);
    }
  }

  /** What one scale tells another, as the networks with several resolutions do. */
  #exchange(from: Feature, to: Feature): Feature {
    const fitted = this.#conv(from, to.channels, 1, 1);
    let moved = fitted;
    while (moved.stride < to.stride) moved = this.#conv(moved, to.channels, 2);
    return this.#plus(to, this.#upTo(moved, to.stride));
  }

  #squeezeExcite(x: Feature): Feature {
    const pooled = { ...x, name: this.#add("GlobalAveragePool", [x.name]) };
    const gate = this.#add("Sigmoid", [this.#conv(pooled, x.channels, 1, 1).name]);
    return { ...x, name: this.#add("Mul", [x.name, gate]) };
  }

  /** Half of the channels go through a layer, the other half around it. */
  #split(x: Feature): Feature {
    const half = x.channels / 2;
    const name = this.#name("Split");
    const [a, b] = [`${name}/a`, `${name}/b`];
    this.#graph.add(name, "Split", [x.name, this.#int64([half, half])], { axis: 1 }, { outputs: [a, b] });
    const mixed = this.#relu(this.#conv({ ...x, channels: half, name: a }, half));
    return { ...x, name: this.#add("Concat", [b, mixed.name], { axis: 1 }) };
  }

  /** A linear layer over tokens. */
  #tokens(x: Feature): Feature {
    const length = side / x.stride;
    const flat = this.#add("Reshape", [x.name, this.#int64([1, x.channels, -1])]);
    const turned = this.#add("Transpose", [flat], { perm: [0, 2, 1] });
    const mixed = this.#add("MatMul", [turned, this.#weight([x.channels, x.channels])]);
    const back = this.#add("Transpose", [mixed], { perm: [0, 2, 1] });
    return { ...x, name: this.#add("Reshape", [back, this.#int64([1, x.channels, length, length])]) };
  }

  /** Features where a mask of whole numbers or of truth values lets them through. */
  #masked(x: Feature): Feature {
    const zero = this.#constant([1], () => 0);
    if (this.#random.next() < 0.5) {
      const mask = this.#add("Greater", [this.#conv(x, x.channels).name, zero]);
      return { ...x, name: this.#add("Where", [mask, x.name, this.#conv(x, x.channels, 1, 1).name]) };
    }
    const labels = this.#add("ArgMax", [this.#conv(x, x.channels).name], { axis: 1, keepdims: 1 });
    return { ...x, name: this.#add("Mul", [x.name, this.#add("Cast", [labels], { to: 1 })]) };
  }

  /** A layer whose weight is computed from constants. */
  #computedWeight(x: Feature): Feature {
    const [a, b] = [this.#weight([x.channels, x.channels, 3, 3]), this.#weight([x.channels, 1, 1, 1])];
    const weight = this.#add("Mul", [a, this.#add("Abs", [b])]);
    return { ...x, name: this.#add("Conv", [x.name, weight], { pads: [1, 1, 1, 1] }) };
  }

  #down(x: Feature): Feature {
    if (x.stride >= coarsest) return x;
    if (this.#random.next() < 0.5) return this.#conv(x, this.#width(), 2);
    const attributes = { kernel_shape: [2, 2], strides: [2, 2] };
    return { ...x, stride: 2 * x.stride, name: this.#add("MaxPool", [x.name], attributes) };
  }

  #upTo(x: Feature, stride: number): Feature {
    const factor = x.stride / stride;
    if (factor <= 1) return x;
    if (this.#random.next() < 0.5) {
      const mode = this.#random.next() < 0.5 ? "nearest" : "linear";
      return { ...x, stride, name: this.#add("Resize", [x.name, "", this.#scales(factor)], { mode }) };
    }
    const attributes = { kernel_shape: [factor, factor], strides: [factor, factor] };
    const weight = this.#weight([x.channels, x.channels, factor, factor]);
    return { ...x, stride, name: this.#add("ConvTranspose", [x.name, weight], attributes) };
  }

  #conv(x: Feature, channels: number, stride = 1, kernel = 3): Feature {
    const pad = (kernel - 1) / 2;
    const attributes = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] };
    const name = this.#add("Conv", [x.name, this.#weight([channels, x.channels, kernel, kernel])], attributes);
    return { name, channels, stride: x.stride * stride };
  }

  #relu(x: Feature): Feature {
    return { ...x, name: this.#add("Relu", [x.name]) };
  }

  #plus(a: Feature, b: Feature): Feature {
    return { ...a, name: this.#add("Add", [a.name, b.name]) };
  }

  #sharedWeight(channels: number): string {
    const key = String(channels);
    const known = this.#shared.get(key) ?? this.#weight([channels, channels, 3, 3]);
    this.#shared.set(key, known);
    return known;
  }

  #weight(dims: readonly number[]): string {
    const fanIn = dims.slice(1).reduce((product, dim) => product * dim, 1);
    const bound = Math.sqrt(6 / fanIn);
    return this.#constant(dims, () => bound * (2 * this.#random.next() - 1));
  }

  #constant(dims: readonly number[], value: () => number): string {
    const count = dims.reduce((product, dim) => product * dim, 1);
    return this.#graph.float32(this.#name("constant"), dims, Array.from({ length: count }, value));
  }

  #int64(values: readonly number[]): string {
    return this.#graph.int64(this.#name("integers"), [values.length], values);
  }

  #scales(factor: number): string {
    return this.#graph.float32(this.#name("scales"), [4], [1, 1, factor, factor]);
  }

  #add(op: string, inputs: readonly string[], attributes: AttributeInits = {}): string {
    return this.#graph.add(this.#name(op), op, inputs, attributes);
  }

  #name(kind: string): string {
    return `${kind.toLowerCase()}${this.#count++}`;
  }

  #push(feature: Feature): void {
    this.#features.push(feature);
  }

  #latest(): Feature {
    const latest = this.#features.at(-1);
    if (latest === undefined) throw new RangeError("no features yet");
    return latest;
  }

  #width(): number {
    return 4 + 2 * this.#below(4);
  }

  #below(count: number): number {
    return Math.floor(count * this.#random.next());
  }

  #pick<T>(items: readonly T[]): T {
    const item = items[this.#below(items.length)];
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  }

  #shuffled(nodes: readonly Node[]): readonly Node[] {
    const order = new Random(this.#seed, "order");
    return nodes
      .map((node) => ({ node, key: order.next() }))
      .toSorted((a, b) => a.key - b.key)
      .map(({ node }) => node);
  }

  #maybeUnnamed(node: Node): Node {
    return this.#random.next() < 0.4 ? { ...node, name: "" } : node;
  }
}
