// Optimisers as pieces of a training step's graph.

export { adam, adamW } from "./adam.ts";
export type { AdamOptions } from "./adam.ts";
export { clipByNorm, clipByValue, gradientNorm } from "./clip.ts";
export { movingAverage } from "./ema.ts";
export type { Averaged, MovingAverage, MovingAverageOptions } from "./ema.ts";
export { decays } from "./optimiser.ts";
export type { GroupOptions, Optimiser, OptimiserParameter, StateTensor, Update, UpdateInputs } from "./optimiser.ts";
export { sgd } from "./sgd.ts";
export type { SgdOptions } from "./sgd.ts";
