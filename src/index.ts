// The public names that need no platform: networks, plans, schedules, compiling, segmenting, scoring.
// What needs Node (files, video, the engine on the CPU) is in `clockwork-convnets/node`.

export { checkSchedule, clocksOf, formatSchedule, parseSchedule } from "./clocks/index.ts";
export type { Clock, Schedule } from "./clocks/index.ts";
export { compile, readProtocol } from "./compile/index.ts";
export type { Compiled, CompileOptions, Io, PortDescription, Protocol, StageDescription } from "./compile/index.ts";
export type {
  Engine,
  EngineSession,
  EngineTensor,
  NodeTiming,
  OpenOptions,
  Port,
  RunResult,
  StateLink,
  TensorData,
} from "./engine/index.ts";
export { ClockworkError } from "./errors.ts";
export type { ErrorCode } from "./errors.ts";
export type { Frame, LabelMap } from "./frame.ts";
export { ConfusionMatrix } from "./metrics/index.ts";
export type { ConfusionResult } from "./metrics/index.ts";
export { fitNetwork, measureNodes, networkOf, sizeText } from "./network/index.ts";
export type { ImageInput, Layout, Network, NetworkOptions, OutputKind, ScoresOutput, Size } from "./network/index.ts";
export { readModel, writeModel } from "./onnx/index.ts";
export type { DType, Model, ReadOptions, WriteOptions, WrittenModel } from "./onnx/index.ts";
export { defaultPreprocessing, networkSize, parsePreprocessing } from "./preprocessing.ts";
export type { InputSize, Preprocessing } from "./preprocessing.ts";
export { Segmenter, SummaryMeter } from "./segment/index.ts";
export type { Preparation, SegmenterOptions, SegmentResult, Summary } from "./segment/index.ts";
export { parseCut, planFromFile, planOf, planTable, planToFile } from "./stages/index.ts";
export type { Cut, Held, Plan, PlanFile, PlanOptions, Stage, StageFile, Watch } from "./stages/index.ts";
