// Network + plan + schedule -> one ONNX graph with state.

export { compile } from "./compile.ts";
export type { Compiled, CompileOptions } from "./compile.ts";
export { readProtocol } from "./protocol.ts";
export type { MotionOrigin } from "./motion-graph.ts";
export type { Io, MotionPorts, PortDescription, Protocol, StageDescription } from "./protocol.ts";
export { signalSourceOf } from "./signal-source.ts";
