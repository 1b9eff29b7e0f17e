// From recordings of unlabelled video to a clock: what a threshold would have done, what it costs, what can be promised
// of it, and the signals that make it worth having.

export { leastMean, lossesNeeded, meanBound, meanPValue } from "./betting.ts";
export { blockFramesOf, divide, meansOf } from "./blocks.ts";
export type { BlockOptions, Division, Span } from "./blocks.ts";
export { macsRatioAt, periodForBudget, periodRate, sweep, thresholdForBudget } from "./budget.ts";
export type { AdaptiveBudget, Budget, BudgetAnswer, PeriodAnswer, SweepPoint } from "./budget.ts";
export { coverageOf, splitsOf } from "./coverage.ts";
export type { Coverage, CoverageDraw } from "./coverage.ts";
export { fitExpectation } from "./expectation.ts";
export type { DisagreementPairs, ExpectationFit, ExpectationOptions } from "./expectation.ts";
export { fitProbe } from "./probe.ts";
export type { ProbeFit, ProbeOptions, ProbeSamples } from "./probe.ts";
export { blocksNeeded, promiseOf } from "./promise.ts";
export type { Losses, PromiseGoal, PromiseKind, PromiseResult } from "./promise.ts";
export { seeded, type Random } from "../seeded.ts";
export { shuffled } from "./shuffled.ts";
export { changed, Changes } from "./recording.ts";
export type { LabelMap, Recording, ValueReader } from "./recording.ts";
export { longestAge, motionSignals } from "./motion-values.ts";
export type { MotionValues } from "./motion-values.ts";
export { gridLabels, sampleFrames, samplePositions } from "./sample.ts";
export { parseScheduleFile, scheduleFileText } from "./schedule-file.ts";
export type { ScheduleFile, TuneEvidence, TuneGoal } from "./schedule-file.ts";
export { simulate } from "./simulate.ts";
export type { Simulation } from "./simulate.ts";
export { tune } from "./tune.ts";
export type { Tuned, TuneOptions } from "./tune.ts";
export type { FootageProgress } from "./footage.ts";
export type { TunedCandidate } from "./ground.ts";
export type { ClockKind } from "./part.ts";
