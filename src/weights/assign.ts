// Weights of a file put into a network: which tensor goes where, whether it fits, and what is left over on either side.
// Reads and writes no files; the network's graph stays as it is but for the values of its constants.

import { ClockworkError } from "../errors.ts";
import { elementCount, type Model, type Tensor } from "../onnx/index.ts";
import { canonicalName, isCounter, roleOf } from "./canonical-name.ts";
import { asType } from "./element-types.ts";
import { mapped, type MappedTensor, type NameMap } from "./name-map.ts";
import { parametersOf, type Parameter } from "./parameters.ts";
import { describeTensor, type Weights } from "./weights.ts";

/** How weights are matched with a network's. */
export interface AssignOptions {
  /** How the tensors of the file are called in the network. */
  readonly map?: NameMap;
  /**
   * `name` (default) matches names as they are, then names in the same words ({@link canonicalName}). `order` then goes
   * through what is left of both in order, and needs the same number of tensors, with the same shapes.
   */
  readonly match?: "name" | "order";
  /** Whether weights of the network may stay as they are. */
  readonly partial?: boolean;
}

/** A tensor that found its place. */
export interface Assignment {
  /** Its name in the network. */
  readonly to: string;
  /** Its name in the file. */
  readonly from: string;
  readonly by: "name" | "words" | "order";
}

/** A network with weights. */
export interface AssignedModel {
  readonly model: Model;
  readonly assigned: readonly Assignment[];
  /** Tensors of the file without a place, but for counters of training. */
  readonly unused: readonly string[];
  /** Weights of the network that are not in the file. */
  readonly missing: readonly string[];
}

/**
 * Puts weights into a model. Elements are converted to the types that the model has; shapes may differ by axes of length
 * 1 and in nothing else.
 *
 * @example
 * ```ts
 * const { weights } = readWeights(bytes);
 * const { model, unused } = assignWeights(networks.espnet.build({ width: 1, classes: 20 }), weights, {
 *   map: nameMaps.get("espnet"),
 * });
 * ```
 * @throws ClockworkError `invalid-argument` where a tensor does not have the shape or kind of its place, where weights are
 *   missing and may not be, where nothing finds a place, and where it cannot be told how a square matrix lies
 */
export function assignWeights(model: Model, weights: Weights, options: AssignOptions = {}): AssignedModel {
  const { map = { rules: [] }, match = "name", partial = false } = options;
  const { graph } = model;
  const given = mapped(weights, map).filter(({ name, from }) => !isCounter(name) && !isCounter(from));
  const parameters = parametersOf(graph);
  const places = new Places(parameters);

  for (const entry of given) {
    const tensor = graph.initializers.get(entry.name);
    if (tensor !== undefined) places.put({ name: entry.name, tensor }, entry, "name");
  }
  fillByWords(places, given, parameters);
  if (match === "order") fillByOrder(places, given, parameters);

  const missing = parameters.filter(({ name }) => !places.isFilled(name)).map(({ name }) => name);
  const unused = given.filter((entry) => !places.isUsed(entry)).map(({ from }) => from);
  if (places.assigned.length === 0 || (missing.length > 0 && !partial)) throw incomplete(places, missing, unused);
  const initializers = new Map(graph.initializers);
  for (const [name, tensor] of places.tensors) initializers.set(name, tensor);
  return { model: { ...model, graph: { ...graph, initializers } }, assigned: places.assigned, unused, missing };
}

/** What was put where so far. */
class Places {
  readonly assigned: Assignment[] = [];
  readonly tensors = new Map<string, Tensor>();
  readonly #used = new Set<MappedTensor>();
  readonly #inputsFirst: ReadonlySet<string>;

  constructor(parameters: readonly Parameter[]) {
    this.#inputsFirst = new Set(parameters.filter(({ inputsFirst }) => inputsFirst).map(({ name }) => name));
  }

  isFilled(name: string): boolean {
    return this.tensors.has(name);
  }

  isUsed(entry: MappedTensor): boolean {
    return this.#used.has(entry);
  }

  put(place: { readonly name: string; readonly tensor: Tensor }, entry: MappedTensor, by: Assignment["by"]): void {
    const { name, tensor } = place;
    const { from } = entry;
    const where = `${describeTensor(name, tensor)} from ${describeTensor(from, entry.tensor)}`;
    if (!fits(entry.tensor.dims, tensor.dims)) {
      const turned = entry.tensor.dims.toReversed().join() === tensor.dims.join();
      throw new ClockworkError(
        "invalid-argument",
        `${where}: expected one shape; try ${
          turned ? "a rule of the name map with transpose" : "another number of classes or width, or a name map"
        }`,
      );
    }
    const [rows, columns] = tensor.dims;
    if (this.#inputsFirst.has(name) && rows === columns && !entry.transposed && (by !== "name" || from !== name)) {
      throw new ClockworkError(
        "invalid-argument",
        `${where}: expected to know which axis of a square matrix is that of the inputs; ` +
          "try a rule of the name map with transpose [1,0], or [0,1] where it is the first already",
      );
    }
    this.tensors.set(name, { ...asType(entry.tensor, tensor.dtype, where), dims: tensor.dims });
    this.assigned.push({ to: name, from, by });
    this.#used.add(entry);
  }
}

/** Matches names that are one in the same words, and only one on either side. */
function fillByWords(places: Places, given: readonly MappedTensor[], parameters: readonly Parameter[]): void {
  const sources = unique(
    given.filter((entry) => !places.isUsed(entry)),
    ({ name }) => canonicalName(name),
  );
  const targets = unique(
    parameters.filter(({ name }) => !places.isFilled(name)),
    ({ name }) => canonicalName(name),
  );
  for (const [words, parameter] of targets) {
    const entry = sources.get(words);
    if (entry !== undefined) places.put(parameter, entry, "words");
  }
}

/** Matches what is left one by one, where both sides go on alike to the end. */
function fillByOrder(places: Places, given: readonly MappedTensor[], parameters: readonly Parameter[]): void {
  const sources = given.filter((entry) => !places.isUsed(entry));
  const targets = parameters.filter(({ name }) => !places.isFilled(name));
  for (let at = 0; at < Math.max(sources.length, targets.length); at++) {
    const [entry, parameter] = [sources[at], targets[at]];
    const agree = entry !== undefined && parameter !== undefined && alike(entry, parameter);
    if (agree) continue;
    const shown = (name: string | undefined, tensor: Tensor | undefined): string =>
      name === undefined || tensor === undefined ? "nothing" : describeTensor(name, tensor);
    throw new ClockworkError(
      "invalid-argument",
      `order: expected the same tensors one after the other, got ${shown(entry?.from, entry?.tensor)} for ` +
        `${shown(parameter?.name, parameter?.tensor)} at ${at + 1} of ${sources.length} and ${targets.length}; ` +
        "try a name map",
    );
  }
  for (const [at, parameter] of targets.entries()) {
    const entry = sources[at];
    if (entry !== undefined) places.put(parameter, entry, "order");
  }
}

const roles: ReadonlySet<string> = new Set(["weight", "bias", "mean", "var"]);

/** Whether shapes fit, and names, where both say what a tensor is, say the same. */
function alike(entry: MappedTensor, { name, tensor }: Parameter): boolean {
  const [a, b] = [roleOf(entry.name), roleOf(name)];
  return fits(entry.tensor.dims, tensor.dims) && (a === b || !roles.has(a) || !roles.has(b));
}

/** Shapes are the same but for axes of length 1: then elements lie in the same order. */
function fits(a: readonly number[], b: readonly number[]): boolean {
  const long = (dims: readonly number[]): string => dims.filter((dim) => dim !== 1).join();
  return elementCount(a) === elementCount(b) && long(a) === long(b);
}

function unique<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  const twice = new Set<string>();
  for (const item of items) {
    const key = keyOf(item);
    if (found.has(key)) twice.add(key);
    found.set(key, item);
  }
  for (const key of twice) found.delete(key);
  return found;
}

function incomplete(places: Places, missing: readonly string[], unused: readonly string[]): ClockworkError {
  const total = missing.length + places.assigned.length;
  const what =
    places.assigned.length === 0
      ? "expected weights of this network, got none that has a place in it"
      : `expected all ${total} weights of the network, got ${places.assigned.length}`;
  const left = unused.length === 0 ? "" : `; not used: ${listed(unused)}`;
  const lacking = missing.length === 0 ? "" : `; missing: ${listed(missing)}`;
  return new ClockworkError(
    "invalid-argument",
    `weights: ${what}${lacking}${left}; try a name map, matching by order, or partial weights`,
  );
}

/** Names for a message, cut after eight. */
function listed(names: readonly string[]): string {
  return names.slice(0, 8).join(", ") + (names.length > 8 ? ` and ${names.length - 8} more` : "");
}
