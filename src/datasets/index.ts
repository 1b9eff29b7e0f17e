// Everything of this folder that others may use.

export {
  mapClasses,
  NO_CLASS,
  parseClassMap,
  type ClassMap,
  type ClassMapping,
  type MappedClasses,
} from "./class-map.ts";
export type { Dataset, FrameRange, LabelledFrame, Sequence } from "./dataset.ts";
export type { Layout, OpenDatasetOptions, Recognition } from "./layout.ts";
export { layoutNamed, layouts } from "./layouts.ts";
export { readyMaps } from "./maps/ready.ts";
export { openDataset, type OpenFolderOptions } from "./open.ts";
export { sequenceOf, type SequenceItem } from "./sequence.ts";
export { streetDataset } from "./street.ts";
export { parseViewport, translatingViewport, type ViewportOptions } from "./viewport.ts";
