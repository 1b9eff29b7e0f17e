// When a stage fires.

export {
  blendAt,
  checkSchedule,
  clocksOf,
  defaultBlend,
  formatSchedule,
  isOracle,
  longestHold,
  parseSchedule,
  scheduleForms,
  stagesNamedBy,
} from "./schedule.ts";
export type { Clock, Propagation, Schedule } from "./schedule.ts";
export { isMotionSignal } from "./signal.ts";
export type { ChangeSignal, ExpectedSignal, LinearProbe, MotionSignal, PlainSignal, Signal } from "./signal.ts";
