// Where things went: optical flow and warping as pieces of graphs.

export { defaultMatchOptions, matchGraph, matchModel, matchScale } from "./block-matching.ts";
export type { MatchInputs, MatchOptions, MatchTensors } from "./block-matching.ts";
export { blendGraph, keptDims } from "./blend.ts";
export type { BlendInputs } from "./blend.ts";
export { codecFlow } from "./codec-flow.ts";
export type { CodecFlow } from "./codec-flow.ts";
export { arrivingGraph, composeGraph, pathDims, restartGraph } from "./compose.ts";
export type { ComposeInputs, PathTensors } from "./compose.ts";
export { gridGraph } from "./grid.ts";
export type { GridInputs, SampledMap } from "./grid.ts";
export { coveredPx, defaultFlowOptions, flowScale, mapSize } from "./levels.ts";
export type { FlowLevel, FlowOptions, FlowScale, LevelWork, PictureSize } from "./levels.ts";
export { frameLuma, imageLuma, lumaWeights } from "./luma.ts";
export type { FrameLuma, ImageLuma } from "./luma.ts";
export { mismatchGraph } from "./mismatch.ts";
export type { MismatchInputs } from "./mismatch.ts";
export { flowGraph } from "./lucas-kanade.ts";
export type { FlowInputs, FlowTensors } from "./lucas-kanade.ts";
export { matchedPlaces } from "./matched-places.ts";
export type { Matches } from "./matched-places.ts";
export { motionPrefix } from "./nodes.ts";
export { labelWarpGraph, warpGraph } from "./warp.ts";
export type { LabelWarpInputs, WarpInputs } from "./warp.ts";
