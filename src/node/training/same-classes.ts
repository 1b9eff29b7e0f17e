// Whether folders that are used together name the same classes by the same labels.

import { plainName } from "../../datasets/maps/class-name.ts";
import { ClockworkError } from "../../errors.ts";

/** Classes by label, and where they are from. */
export interface NamedClasses {
  readonly where: string;
  readonly classNames: readonly string[];
}

/** @throws ClockworkError `invalid-argument` with both where one differs from the first */
export function checkSameClasses([first, ...others]: readonly NamedClasses[]): void {
  if (first === undefined) return;
  for (const { where, classNames } of others) {
    const { length } = first.classNames;
    if (classNames.length === length && classNames.every((name, label) => isSame(name, first.classNames[label]))) {
      continue;
    }
    throw new ClockworkError(
      "invalid-argument",
      `${where}: expected the classes of ${first.where}, ${length} (${first.classNames.join(", ")}), got ` +
        `${classNames.length} (${classNames.join(", ")}); try the same names in the same order`,
    );
  }
}

function isSame(name: string, other: string | undefined): boolean {
  return other !== undefined && plainName(name) === plainName(other);
}
