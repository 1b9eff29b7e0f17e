// Which class of a dataset a network's class is: a table from label to label, by a map that a user writes or by name.
// A class of the network may be none of the dataset's: a pixel that gets it is wrong wherever there is a true label.
// Ready maps are in `maps/`.

import { ClockworkError } from "../errors.ts";
import { nearestName, plainName } from "./maps/class-name.ts";
import { readyMaps } from "./maps/ready.ts";

/**
 * A map from a network's classes to a dataset's, as its JSON file has it:
 * `{ "title": "...", "from": "cityscapes", "to": "camvid", "classes": { "rider": "bicyclist", "train": null } }`.
 */
export interface ClassMap {
  /** One line: what it maps and after whom. */
  readonly title: string;
  /** The classes that it maps from and to, in words. */
  readonly from: string;
  readonly to: string;
  /** Class of the network to class of the dataset; `null` for none. A class that is not named is none. */
  readonly classes: Readonly<Record<string, string | null>>;
}

/** What to map. */
export interface ClassMapping {
  /** Classes of the network by label; `undefined` where it does not name them. */
  readonly network: readonly string[] | undefined;
  /** Classes of the dataset by label. */
  readonly dataset: readonly string[];
  readonly map?: ClassMap;
}

/** How labels are mapped. */
export interface MappedClasses {
  /** Label of the dataset for each label of the network; `NO_CLASS` where there is none. 256 entries. */
  readonly table: Uint8Array<ArrayBuffer>;
  /** Classes of the dataset that no class of the network becomes. */
  readonly missing: readonly string[];
  /** What a user should know. Sentences. */
  readonly notes: readonly string[];
}

/** In a table: a class of the network that is none of the dataset's. */
export const NO_CLASS = 255;

/** Names that say: not a class. */
const NOT_A_CLASS: ReadonlySet<string> = new Set(["void", "unlabelled", "unlabeled", "ignore", "ignored", "unknown"]);

/**
 * Checks a map that came from JSON.
 *
 * @param where its file, for errors.
 * @throws {ClockworkError} `invalid-argument` where it is not of the form of `ClassMap`.
 */
export function parseClassMap(json: unknown, where: string): ClassMap {
  const bad = (what: string, got: unknown): ClockworkError =>
    new ClockworkError(
      "invalid-argument",
      `${where}: expected ${what}, got ${JSON.stringify(got) ?? "nothing"}; ` +
        `try { "classes": { "rider": "bicyclist", "train": null } }`,
    );
  const textOf = (file: Readonly<Record<string, unknown>>, key: string, otherwise: string): string => {
    const value = file[key] ?? otherwise;
    if (typeof value !== "string") throw bad(`${key} as text`, value);
    return value;
  };
  if (!isObject(json)) throw bad("an object", json);
  if (!isObject(json["classes"])) throw bad("classes as an object", json["classes"]);
  const entries = Object.entries(json["classes"]).map(([name, value]): [string, string | null] => {
    if (value !== null && typeof value !== "string") throw bad(`classes["${name}"] as a name or null`, value);
    return [name, value];
  });
  if (entries.length === 0) throw bad("at least one class", json["classes"]);
  return {
    title: textOf(json, "title", where),
    from: textOf(json, "from", "network"),
    to: textOf(json, "to", "dataset"),
    classes: Object.fromEntries(entries),
  };
}

/**
 * Maps a network's labels to a dataset's.
 *
 * With a map, by it. Without one, by name, whatever the case, spaces, hyphens and underscores: where every class of the
 * dataset has its like in the network, or the other way round. Where no name fits but there are as many classes on both
 * sides, by label, with a note.
 *
 * A network without names is taken label by label; with a map, the order of the map's classes is that of its labels,
 * unless all of them are numbers, which are labels then.
 *
 * @throws {ClockworkError} `invalid-argument` where names fit neither way, or a map names a class that is not there.
 */
export function mapClasses({ network, dataset, map }: ClassMapping): MappedClasses {
  if (dataset.length === 0) {
    throw new ClockworkError("invalid-argument", "classes: expected a dataset with classes, got one without");
  }
  if (map !== undefined) return byMap(network, dataset, map);
  if (network === undefined) {
    return mappedBy(identity(dataset.length), dataset, [
      "The network does not name its classes: its labels are taken for those of the dataset.",
    ]);
  }
  const targets = network.map((name) => indexOfName(dataset, name));
  const real = network.flatMap((name, label) => (NOT_A_CLASS.has(plainName(name)) ? [] : [label]));
  const found = new Set(targets.filter((target) => target !== undefined));
  const isWhole = found.size === dataset.length;
  const isPart = found.size > 0 && real.every((label) => targets[label] !== undefined);
  const ready = [...readyMaps].find(([, map]) => fits(map, network, dataset))?.[0];
  if (isWhole || isPart) return mappedBy(targets, dataset, byNameNotes(network, targets, ready));
  // A name that fits at another place would make a lie of the order.
  const isInOrder = targets.every((target, label) => target === undefined || target === label);
  if (network.length === dataset.length && isInOrder && ready === undefined) {
    return mappedBy(identity(dataset.length), dataset, [
      `The names of the network's ${network.length} classes are not the dataset's; as many on both sides, they are ` +
        `taken label by label: ${network.map((name, label) => `${name} = ${dataset[label]}`).join(", ")}.`,
    ]);
  }
  throw new ClockworkError(
    "invalid-argument",
    `classes: expected the network's to be those of the dataset, got ${network.length} (${listed(network)}) for ` +
      `${dataset.length} (${listed(dataset)}); try --map ${ready === undefined ? "FILE.json" : `"${ready}"`}`,
  );
}

function byMap(network: readonly string[] | undefined, dataset: readonly string[], map: ClassMap): MappedClasses {
  const entries = Object.entries(map.classes);
  const targets: (number | undefined)[] = [];
  const notes: string[] = [];
  const named = new Set<number>();
  const areNumbers = entries.every(([name]) => /^\d+$/u.test(name));
  if (network === undefined && !areNumbers) {
    notes.push(`The network does not name its classes: its labels are taken in the order of the map (${map.title}).`);
  }
  for (const [place, [from, to]] of entries.entries()) {
    const label = network === undefined ? (areNumbers ? Number(from) : place) : indexOfName(network, from);
    if (label === undefined) throw unknownName(map, "network", from, network ?? []);
    if (label >= NO_CLASS) {
      throw new ClockworkError("invalid-argument", `class map "${map.title}": expected labels below 255, got ${label}`);
    }
    const target = to === null ? undefined : indexOfName(dataset, to);
    if (to !== null && target === undefined) throw unknownName(map, "dataset", to, dataset);
    // Networks with a name twice mean the same by it.
    const name = network?.[label];
    const labels = name === undefined ? [label] : labelsOfName(network ?? [], name);
    for (const each of labels) {
      targets[each] = target;
      named.add(each);
    }
  }
  const rest = (network ?? []).filter((_, label) => !named.has(label));
  if (rest.length > 0) notes.push(`Not in the map, so none of the dataset's: ${listed(rest)}.`);
  return mappedBy(targets, dataset, notes);
}

function mappedBy(
  targets: readonly (number | undefined)[],
  dataset: readonly string[],
  notes: readonly string[],
): MappedClasses {
  const table = new Uint8Array(256).fill(NO_CLASS);
  for (const [label, target] of targets.entries()) if (target !== undefined && label < 256) table[label] = target;
  const reached = new Set(targets);
  return { table, missing: dataset.filter((_, label) => !reached.has(label)), notes };
}

function byNameNotes(
  network: readonly string[],
  targets: readonly (number | undefined)[],
  ready: string | undefined,
): string[] {
  const rest = network.filter((_, label) => targets[label] === undefined);
  if (rest.length === 0) return [];
  const hint = ready === undefined ? "" : ` --map "${ready}" maps them.`;
  return [`Classes of the network that the dataset does not have, an error where predicted: ${listed(rest)}.${hint}`];
}

function identity(count: number): number[] {
  return Array.from({ length: count }, (_, label) => label);
}

/** Whether a ready map speaks of just these classes. */
function fits({ classes }: ClassMap, network: readonly string[], dataset: readonly string[]): boolean {
  const targets = Object.values(classes).filter((target) => target !== null);
  return (
    Object.keys(classes).every((name) => indexOfName(network, name) !== undefined) &&
    dataset.every((name) => indexOfName(targets, name) !== undefined)
  );
}

function indexOfName(names: readonly string[], name: string): number | undefined {
  return labelsOfName(names, name)[0];
}

function labelsOfName(names: readonly string[], name: string): number[] {
  const plain = plainName(name);
  return names.flatMap((other, index) => (plainName(other) === plain ? [index] : []));
}

function unknownName(
  map: ClassMap,
  side: "network" | "dataset",
  name: string,
  names: readonly string[],
): ClockworkError {
  const nearest = nearestName(name, names);
  return new ClockworkError(
    "invalid-argument",
    `class map "${map.title}": expected a class of the ${side}, got "${name}"` +
      (nearest === undefined ? "" : `; try "${nearest}"`) +
      ` (${listed(names)})`,
  );
}

/** Names for a message; of very many, the first. */
function listed(names: readonly string[]): string {
  const shown = names.slice(0, 30).join(", ");
  return names.length > 30 ? `${shown}, ... and ${names.length - 30} more` : shown;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
