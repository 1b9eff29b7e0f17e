// Frames in, label maps out.

export { Segmenter } from "./segmenter.ts";
export type { Preparation, SegmenterOptions, SegmentResult } from "./segmenter.ts";
export { SummaryMeter } from "./summary.ts";
export type { Summary } from "./summary.ts";
