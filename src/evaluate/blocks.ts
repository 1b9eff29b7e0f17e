// Frames in blocks: every schedule goes through a block before the next block is read. So frames are decoded once for
// all schedules, times are taken close to each other, and memory is bounded.

import type { LabelledFrame } from "../datasets/dataset.ts";

/** Most frames and bytes of a block. */
const limits = { frames: 32, bytes: 32 * 2 ** 20 } as const;

/** Cuts frames into blocks and reads the next block while one is worked on. */
export async function* blocksOf(frames: AsyncIterable<LabelledFrame>): AsyncGenerator<readonly LabelledFrame[], void> {
  const source = frames[Symbol.asyncIterator]();
  const readBlock = async (): Promise<readonly LabelledFrame[]> => {
    const block: LabelledFrame[] = [];
    let bytes = 0;
    while (block.length < limits.frames && bytes < limits.bytes) {
      const { done, value } = await source.next();
      if (done === true) break;
      block.push(value);
      bytes += value.frame.data.length;
    }
    return block;
  };
  let next = readBlock();
  try {
    for (;;) {
      const block = await next;
      if (block.length === 0) return;
      next = readBlock();
      // A failure is seen when its turn comes.
      next.catch(() => undefined);
      yield block;
    }
  } finally {
    await next.catch(() => undefined);
    await source.return?.();
  }
}
