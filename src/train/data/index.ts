// What feeds training, without platform: how samples are varied, in which order they come, and the graph that makes them.

export { augmentModel, ignoreLabel, transformFeeds, type AugmentGraphOptions } from "./augment-graph.ts";
export {
  checkAugmentation,
  drawAugmentation,
  sameColours,
  type Augmentation,
  type Blur,
  type ColourJitter,
  type Noise,
  type Range,
  type Transform,
} from "./augmentation.ts";
export {
  checkClip,
  drawClip,
  stillClip,
  type Clip,
  type ClipAnchor,
  type DatasetSource,
  type Sample,
} from "./clips.ts";
export { drawNoise } from "./noise.ts";
export { drawsAt, sampleOrder, type SampleOrder } from "./order.ts";
