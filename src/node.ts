// The public names for Node: everything of the root, and what reads files, decodes video and runs on the CPU.

export { nodeEngine } from "./engine/node/engine.ts";
export { layouts, openDataset, parseClassMap, readyMaps, sequenceOf, translatingViewport } from "./datasets/index.ts";
export type {
  ClassMap,
  Dataset,
  FrameRange,
  LabelledFrame,
  Layout,
  OpenFolderOptions,
  Sequence,
  SequenceItem,
  ViewportOptions,
} from "./datasets/index.ts";
export { openModel } from "./models/index.ts";
export type { DownloadProgress, HubOptions, ModelSource } from "./models/index.ts";
export { evaluateModel } from "./node/evaluate-model.ts";
export type { ClockSpec, EvaluateModelOptions, EvaluationStart } from "./node/evaluate-model.ts";
export { BlockMatcher } from "./node/block-matcher.ts";
export { defaultClock, openSegmenter } from "./node/open-segmenter.ts";
export type { OpenSegmenterOptions } from "./node/open-segmenter.ts";
export { encodeImage, openSink, openVideo, paletteFor, readImage, readLabelImage, readPalette } from "./video/index.ts";
export type { LabelSink, OpenVideoOptions, SinkOptions, VideoInfo, VideoReader } from "./video/index.ts";
export { tuneModel } from "./node/tune-model.ts";
export type { TunedModel, TuneModelOptions } from "./node/tune-model.ts";
export { trainModel } from "./node/training/train-model.ts";
export type { Trained, TrainingProgress, TrainingStart, TrainModelOptions } from "./node/training/train-model.ts";
