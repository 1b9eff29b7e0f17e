// Weights at half their size on disk: stored as float16, and cast back to float32 by the first nodes of the graph. Nothing is
// computed in float16: such a network runs as one whose weights were rounded. A model that is read is widened before
// anything else looks at it, so that planning, compiling and training see plain float32 weights.

import { intAttribute } from "./attribute.ts";
import { nodeOf } from "./build.ts";
import { dtypeCode } from "./dtype.ts";
import { float16Bits, float16Value } from "./float16.ts";
import type { Model, Node, Tensor } from "./model.ts";
import { elementCount, float32Tensor, numbersOf, ofBytes } from "./tensor.ts";
import { namesIn, tensorsReadBy } from "./walk.ts";

/** A model with float16 weights. */
export interface HalvedModel {
  readonly model: Model;
  /** Names of the weights that are float16 now. */
  readonly halved: readonly string[];
  /** Names of those that stayed float32, since float16 ends at 65504. */
  readonly tooLarge: readonly string[];
}

/** Fewer elements save nothing worth a node. */
const fewestElements = 256;

/**
 * The model with its large float32 weights stored as float16. Vectors (biases, statistics, scales) stay as they are: they
 * are a small part, and variances need the range. `widened` undoes it, to the rounded weights under the same names.
 */
export function halved(model: Model): HalvedModel {
  const { graph } = model;
  const names = new Set(namesIn(graph));
  const initializers = new Map<string, Tensor>();
  const casts: Node[] = [];
  const stored = new Map<string, string>();
  const tooLarge: string[] = [];
  for (const [name, tensor] of graph.initializers) {
    const values = isLarge(tensor) ? numbersOf(tensor) : undefined;
    const bits = values && Uint16Array.from(values, float16Bits);
    if (values === undefined || bits === undefined) {
      initializers.set(name, tensor);
      continue;
    }
    if (values.some((value, at) => Number.isFinite(value) && !Number.isFinite(float16Value(bits[at] ?? 0)))) {
      tooLarge.push(name);
      initializers.set(name, tensor);
      continue;
    }
    const half = unused(`${name}/float16`, names);
    stored.set(name, half);
    initializers.set(half, ofBytes("float16", tensor.dims, bits));
    casts.push(nodeOf("Cast", [half], [name], { to: dtypeCode("float32") }, unused(`${name}/cast`, names)));
  }
  return {
    model: {
      ...model,
      graph: {
        ...graph,
        nodes: [...casts, ...graph.nodes],
        // Files of IR version 3 list constants among the inputs, too.
        inputs: graph.inputs.map((input) => {
          const half = stored.get(input.name);
          if (half === undefined || input.type.kind !== "tensor") return input;
          return { name: half, type: { ...input.type, dtype: "float16" } };
        }),
        initializers,
      },
    },
    halved: [...stored.keys()],
    tooLarge,
  };
}

function isLarge({ dtype, dims }: Tensor): boolean {
  return dtype === "float32" && dims.length >= 2 && elementCount(dims) >= fewestElements;
}

/** A name that is not taken, like the wanted one; it is taken then. */
function unused(wanted: string, names: Set<string>): string {
  let name = wanted;
  for (let count = 2; names.has(name); count++) name = `${wanted}${count}`;
  names.add(name);
  return name;
}

/**
 * The model with constants of float16 that are cast to float32 as constants of float32: exact, whoever stored them so. What
 * is used as float16, too, stays beside them; a model without such casts comes back as it is.
 */
export function widened(model: Model): Model {
  const { graph } = model;
  /** By the constant that is cast. */
  const wide = new Map<string, (readonly [name: string, value: Tensor])[]>();
  const rest = graph.nodes.filter((node) => {
    const value = castValue(node, graph.initializers);
    if (value === undefined) return true;
    const [from = ""] = node.inputs;
    wide.set(from, [...(wide.get(from) ?? []), [node.outputs[0] ?? "", value]]);
    return false;
  });
  if (wide.size === 0) return model;
  const needed = new Set([...rest.flatMap(tensorsReadBy), ...graph.outputs.map(({ name }) => name)]);
  const isKept = (name: string): boolean => graph.initializers.get(name)?.dtype !== "float16" || needed.has(name);
  return {
    ...model,
    graph: {
      ...graph,
      nodes: rest,
      inputs: graph.inputs.filter(({ name }) => isKept(name)),
      initializers: new Map(
        [...graph.initializers].flatMap((entry) => [
          ...(isKept(entry[0]) ? [entry] : []),
          ...(wide.get(entry[0]) ?? []),
        ]),
      ),
    },
  };
}

/** What a node casts from a constant of float16 to float32; `undefined` for other nodes. */
function castValue(node: Node, constants: ReadonlyMap<string, Tensor>): Tensor | undefined {
  if (node.op !== "Cast" || node.domain !== "" || intAttribute(node, "to", 0) !== dtypeCode("float32"))
    return undefined;
  const constant = constants.get(node.inputs[0] ?? "");
  if (constant?.dtype !== "float16" || !(constant.data instanceof Uint8Array)) return undefined;
  // A copy, since typed arrays must be aligned.
  const bits = new Uint16Array(Uint8Array.from(constant.data).buffer);
  return float32Tensor(constant.dims, Float32Array.from(bits, float16Value));
}
