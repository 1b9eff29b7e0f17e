// The tensors of a checkpoint, found by name in whatever was saved around them: a state dict, a dict with one under a key,
// or a whole module. Reads no bytes.

import { isKind, nameOf } from "./pickle.ts";
import type { ForeignTensor, TorchTensor, TorchValue } from "./torch-objects.ts";
import { damaged } from "./weights.ts";

/** The tensors of a checkpoint. */
export interface StateDict {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  /** Where it was, which names were shortened, what has no tensor. */
  readonly notes: readonly string[];
}

/** Keys that training programs save the weights under; the first that is there is taken. */
const usualKeys = [
  "state_dict",
  "model_state_dict",
  "model_state",
  "model",
  "net",
  "network",
  "module",
  "weights",
  "params",
] as const;

/** Names that wrappers (`DataParallel`, `torch.compile`) put in front of every tensor's. */
const wrappers = ["module.", "_orig_mod."] as const;

/** Attributes of a module that do not show in the names of its tensors. */
const transparent: ReadonlySet<string> = new Set(["_parameters", "_buffers", "_modules"]);

/** No checkpoint nests so deep, or has so many names. */
const deepest = 64;
const mostNames = 100_000;

/**
 * Finds the state dict of a checkpoint.
 * @param key where it is; by default the usual places are looked through
 * @throws ClockworkError `invalid-model` where there is none, where several may be meant, or where one of its tensors
 *   cannot be brought in
 */
export function findStateDict(root: TorchValue, key: string | undefined, where: string): StateDict {
  const notes: string[] = [];
  const { value, path } = key === undefined ? located(root, where, notes) : at(root, key, where);
  const found = new Collector(where).collect(value);
  if (path !== "") notes.unshift(`the weights are those under "${path}"`);
  if (found.others.length > 0) notes.push(`no tensors, and left out: ${listed(found.others)}`);
  return { tensors: unwrapped(found.tensors, notes), notes };
}

/** What is under a key. */
function at(root: TorchValue, key: string, where: string): { value: TorchValue; path: string } {
  const value = childrenOf(root).get(key);
  if (value !== undefined && hasTensors(value)) return { value, path: key };
  const keys = [...childrenOf(root)].filter(([, child]) => hasTensors(child)).map(([name]) => name);
  throw damaged(
    where,
    `expected tensors under "${key}", got ${nameOf(value)}; try one of: ${keys.join(", ") || "none"}`,
  );
}

/** Goes down to the first dict that has tensors itself. */
function located(root: TorchValue, where: string, notes: string[]): { value: TorchValue; path: string } {
  let value = root;
  const path: string[] = [];
  for (let depth = 0; depth < 4; depth++) {
    if (ownTensors(value) || isModule(value)) return { value, path: path.join(".") };
    const children = childrenOf(value);
    const candidates = [...children].filter(([, child]) => hasTensors(child)).map(([name]) => name);
    const usual = usualKeys.find((name) => candidates.includes(name));
    const chosen = usual ?? (candidates.length === 1 ? candidates[0] : undefined);
    if (chosen === undefined) {
      const parts = [...children].map(([name, child]) => `${name} (${nameOf(child)})`);
      const got = parts.length === 0 ? nameOf(value) : listed(parts);
      throw damaged(
        where,
        candidates.length === 0
          ? `expected tensors by name, got ${got}`
          : `expected one set of weights, got several: ${candidates.join(", ")}; say which with the option \`key\``,
      );
    }
    const others = candidates.filter((name) => name !== chosen && path.length === 0);
    if (others.length > 0) notes.push(`weights are also under ${listed(others)}, for the option \`key\``);
    path.push(chosen);
    value = children.get(chosen) ?? null;
  }
  throw damaged(where, `expected weights a few keys deep, got nothing under "${path.join(".")}"`);
}

/** Named parts of a dict or of an object's state. */
function childrenOf(value: TorchValue): ReadonlyMap<string, TorchValue> {
  if (isKind(value, "dict")) return named(value.entries);
  if (!isKind(value, "object")) return new Map();
  // Objects with slots have a pair of states.
  const states = isKind(value.state, "tuple") ? value.state.items : [value.state];
  const parts = states.flatMap((state) => (isKind(state, "dict") ? [...state.entries] : []));
  return named([...value.entries, ...parts]);
}

function named(entries: Iterable<readonly [TorchValue, TorchValue]>): ReadonlyMap<string, TorchValue> {
  const texts = [...entries].map(([key, item]) => [typeof key === "object" ? nameOf(key) : String(key), item] as const);
  return new Map(texts);
}

function tensorIn(value: TorchValue): TorchTensor | ForeignTensor | undefined {
  return isKind(value, "made") && value.value.kind !== "storage" ? value.value : undefined;
}

function ownTensors(value: TorchValue): boolean {
  return [...childrenOf(value).values()].some((child) => tensorIn(child) !== undefined);
}

/** Whether it is an object with tensors in it, however deep: a module, saved whole. */
function isModule(value: TorchValue): boolean {
  if (!isKind(value, "object")) return false;
  const seen = new Set<TorchValue>([value]);
  for (const part of seen) {
    if (tensorIn(part) !== undefined) return true;
    for (const child of childrenOf(part).values()) if (typeof child === "object") seen.add(child);
  }
  return false;
}

/** Whether there are tensors here or a level down; the averages of an optimiser are deeper. */
function hasTensors(value: TorchValue): boolean {
  const here = (part: TorchValue): boolean => ownTensors(part) || isModule(part);
  return here(value) || [...childrenOf(value).values()].some(here);
}

class Collector {
  readonly #where: string;
  readonly #tensors = new Map<string, TorchTensor>();
  readonly #others: string[] = [];
  readonly #open = new Set<TorchValue>();
  readonly #modules = new Map<TorchValue, boolean>();
  #names = 0;

  constructor(where: string) {
    this.#where = where;
  }

  collect(root: TorchValue): { tensors: ReadonlyMap<string, TorchTensor>; others: readonly string[] } {
    this.#walk(root, "", isKind(root, "object") ? "module" : "dict");
    if (this.#tensors.size === 0) throw damaged(this.#where, "expected tensors by name, got none");
    return { tensors: this.#tensors, others: this.#others };
  }

  /** Goes through a dict, a module, or one of the dicts in which a module has its tensors and submodules. */
  #walk(value: TorchValue, prefix: string, as: "dict" | "module" | "parts"): void {
    if (this.#open.size >= deepest || this.#open.has(value)) {
      throw damaged(this.#where, `"${prefix}": expected tensors by name, got dicts within dicts without end`);
    }
    this.#open.add(value);
    for (const [key, child] of childrenOf(value)) {
      if (++this.#names > mostNames) throw damaged(this.#where, `expected at most ${mostNames} names, got more`);
      const name = `${prefix}${key}`;
      const tensor = tensorIn(child);
      if (tensor !== undefined) this.#add(name, tensor);
      else if (this.#isModule(child)) this.#walk(child, `${name}.`, "module");
      else if (as === "module") {
        // Whatever else a module keeps is its own affair.
        if (transparent.has(key)) this.#walk(child, prefix, "parts");
      } else if (as === "dict") {
        if (childrenOf(child).size > 0) this.#walk(child, `${name}.`, "dict");
        else this.#others.push(`${name} (${nameOf(child)})`);
      }
    }
    this.#open.delete(value);
  }

  #isModule(value: TorchValue): boolean {
    const known = this.#modules.get(value) ?? isModule(value);
    this.#modules.set(value, known);
    return known;
  }

  #add(name: string, tensor: TorchTensor | ForeignTensor): void {
    if (tensor.kind === "foreign") {
      throw damaged(
        this.#where,
        `${name}: expected a plain tensor, got one that ${tensor.reason}; try saving its values`,
      );
    }
    this.#tensors.set(name, tensor);
  }
}

/** Without the prefixes of wrappers, where all names have them. */
function unwrapped(tensors: ReadonlyMap<string, TorchTensor>, notes: string[]): ReadonlyMap<string, TorchTensor> {
  let names = [...tensors.keys()];
  for (;;) {
    const prefix = wrappers.find((wrapper) => names.every((name) => name.startsWith(wrapper)));
    if (prefix === undefined) break;
    notes.push(`names are without the "${prefix}" that all of them start with`);
    names = names.map((name) => name.slice(prefix.length));
  }
  return new Map([...tensors.values()].map((tensor, index) => [names[index] ?? "", tensor]));
}

/** Names for a message, cut after a dozen. */
function listed(names: readonly string[]): string {
  return names.slice(0, 12).join(", ") + (names.length > 12 ? ` and ${names.length - 12} more` : "");
}
