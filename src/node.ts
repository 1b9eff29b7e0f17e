// The public names for Node: everything of the root, and what reads files, decodes video and runs on the CPU.

export { nodeEngine } from "./engine/node/engine.ts";
export { openModel } from "./models/index.ts";
export type { DownloadProgress, HubOptions, ModelSource } from "./models/index.ts";
export { defaultClock, openSegmenter } from "./node/open-segmenter.ts";
export type { OpenSegmenterOptions } from "./node/open-segmenter.ts";
export { openSink, openVideo, paletteFor, readLabelImage, readPalette } from "./video/index.ts";
export type { LabelSink, OpenVideoOptions, SinkOptions, VideoInfo, VideoReader } from "./video/index.ts";
