// Where a network may be cut, and how it is.

export { parseCut } from "./cut.ts";
export type { Cut } from "./cut.ts";
export { planOf } from "./plan.ts";
export type { Held, Plan, PlanOptions, Stage, Watch } from "./plan.ts";
export { planFromFile, planToFile } from "./plan-file.ts";
export type { PlanFile, StageFile } from "./plan-file.ts";
export { planTable } from "./table.ts";
