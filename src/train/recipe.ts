// A recipe: everything that a training follows besides the data and the network it starts from, as data with a schema.
// What is not in it has a default; what is wrong is an error with its path.

import { z } from "zod";
import { ClockworkError } from "../errors.ts";
import { mostBlurPx, type Augmentation } from "./data/augmentation.ts";
import type { RateSchedule } from "./schedules.ts";

const share = z.number().min(0).max(1);
const count = z.int().min(1);
const range = z.tuple([z.number(), z.number()]);

const augmentationSchema = z.strictObject({
  crop: z.strictObject({ widthPx: count, heightPx: count }),
  scale: range.optional(),
  aspect: range.optional(),
  flip: share.optional(),
  rotateDeg: z.number().min(0).max(180).optional(),
  colour: z
    .strictObject({
      brightness: share.optional(),
      contrast: share.optional(),
      saturation: share.optional(),
      hueDeg: z.number().min(0).max(180).optional(),
      gamma: share.optional(),
    })
    .optional(),
  blur: z.strictObject({ sigmaPx: z.number().min(0).max(mostBlurPx), probability: share.optional() }).optional(),
  noise: z.strictObject({ deviation: z.number().min(0).max(255), probability: share.optional() }).optional(),
});

/** What every loss has. */
const lossCommon = {
  /** Output of the network that it looks at. */
  output: z.string().default("logits"),
  weight: z.number().min(0).default(1),
};
/** A weight for each class, or `balanced`: by how rare it is among the labels (see `balancedWeights`). */
const classWeights = z.union([z.literal("balanced"), z.array(z.number().min(0))]).optional();

const lossSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("cross-entropy"),
    ...lossCommon,
    classWeights,
    labelSmoothing: z.number().min(0).max(0.99).optional(),
  }),
  z.strictObject({
    kind: z.literal("ohem"),
    ...lossCommon,
    classWeights,
    threshold: z.number().gt(0).lt(1).optional(),
    oneIn: z.number().min(1).optional(),
  }),
  z.strictObject({ kind: z.literal("soft-iou"), ...lossCommon }),
  z.strictObject({ kind: z.literal("union-over-intersection"), ...lossCommon }),
  z.strictObject({ kind: z.literal("lovasz"), ...lossCommon }),
  z.strictObject({ kind: z.literal("distillation"), ...lossCommon, temperature: z.number().gt(0).default(1) }),
]);

const optimiserSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("sgd"),
    momentum: z.number().min(0).lt(1).default(0.9),
    nesterov: z.boolean().default(false),
    weightDecay: z.number().min(0).default(0),
  }),
  z.strictObject({
    kind: z.enum(["adam", "adamw"]),
    betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]).default([0.9, 0.999]),
    weightDecay: z.number().min(0).default(0),
  }),
]);

const scheduleSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("constant") }),
  z.strictObject({ kind: z.literal("poly"), power: z.number().min(0).default(0.9) }),
  z.strictObject({ kind: z.literal("cosine"), minimum: z.number().min(0).default(0) }),
  z.strictObject({ kind: z.literal("step"), at: z.array(count), factor: z.number().gt(0).max(1) }),
]);

const fieldsSchema = z.strictObject({
  /** In a line, for people. */
  about: z.string().optional(),
  seed: z.int().min(0).default(1),
  /** Updates of the weights in all. */
  steps: count,
  /** Samples in one run of the step. */
  batch: count,
  /** Runs whose gradients are added up for one update. */
  accumulate: count.default(1),
  /** Options of a network that is called by its name. */
  network: z
    .strictObject({
      width: z.number().gt(0).optional(),
      auxiliary: z.boolean().optional(),
      depth: z.int().optional(),
      finestStride: z.union([z.literal(2), z.literal(4)]).optional(),
      deepStride: z.union([z.literal(8), z.literal(16)]).optional(),
    })
    .default({}),
  augmentation: augmentationSchema,
  /** Model folder or file whose scores `distillation` follows; a path as the process sees it. */
  teacher: z.string().min(1).optional(),
  losses: z
    .array(lossSchema)
    .min(1)
    .default([{ kind: "cross-entropy", output: "logits", weight: 1 }]),
  optimiser: optimiserSchema.default({ kind: "adamw", betas: [0.9, 0.999], weightDecay: 0 }),
  rate: z.strictObject({
    base: z.number().gt(0),
    schedule: scheduleSchema.default({ kind: "poly", power: 0.9 }),
    warmUp: z.strictObject({ steps: z.int().min(0), from: share.default(0) }).optional(),
    /** Factors of the rate by patterns of names of weights; the first that fits holds. */
    factors: z.array(z.strictObject({ weights: z.string(), factor: z.number().min(0) })).default([]),
  }),
  /** Largest norm of all gradients together. */
  clipNorm: z.number().gt(0).optional(),
  /** Decay of the moving average of the weights, which is what is validated and written. */
  average: z.number().min(0).lt(1).optional(),
  /** Whether normalisation keeps the statistics it has: for fine-tuning with small batches. */
  fixedStatistics: z.boolean().default(false),
  /** Steps from one validation to the next; the last step has one in any case. */
  validateEvery: count.optional(),
  /** Training ends after so many validations without a better one. */
  patience: count.optional(),
});

const recipeSchema = fieldsSchema.superRefine(({ teacher, losses }, context) => {
  const isTaught = losses.some(({ kind }) => kind === "distillation");
  if (isTaught === (teacher !== undefined)) return;
  const message = isTaught
    ? 'expected a model for the loss "distillation", got none'
    : 'expected a loss "distillation" that follows it, got none';
  context.addIssue({ code: "custom", path: ["teacher"], message });
});

/** A recipe with its defaults filled in. */
export interface Recipe {
  readonly about?: string | undefined;
  readonly seed: number;
  readonly steps: number;
  readonly batch: number;
  readonly accumulate: number;
  readonly network: {
    readonly width?: number | undefined;
    readonly auxiliary?: boolean | undefined;
    readonly depth?: number | undefined;
    readonly finestStride?: 2 | 4 | undefined;
    readonly deepStride?: 8 | 16 | undefined;
  };
  readonly augmentation: Augmentation;
  readonly teacher?: string | undefined;
  readonly losses: readonly LossRecipe[];
  readonly optimiser: OptimiserRecipe;
  readonly rate: {
    readonly base: number;
    readonly schedule: RateSchedule;
    readonly warmUp?: { readonly steps: number; readonly from: number } | undefined;
    readonly factors: readonly { readonly weights: string; readonly factor: number }[];
  };
  readonly clipNorm?: number | undefined;
  readonly average?: number | undefined;
  readonly fixedStatistics: boolean;
  readonly validateEvery?: number | undefined;
  readonly patience?: number | undefined;
}

/** One loss among those that are added up. */
export type LossRecipe = { readonly output: string; readonly weight: number } & (
  | {
      readonly kind: "cross-entropy";
      readonly classWeights?: ClassWeights | undefined;
      readonly labelSmoothing?: number | undefined;
    }
  | {
      readonly kind: "ohem";
      readonly classWeights?: ClassWeights | undefined;
      readonly threshold?: number | undefined;
      readonly oneIn?: number | undefined;
    }
  | { readonly kind: "soft-iou" }
  | { readonly kind: "union-over-intersection" }
  | { readonly kind: "lovasz" }
  | { readonly kind: "distillation"; readonly temperature: number }
);

/** Weights of classes: one for each, or by how rare they are. */
export type ClassWeights = "balanced" | readonly number[];

/** Which optimiser, and how it is set. */
export type OptimiserRecipe =
  | { readonly kind: "sgd"; readonly momentum: number; readonly nesterov: boolean; readonly weightDecay: number }
  | { readonly kind: "adam" | "adamw"; readonly betas: readonly [number, number]; readonly weightDecay: number };

/**
 * A recipe from parsed JSON.
 * @param where its file, for errors
 * @throws ClockworkError `invalid-argument` with the path of what is wrong
 */
export function parseRecipe(json: unknown, where: string): Recipe {
  const parsed = recipeSchema.safeParse(json);
  if (parsed.success) return parsed.data as Recipe;
  const [issue] = parsed.error.issues;
  const path = issue?.path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("") ?? "";
  throw new ClockworkError(
    "invalid-argument",
    `${where}: recipe${path}: ${issue?.message ?? "not a recipe"}; try a recipe of docs/training.md`,
  );
}

/** The schema of recipes as JSON Schema, for editors. */
export function recipeJsonSchema(): unknown {
  return z.toJSONSchema(recipeSchema, { io: "input" });
}
