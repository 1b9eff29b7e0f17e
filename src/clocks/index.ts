// When a stage fires.

export { checkSchedule, clocksOf, formatSchedule, parseSchedule, scheduleForms, stagesNamedBy } from "./schedule.ts";
export type { Clock, Propagation, Schedule } from "./schedule.ts";
export type { ChangeSignal, ExpectedSignal, LinearProbe, Signal } from "./signal.ts";
