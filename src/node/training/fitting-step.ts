// Whether a step fits into memory, asked before anything is opened or written: a process that is killed for memory says
// nothing. Where it does not fit, the error has the largest batch that does.

import { freemem, totalmem } from "node:os";
import { nodeEngine } from "../../engine/node/engine.ts";
import { ClockworkError } from "../../errors.ts";
import { tensorTypesOf } from "../../network/tensor-types.ts";
import type { Recipe } from "../../train/recipe.ts";
import { madeInStep, stepMemory, type StepBytes } from "../../train/step-memory.ts";
import type { TrainingStep } from "../../train/step-graph.ts";

/** Bytes that this process may still take: what the machine has free, or less where a container says so. */
export function availableMemory(): number {
  // 0, or more than the machine has where nothing constrains the process.
  const constrained = process.constrainedMemory();
  const limit = constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
  return Math.max(0, Math.min(freemem(), limit - process.memoryUsage.rss()));
}

/**
 * Memory of a recipe's step.
 * @param stepOf makes the step of a recipe with another batch
 * @throws ClockworkError `invalid-argument` with a batch that fits, where the recipe's does not
 */
export async function fittingStep(
  step: TrainingStep,
  recipe: Recipe,
  limitBytes: number,
  stepOf: (recipe: Recipe) => Promise<TrainingStep>,
): Promise<StepBytes> {
  const memory = await memoryOf(step);
  if (memory.bytes <= limitBytes) return memory;
  const { batch, accumulate } = recipe;
  const samples = batch * accumulate;
  // Batches that divide the samples of an update. Activations grow no faster than the batch, and so the first guess is
  // never too small; each is then looked at.
  const guess = (batch * (limitBytes - memory.weightsBytes)) / (memory.bytes - memory.weightsBytes);
  let advice = `a smaller "augmentation.crop" or network`;
  for (let smaller = Math.min(batch - 1, Math.floor(guess)); smaller >= 1; smaller--) {
    if (samples % smaller !== 0) continue;
    const other = { ...recipe, batch: smaller, accumulate: samples / smaller };
    if ((await memoryOf(await stepOf(other))).bytes > limitBytes) continue;
    advice = `"batch": ${smaller} and "accumulate": ${samples / smaller}`;
    break;
  }
  throw new ClockworkError(
    "invalid-argument",
    `recipe.batch: expected a step that fits into ${gigabytes(limitBytes)} GB, got ${gigabytes(memory.bytes)} GB; try ${advice}`,
  );
}

async function memoryOf(step: TrainingStep): Promise<StepBytes> {
  return stepMemory(step, await tensorTypesOf(step.model, madeInStep(step), nodeEngine));
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toPrecision(2);
}
