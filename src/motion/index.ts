// Where things went: optical flow and warping as pieces of graphs.

export { composeGraph, pathDims } from "./compose.ts";
export type { ComposeInputs, PathTensors } from "./compose.ts";
export { gridGraph } from "./grid.ts";
export type { GridInputs, SampledMap } from "./grid.ts";
export { coveredPx, defaultFlowOptions, flowScale } from "./levels.ts";
export type { FlowLevel, FlowOptions, FlowScale, LevelWork, PictureSize } from "./levels.ts";
export { frameLuma, imageLuma, lumaWeights } from "./luma.ts";
export type { FrameLuma, ImageLuma } from "./luma.ts";
export { flowGraph } from "./lucas-kanade.ts";
export type { FlowInputs, FlowTensors } from "./lucas-kanade.ts";
export { motionPrefix } from "./nodes.ts";
export { labelWarpGraph, warpGraph } from "./warp.ts";
export type { LabelWarpInputs, WarpInputs } from "./warp.ts";
