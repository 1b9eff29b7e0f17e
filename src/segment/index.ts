// Frames in, label maps out.

export type { SegmenterOptions, SegmenterVariant } from "./options.ts";
export type { Preparation } from "./preparation.ts";
export { Segmenter } from "./segmenter.ts";
export type { SegmentOptions, SegmentResult } from "./segmenter.ts";
export { decodeSnapshot, encodeSnapshot } from "./snapshot.ts";
export type { SegmenterSnapshot } from "./snapshot.ts";
