// The classes by name.

import { streetClasses, type StreetClass } from "./street-frame.ts";

/** Places in `streetClasses`. */
export const label: Readonly<Record<StreetClass, number>> = Object.fromEntries(
  streetClasses.map((name, place) => [name, place]),
) as Record<StreetClass, number>;
