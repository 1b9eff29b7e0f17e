// A model as a segmentation network at one frame size.

export { measureNodes } from "./measure.ts";
export { fitNetwork, imageDimsOf, networkOf } from "./network.ts";
export type { Network, NetworkOptions } from "./network.ts";
export { sizeText } from "./ports.ts";
export type { ImageInput, Layout, OutputKind, ScoresOutput, Size } from "./ports.ts";
export { bytesOf } from "./probe.ts";
