// The public names for Node: everything of the root, and what reads files, decodes video and runs on the CPU.

export { nodeEngine } from "./engine/node/engine.ts";
export {
  layouts,
  openDataset,
  parseClassMap,
  readyMaps,
  sequenceOf,
  streetDataset,
  translatingViewport,
} from "./datasets/index.ts";
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
export { boxedModel, openModel } from "./models/index.ts";
export type { DownloadProgress, HubOptions, ModelSource } from "./models/index.ts";
export { evaluateModel } from "./node/evaluate-model.ts";
export type { ClockSpec, EvaluateModelOptions, EvaluationStart } from "./node/evaluate-model.ts";
export { BlockMatcher } from "./node/block-matcher.ts";
export { defaultClock, openSegmenter } from "./node/open-segmenter.ts";
export type { OpenSegmenterOptions } from "./node/open-segmenter.ts";
export { streetClips, type StreetClip, type StreetClipsOptions } from "./node/street/clip.ts";
export { writeStreet } from "./node/street/write-street.ts";
export type { StreetProgress, StreetWritten, WriteStreetOptions } from "./node/street/write-street.ts";
export { encodeImage, openSink, openVideo, paletteFor, readImage, readLabelImage, readPalette } from "./video/index.ts";
export type { LabelSink, OpenVideoOptions, SinkOptions, VideoInfo, VideoReader } from "./video/index.ts";
export { tuneModel } from "./node/tune-model.ts";
export type { TunedModel, TuneModelOptions } from "./node/tune-model.ts";
export { trainModel } from "./node/training/train-model.ts";
export type { Trained, TrainingProgress, TrainingStart, TrainModelOptions } from "./node/training/train-model.ts";
export {
  decodeDepth,
  decodeFlow,
  encodeDepth,
  encodeFlow,
  FrameVideo,
  type DepthMap,
  type FlowField,
  type FrameVideoOptions,
} from "./video/index.ts";
export { Street, streetCameras, streetClasses, streetStyles } from "./video/street/index.ts";
export type { StreetCamera, StreetFrame, StreetOptions, StreetStill, StreetStyle } from "./video/street/index.ts";
