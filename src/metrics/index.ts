// How good label maps are, how steady, and what they cost.

export { agreementOf, AgreementMeter } from "./agreement.ts";
export type { AgreementResult, WorstFrame } from "./agreement.ts";
export { boundaryBand } from "./boundary.ts";
export type { BoundaryEdges } from "./boundary.ts";
export { ConfusionMatrix } from "./confusion.ts";
export type { ConfusionResult } from "./confusion.ts";
export { Consistency } from "./consistency.ts";
export type { ConsistencyResult, ConsistencyState } from "./consistency.ts";
export { FiringMeter } from "./firing.ts";
export type { FeatureAge, Firing, FiringResult } from "./firing.ts";
export { Flicker } from "./flicker.ts";
export type { FlickerResult } from "./flicker.ts";
export { LatencyMeter } from "./latency.ts";
export type { Latency } from "./latency.ts";
export { SummaryMeter } from "./summary.ts";
export type { Summary, TimedFiring } from "./summary.ts";
