// Models from disk and from a hub: the names that other folders may use.

export { boxedModel } from "./boxed.ts";
export { defaultCacheFolder } from "./cache-folder.ts";
export { type ModelSource, openModel } from "./folder.ts";
export { downloadModel, type HubModel, type HubOptions, type HubSnapshot, isHubSpec, parseHubSpec } from "./hub.ts";
export type { DownloadProgress } from "./hub-file.ts";
