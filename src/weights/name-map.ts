// Which tensor of a file is which of a network, as data: rules that rewrite names and, where forms differ, tensors.
// Parses and applies them; puts nothing into a network.

import { ClockworkError } from "../errors.ts";
import { elementCount, type Tensor } from "../onnx/index.ts";
import { foldBatchNorm, type Fold } from "./batch-norm.ts";
import { patternOf } from "./name-pattern.ts";
import { transposed } from "./strided.ts";
import { describeTensor, type Weights } from "./weights.ts";

/** A rule of a name map. Rules apply in order, each to the names that those before it left. */
export interface NameRule {
  /**
   * What it applies to: a whole name, or, between slashes, a regular expression that is looked for in names, all of whose
   * occurrences are replaced: `/\.bn\.weight$/`.
   */
  readonly from: string;
  /** What takes its place, with `$1` for groups of the expression; null leaves the tensor out. */
  readonly to: string | null;
  /** Order of the axes: axis i of the result is axis `transpose[i]`. `[0, 1]` says that a matrix is right as it is. */
  readonly transpose?: readonly number[];
  /** Shape afterwards, of as many elements; -1 for one axis that follows from the others. */
  readonly reshape?: readonly number[];
}

/** How the tensors of a file are called in a network. */
export interface NameMap {
  /** Taken away from the front of names that have it, before all else. */
  readonly strip?: string;
  /** Batch normalisations that become part of the convolution in front of them, before the rules. */
  readonly folds?: readonly Fold[];
  readonly rules: readonly NameRule[];
}

/** A tensor under its new name. */
export interface MappedTensor {
  readonly name: string;
  /** Its name in the file. */
  readonly from: string;
  readonly tensor: Tensor;
  /** Whether a rule said how its axes lie. */
  readonly transposed: boolean;
}

/**
 * Checks a name map that was read from JSON.
 * @param where names the file in messages @throws ClockworkError `invalid-argument` with the place of what is wrong
 */
export function parseNameMap(json: unknown, where = "name map"): NameMap {
  const map = objectAt(json, where, ["strip", "folds", "rules"]);
  const strip = map["strip"];
  if (strip !== undefined && typeof strip !== "string") throw wrong(`${where}: strip`, "text", strip);
  const folds = listAt(map["folds"] ?? [], `${where}: folds`).map((fold, index) => parseFold(fold, where, index));
  const rules = listAt(map["rules"], `${where}: rules`).map((rule, index) =>
    parseRule(rule, `${where}: rules[${index}]`),
  );
  return { rules, ...(strip !== undefined && { strip }), ...(folds.length > 0 && { folds }) };
}

/**
 * The tensors of a file by their names in a network.
 * @throws ClockworkError `invalid-argument` where two get one name, or where a tensor cannot have the form of a rule
 */
export function mapped(weights: Weights, map: NameMap): readonly MappedTensor[] {
  const { strip } = map;
  const stripped = [...weights].map(
    ([name, tensor]) =>
      [strip !== undefined && name.startsWith(strip) ? name.slice(strip.length) : name, name, tensor] as const,
  );
  const folded = foldBatchNorm(stripped, map.folds ?? []);
  const rules = map.rules.map((rule) => ({ rule, pattern: patternOf(rule.from, rule.from) }));
  const results = new Map<string, MappedTensor>();
  for (const [given, from, tensor] of folded) {
    let current: MappedTensor | undefined = { name: given, from, tensor, transposed: false };
    for (const { rule, pattern } of rules) {
      if (current === undefined) break;
      current = applied(current, rule, pattern);
    }
    if (current === undefined) continue;
    const other = results.get(current.name);
    if (other !== undefined) {
      throw new ClockworkError(
        "invalid-argument",
        `name map: expected each tensor under a name of its own, got ${other.from} and ${from} as ${current.name}`,
      );
    }
    results.set(current.name, current);
  }
  return [...results.values()];
}

function applied(current: MappedTensor, rule: NameRule, pattern: RegExp): MappedTensor | undefined {
  pattern.lastIndex = 0;
  if (!pattern.test(current.name)) return current;
  if (rule.to === null) return undefined;
  pattern.lastIndex = 0;
  const name = current.name.replace(pattern, rule.to);
  const turned =
    rule.transpose === undefined ? current.tensor : transposed(current.tensor, rule.transpose, current.from);
  const tensor = rule.reshape === undefined ? turned : reshaped(turned, rule.reshape, current.from);
  return { name, from: current.from, tensor, transposed: current.transposed || rule.transpose !== undefined };
}

function reshaped(tensor: Tensor, shape: readonly number[], where: string): Tensor {
  const known = elementCount(shape.filter((dim) => dim !== -1));
  const count = elementCount(tensor.dims);
  const dims = shape.map((dim) => (dim === -1 ? count / known : dim));
  if (elementCount(dims) === count && dims.every((dim) => Number.isInteger(dim))) return { ...tensor, dims };
  throw new ClockworkError(
    "invalid-argument",
    `${describeTensor(where, tensor)}: reshape: expected a shape of ${count} elements, got [${shape.join(",")}]`,
  );
}

function parseRule(json: unknown, where: string): NameRule {
  const rule = objectAt(json, where, ["from", "to", "transpose", "reshape"]);
  const { from, to, transpose, reshape } = rule;
  if (typeof from !== "string") throw wrong(`${where}.from`, "text", from);
  if (typeof to !== "string" && to !== null) throw wrong(`${where}.to`, "text or null", to);
  patternOf(from, `${where}.from`);
  const order = transpose === undefined ? undefined : integersAt(transpose, `${where}.transpose`, 0);
  const shape = reshape === undefined ? undefined : integersAt(reshape, `${where}.reshape`, -1);
  if (shape !== undefined && shape.filter((dim) => dim === -1).length > 1) {
    throw wrong(`${where}.reshape`, "at most one -1", reshape);
  }
  return { from, to, ...(order !== undefined && { transpose: order }), ...(shape !== undefined && { reshape: shape }) };
}

function parseFold(json: unknown, where: string, index: number): Fold {
  const place = `${where}: folds[${index}]`;
  const { conv, bn, epsilon } = objectAt(json, place, ["conv", "bn", "epsilon"]);
  if (typeof conv !== "string") throw wrong(`${place}.conv`, "text", conv);
  if (typeof bn !== "string") throw wrong(`${place}.bn`, "text", bn);
  if (typeof epsilon !== "number" || !(epsilon >= 0 && epsilon < 1)) {
    throw wrong(`${place}.epsilon`, "a number from 0 to 1", epsilon);
  }
  patternOf(conv, `${place}.conv`);
  return { conv, bn, epsilon };
}

function objectAt(json: unknown, where: string, keys: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw wrong(where, "a JSON object", json);
  const unknown = Object.keys(json).find((key) => !keys.includes(key));
  if (unknown !== undefined) throw wrong(where, `the keys ${keys.join(", ")}`, unknown);
  return { ...json };
}

function listAt(json: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(json)) throw wrong(where, "a list", json);
  return json;
}

function integersAt(json: unknown, where: string, least: number): readonly number[] {
  const whole = (item: unknown): item is number => typeof item === "number" && Number.isInteger(item) && item >= least;
  const items = listAt(json, where);
  if (!items.every(whole)) throw wrong(where, `whole numbers from ${least}`, json);
  return items;
}

function wrong(where: string, expected: string, got: unknown): ClockworkError {
  return new ClockworkError(
    "invalid-argument",
    `${where}: expected ${expected}, got ${JSON.stringify(got) ?? "nothing"}`,
  );
}
