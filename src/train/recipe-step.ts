// The training step of a recipe: one network, on labelled frames, perhaps with a teacher. What needs more than that builds on StepGraph itself.

import type { Engine } from "../engine/index.ts";
import { ClockworkError } from "../errors.ts";
import type { Model } from "../onnx/index.ts";
import { defaultPreprocessing, type Preprocessing } from "../preprocessing.ts";
import {
  crossEntropy,
  klDivergence,
  lovaszSoftmax,
  ohemCrossEntropy,
  softIou,
  unionOverIntersection,
  type Labelled,
  type ScoreDims,
} from "./losses/index.ts";
import { adam, adamW, clipByNorm, sgd, type GroupOptions, type Optimiser } from "./optimisers/index.ts";
import type { ClassWeights, LossRecipe, OptimiserRecipe, Recipe } from "./recipe.ts";
import { StepGraph, type TrainingStep } from "./step-graph.ts";
import { teacherScores, type Teacher } from "./teacher.ts";

/** Names in the step of a recipe. */
export const stepNames = {
  network: "network",
  teacher: "teacher",
  image: "image",
  labels: "labels",
  rate: "rate",
  step: "step",
  apply: "apply",
  loss: "loss",
} as const;

/** What a step is made for. */
export interface RecipeStepOptions {
  /** `image` [batch,3,h,w] of the recipe's batch and crop; scores at the crop's size or a fraction of it. */
  readonly model: Model;
  readonly classes: number;
  /** Weights for `balanced`, one for each class. */
  readonly balanced: readonly number[];
  /** How the network sees pictures, for a teacher that sees them otherwise; default: as bare `.onnx` files. */
  readonly preprocessing?: Preprocessing;
  /** What `distillation` follows. */
  readonly teacher?: Teacher | undefined;
}

/** @throws ClockworkError `unsupported-model` where the network cannot be trained, `invalid-argument` for unknown outputs */
export async function recipeStep(
  recipe: Recipe,
  { model, classes, balanced, preprocessing = defaultPreprocessing(), teacher }: RecipeStepOptions,
  engine: Engine,
): Promise<TrainingStep> {
  const { batch, augmentation, accumulate } = recipe;
  const { widthPx, heightPx } = augmentation.crop;
  const step = new StepGraph();
  const image = step.input(stepNames.image, "float32", [batch, 3, heightPx, widthPx]);
  const labels = step.input(stepNames.labels, "uint8", [batch, heightPx, widthPx]);
  const network = step.network(stepNames.network, model, { fixedStatistics: recipe.fixedStatistics });
  const outputs = step.apply(network, image);
  const { ops } = step;
  const dims: ScoreDims = [batch, classes, heightPx, widthPx];
  const taught =
    teacher === undefined
      ? undefined
      : atFrame(
          step,
          teacher.model,
          teacher.scores,
          teacherScores(step, stepNames.teacher, teacher, image, preprocessing),
          dims,
        );
  const parts = recipe.losses.map((loss) => {
    const logits = outputs[loss.output];
    if (logits === undefined) {
      throw new ClockworkError(
        "invalid-argument",
        `recipe.losses: expected one of the network's outputs (${Object.keys(outputs).join(", ")}), got "${loss.output}"`,
      );
    }
    const whole = atFrame(step, model, loss.output, logits, dims);
    return ops.scale(lossOf(step, loss, { logits: whole, labels, dims }, balanced, taught), loss.weight);
  });
  const [first = ops.scalar(0), ...rest] = parts;
  const loss = ops.sum([first, ...rest]);
  step.report(stepNames.loss, loss);
  step.minimise({
    loss: ops.scale(loss, 1 / accumulate),
    teaches: [network],
    optimiser: optimiserOf(recipe),
    rate: step.input(stepNames.rate, "float32", []),
    ...(recipe.average !== undefined && { average: recipe.average }),
    accumulate: accumulate > 1,
  });
  return await step.build(engine);
}

/** Scores at the size of the frame, where losses are compared: those at a fraction of it are made larger. */
function atFrame({ ops }: StepGraph, model: Model, output: string, scores: string, dims: ScoreDims): string {
  if (isWhole(model, output, dims)) return scores;
  return ops.op("Resize", [scores, "", "", ops.int64(dims)], {
    mode: "linear",
    coordinate_transformation_mode: "half_pixel",
  });
}

/** Whether an output is declared with the shape that losses look at. */
function isWhole({ graph }: Model, output: string, dims: ScoreDims): boolean {
  const type = graph.outputs.find(({ name }) => name === output)?.type;
  return type?.kind === "tensor" && type.shape?.join() === dims.join();
}

function lossOf(
  { ops }: StepGraph,
  loss: LossRecipe,
  labelled: Labelled,
  balanced: readonly number[],
  taught: string | undefined,
): string {
  const weighted = (weights: ClassWeights | undefined): { classWeights?: readonly number[] } =>
    weights === undefined ? {} : { classWeights: weights === "balanced" ? balanced : weights };
  switch (loss.kind) {
    case "cross-entropy":
      return crossEntropy(ops, {
        ...labelled,
        ...weighted(loss.classWeights),
        ...(loss.labelSmoothing !== undefined && { labelSmoothing: loss.labelSmoothing }),
      });
    case "ohem":
      return ohemCrossEntropy(ops, {
        ...labelled,
        ...weighted(loss.classWeights),
        ...(loss.threshold !== undefined && { threshold: loss.threshold }),
        ...(loss.oneIn !== undefined && { oneIn: loss.oneIn }),
      });
    case "soft-iou":
      return softIou(ops, labelled);
    case "union-over-intersection":
      return unionOverIntersection(ops, labelled);
    case "lovasz":
      return lovaszSoftmax(ops, labelled);
    case "distillation": {
      if (taught === undefined) {
        throw new ClockworkError("invalid-argument", "recipe.losses: expected a teacher for distillation, got none");
      }
      const { logits: student, dims } = labelled;
      return klDivergence(ops, { teacher: taught, student, dims, temperature: loss.temperature });
    }
  }
}

function optimiserOf({ optimiser, rate, clipNorm }: Recipe): Optimiser {
  const factors = rate.factors.map(({ weights, factor }) => ({ pattern: new RegExp(weights, "u"), factor }));
  const groups: GroupOptions = {
    rateOf: (name) => factors.find(({ pattern }) => pattern.test(name))?.factor ?? 1,
  };
  const plain = updateOf(optimiser, groups);
  return clipNorm === undefined ? plain : clipByNorm(clipNorm, plain);
}

function updateOf(optimiser: OptimiserRecipe, groups: GroupOptions): Optimiser {
  switch (optimiser.kind) {
    case "sgd": {
      const { momentum, nesterov, weightDecay } = optimiser;
      return sgd({ ...groups, momentum, isNesterov: nesterov, weightDecay });
    }
    case "adam":
      return adam({ ...groups, betas: optimiser.betas, weightDecay: optimiser.weightDecay });
    case "adamw":
      return adamW({ ...groups, betas: optimiser.betas, weightDecay: optimiser.weightDecay });
  }
}

/**
 * Weights of classes by their share p of labelled pixels: 1 / log(1.1 + p), scaled to a mean of 1 over the classes that
 * occur; 0 for those that do not. The form is that of Paszke et al., ENet, 2016, with 1.1 for their 1.02: weights lie
 * less far apart.
 */
export function balancedWeights(counts: readonly number[]): readonly number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const raw = counts.map((count) => (count === 0 ? 0 : 1 / Math.log(1.1 + count / Math.max(1, total))));
  const present = raw.filter((weight) => weight > 0);
  const mean = present.reduce((sum, weight) => sum + weight, 0) / Math.max(1, present.length);
  return raw.map((weight) => weight / mean);
}
