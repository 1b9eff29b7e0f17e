// One contract for running graphs.

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
} from "./engine.ts";
