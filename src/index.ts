// The public names that need no platform: networks, plans, schedules, compiling, segmenting, scoring.
// What needs Node (files, video, the engine on the CPU) is in `clockwork-convnets/node`.

export { checkSchedule, clocksOf, formatSchedule, isOracle, parseSchedule } from "./clocks/index.ts";
export type {
  ChangeSignal,
  Clock,
  ExpectedSignal,
  LinearProbe,
  MotionSignal,
  PlainSignal,
  Propagation,
  Schedule,
  Signal,
} from "./clocks/index.ts";
export { compile, readProtocol } from "./compile/index.ts";
export type {
  Compiled,
  CompileOptions,
  Io,
  MotionOrigin,
  MotionPorts,
  PortDescription,
  Protocol,
  StageDescription,
} from "./compile/index.ts";
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
export { evaluate } from "./evaluate/index.ts";
export type {
  Accuracy,
  Contender,
  DetailedEvaluation,
  EvaluateOptions,
  Evaluation,
  EvaluationProgress,
  EvaluationProtocol,
  EvaluationRun,
  EvaluationStore,
  FrameMatcher,
  StretchOptions,
  TemporalConsistency,
  Timeline,
} from "./evaluate/index.ts";
export { ClockworkError } from "./errors.ts";
export type { ErrorCode } from "./errors.ts";
export { numbersPerBlock } from "./frame.ts";
export type { BlockMotion, Frame, LabelMap } from "./frame.ts";
export {
  agreementOf,
  AgreementMeter,
  boundaryBand,
  ConfusionMatrix,
  Consistency,
  FiringMeter,
  Flicker,
  LatencyMeter,
  SummaryMeter,
} from "./metrics/index.ts";
export type {
  AgreementResult,
  BoundaryEdges,
  ConfusionResult,
  ConsistencyResult,
  ConsistencyState,
  FeatureAge,
  Firing,
  FiringResult,
  FlickerResult,
  Latency,
  Summary,
  TimedFiring,
  WorstFrame,
} from "./metrics/index.ts";
export { fitNetwork, measureNodes, networkOf, sizeText } from "./network/index.ts";
export type { ImageInput, Layout, Network, NetworkOptions, OutputKind, ScoresOutput, Size } from "./network/index.ts";
export { readModel, writeModel } from "./onnx/index.ts";
export type { DType, Model, ReadOptions, WriteOptions, WrittenModel } from "./onnx/index.ts";
export { defaultPreprocessing, networkSize, parsePreprocessing } from "./preprocessing.ts";
export type { InputSize, Preprocessing } from "./preprocessing.ts";
export { decodeSnapshot, encodeSnapshot, Segmenter } from "./segment/index.ts";
export type {
  Preparation,
  SegmenterOptions,
  SegmenterSnapshot,
  SegmenterVariant,
  SegmentOptions,
  SegmentResult,
} from "./segment/index.ts";
export { parseCut, planFromFile, planOf, planTable, planToFile } from "./stages/index.ts";
export type { Cut, Held, Plan, PlanFile, PlanOptions, Stage, StageFile, Watch } from "./stages/index.ts";
