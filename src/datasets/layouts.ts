// All layouts that are read, in the order in which they are shown: an explicit list, and no registry to add to.

import { ClockworkError } from "../errors.ts";
import { camvidFull32Layout, camvidFullLayout } from "./camvid-full.ts";
import { camvidLayout } from "./camvid.ts";
import { cityscapesLayout } from "./cityscapes.ts";
import { davis2016Layout, davis2017Layout } from "./davis.ts";
import { folderLayout } from "./folder.ts";
import type { Layout } from "./layout.ts";
import { nyudv2Layout } from "./nyudv2.ts";
import { videoLayout } from "./video.ts";
import { vocLayout } from "./voc.ts";
import { vspwLayout } from "./vspw.ts";
import { youtubeObjectsLayout } from "./youtube-objects.ts";

/** All layouts. */
export const layouts: readonly Layout[] = [
  camvidLayout,
  camvidFullLayout,
  camvidFull32Layout,
  cityscapesLayout,
  nyudv2Layout,
  youtubeObjectsLayout,
  vocLayout,
  davis2016Layout,
  davis2017Layout,
  vspwLayout,
  folderLayout,
  videoLayout,
];

/** @throws {ClockworkError} `invalid-argument` for a name that no layout has, with those there are. */
export function layoutNamed(name: string): Layout {
  const layout = layouts.find((candidate) => candidate.name === name);
  if (layout !== undefined) return layout;
  const names = layouts.map((candidate) => candidate.name).join(", ");
  throw new ClockworkError("invalid-argument", `dataset: expected one of ${names}, got "${name}"`);
}
