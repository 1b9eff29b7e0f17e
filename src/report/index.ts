// An evaluation as a page for people and as tables for programs.

export { classesCsv, framesCsv, runsCsv } from "./csv.ts";
export type { Picture } from "./data-uri.ts";
export { reportHtml } from "./page.ts";
export type { ReportOptions } from "./page.ts";
export type { Strip } from "./strips.ts";
export { trainingCurveHtml } from "./training-curve.ts";
export type { TrainingCurve } from "./training-curve.ts";
