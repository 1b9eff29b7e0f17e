// The names of a network's classes, from `id2label` of a model folder's `config.json`. No palette and no dataset here.

import { ClockworkError } from "../errors.ts";

/** Far above any real network; keeps one wrong key from making a list of a billion names. */
const MAX_CLASSES = 65_536;

/**
 * Class names in the order of the network's channels, or `undefined` where the file has no `id2label`. Gaps are filled
 * with `class-<index>`. `where` names the file in messages.
 */
export function parseClassNames(config: unknown, where: string): readonly string[] | undefined {
  if (typeof config !== "object" || config === null || Array.isArray(config)) {
    throw new ClockworkError("invalid-model", `${where}: expected a JSON object, got ${JSON.stringify(config)}`);
  }
  const labels: unknown = "id2label" in config ? config.id2label : undefined;
  if (labels === undefined || labels === null) return undefined;
  if (typeof labels !== "object") {
    throw new ClockworkError("invalid-model", `${where}: id2label: expected an object, got ${JSON.stringify(labels)}`);
  }
  const byIndex = new Map<number, string>();
  const entries: readonly [string, unknown][] = Object.entries(labels);
  for (const [key, label] of entries) {
    const index = /^\d+$/.test(key) ? Number(key) : MAX_CLASSES;
    if (index >= MAX_CLASSES) {
      throw new ClockworkError(
        "invalid-model",
        `${where}: id2label: expected class indices below ${MAX_CLASSES} as keys, got ${JSON.stringify(key)}`,
      );
    }
    if (typeof label !== "string") {
      throw new ClockworkError(
        "invalid-model",
        `${where}: id2label["${key}"]: expected a string, got ${JSON.stringify(label)}`,
      );
    }
    byIndex.set(index, label);
  }
  if (byIndex.size === 0) return undefined;
  const count = Math.max(...byIndex.keys()) + 1;
  return Array.from({ length: count }, (_, index) => byIndex.get(index) ?? `class-${index}`);
}
