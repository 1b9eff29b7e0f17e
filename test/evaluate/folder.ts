// Small datasets in the layout `folder`, with the classes of the small network.

import { classNames } from "../cli/cli.ts";
import type { Content, Rgb } from "../datasets/files.ts";
import { Scene } from "../support/pictures.ts";

/** A dataset in the layout `folder`: views that move, and labels in halves. */
export function datasetFiles(
  sequences: readonly string[],
  frames: number,
  labelled: readonly number[],
): Record<string, Content> {
  const size = { widthPx: 64, heightPx: 32 };
  const files: Record<string, Content> = { "classes.json": JSON.stringify(classNames) };
  for (const [number, sequence] of sequences.entries()) {
    for (let frame = 0; frame < frames; frame++) {
      const { data } = new Scene(number).at(size, { x: 0.03 * frame });
      const rows = Array.from({ length: 32 }, (_, y) =>
        Array.from({ length: 64 }, (_, x): Rgb => {
          const at = 3 * (64 * y + x);
          return [data[at] ?? 0, data[at + 1] ?? 0, data[at + 2] ?? 0];
        }),
      );
      files[`frames/${sequence}/${frame}.png`] = { kind: "rgb", rows };
      if (!labelled.includes(frame)) continue;
      files[`labels/${sequence}/${frame}.png`] = {
        kind: "gray",
        rows: Array.from({ length: 32 }, (_, y) =>
          Array.from({ length: 64 }, (_, x) => (y < 2 ? 255 : x < 40 ? 0 : 2)),
        ),
      };
    }
  }
  return files;
}
