// The classes by name.

import { streetClasses } from "./street-frame.ts";

const names = [
  "sky",
  "building",
  "pole",
  "road",
  "pavement",
  "tree",
  "sign",
  "fence",
  "car",
  "pedestrian",
  "bicyclist",
] as const;

function labelOf(name: string): number {
  const label = streetClasses.indexOf(name);
  if (label < 0) throw new Error(`no class ${name}`);
  return label;
}

/** Places in `streetClasses`. */
export const label: Readonly<Record<(typeof names)[number], number>> = Object.fromEntries(
  names.map((name) => [name, labelOf(name)]),
) as Record<(typeof names)[number], number>;
