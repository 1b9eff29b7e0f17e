// What results must be equal in, short enough to compare many: everything but the frames and the times.

import type { SegmentResult } from "../../src/segment/index.ts";
import { digestOf } from "../support/runtime.ts";

/** Results without frames and times; labels as a digest. */
export function told(results: readonly SegmentResult[]): readonly unknown[] {
  return results.map(({ labels, fired, signal, shot, macs, timestampSec }) => {
    const dims = [labels.heightPx, labels.widthPx];
    return { labels: digestOf({ dtype: "uint8", dims, data: labels.data }), fired, signal, shot, macs, timestampSec };
  });
}
