// The network in the box: a model folder that is part of the package, for whoever has none at hand.

import { fileURLToPath } from "node:url";

/**
 * Path of the network in the box, `street`: for streets seen from a car, eleven classes, trained on a synthetic street.
 * What it can do and what not is in docs/street-model.md.
 *
 * @example
 * ```ts
 * import { boxedModel, openSegmenter } from "clockwork-convnets/node";
 * await using segmenter = await openSegmenter({ model: boxedModel, clock: "fixed:3+flow" });
 * ```
 */
export const boxedModel: string = fileURLToPath(new URL("../../models/street", import.meta.url));
