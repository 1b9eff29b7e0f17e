// Small networks with the one feature that a test is about, layer by layer, with weights that are all different.

import { GraphBuilder, modelOf, type AttributeInits, type Model } from "../../src/onnx/index.ts";
import { Random } from "../../src/networks/random.ts";

/** A map float32 [1, channels, height, width], by the name of its tensor. */
export interface TrialMap {
  readonly name: string;
  readonly channels: number;
}

/** Builds a network. */
export class TrialNetwork {
  readonly graph: GraphBuilder = new GraphBuilder("trial");
  readonly image: TrialMap;

  constructor(heightPx: number, widthPx: number) {
    this.image = { name: this.graph.input("image", "float32", [1, 3, heightPx, widthPx]), channels: 3 };
  }

  weight(name: string, dims: readonly number[]): string {
    const count = dims.reduce((product, dim) => product * dim, 1);
    return this.graph.float32(name, dims, new Random(1, name).uniform(count, -0.3, 0.3));
  }

  conv(name: string, x: TrialMap, channels: number, stride = 1, kernel = 3): TrialMap {
    const pad = (kernel - 1) / 2;
    const weight = this.weight(`${name}.weight`, [channels, x.channels, kernel, kernel]);
    const attributes = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] };
    return { name: this.graph.add(name, "Conv", [x.name, weight], attributes), channels };
  }

  /** A residual block: `name/1`, `name/2`, `name/shortcut` where the shape changes, `name`. */
  block(name: string, x: TrialMap, channels: number = x.channels, stride = 1): TrialMap {
    const body = this.conv(`${name}/2`, this.conv(`${name}/1`, x, channels, stride), channels);
    const same = stride === 1 && channels === x.channels;
    return this.plus(name, body, same ? x : this.conv(`${name}/shortcut`, x, channels, stride, 1));
  }

  plus(name: string, a: TrialMap, b: TrialMap): TrialMap {
    return this.node(name, "Add", [a.name, b.name], a.channels);
  }

  up(name: string, x: TrialMap, factor: number): TrialMap {
    const scales = this.graph.float32(`${name}.scales`, [4], [1, 1, factor, factor]);
    return this.node(name, "Resize", [x.name, "", scales], x.channels, { mode: "linear" });
  }

  node(
    name: string,
    op: string,
    inputs: readonly string[],
    channels: number,
    attributes: AttributeInits = {},
  ): TrialMap {
    return { name: this.graph.add(name, op, inputs, attributes), channels };
  }

  integers(name: string, values: readonly number[]): string {
    return this.graph.int64(name, [values.length], values);
  }

  /** The network, with some of its maps as outputs. */
  model(...outputs: readonly TrialMap[]): Model {
    for (const { name } of outputs) this.graph.output(name, "float32", undefined);
    return modelOf(this.graph.build());
  }
}
