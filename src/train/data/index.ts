// What feeds training, without platform: how samples are varied, in which order they come, and the graph that makes them.

export { augmentModel, ignoreLabel, type AugmentGraphOptions } from "./augment-graph.ts";
export {
  checkAugmentation,
  drawAugmentation,
  sameColours,
  type Augmentation,
  type ColourJitter,
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
export { drawsAt, sampleOrder, type SampleOrder } from "./order.ts";
