// What shows the same in two frames that follow each other, for temporal consistency. The contract only: how it is found
// is no matter here, but it must not be the flow that labels are moved along by the schedules that are judged.

import type { Frame } from "../frame.ts";

/** Finds correspondence between frames. */
export interface FrameMatcher {
  /**
   * For each pixel of a frame the index, in the frame before, of what it shows, row by row: [heightPx, widthPx]; -1 for
   * none. `undefined` where the two do not belong together: after a change of shot, or of size.
   */
  match(frame: Frame, before: Frame): Promise<Int32Array | undefined>;
}
