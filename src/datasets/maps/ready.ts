// The class maps that come with the package, by name. A new one is a file beside this one and a line in the list.

import type { ClassMap } from "../class-map.ts";
import { CITYSCAPES_TO_CAMVID } from "./cityscapes-camvid.ts";
import { VOC_TO_YOUTUBE_OBJECTS } from "./voc-youtube-objects.ts";

/** Class maps that come with the package, by their names: `cityscapes->camvid`. */
export const readyMaps: ReadonlyMap<string, ClassMap> = new Map(
  [CITYSCAPES_TO_CAMVID, VOC_TO_YOUTUBE_OBJECTS].map((map) => [`${map.from}->${map.to}`, map]),
);
