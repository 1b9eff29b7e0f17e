// How good label maps are.

export { ConfusionMatrix } from "./confusion.ts";
export type { ConfusionResult } from "./confusion.ts";
