// File names of CamVid as stretches of video. Names are `<recording>_<frame number>` or `<recording>_f<frame number>`,
// numbers counting frames of the recording at 30 a second. Most of it is labelled once a second (every 30th frame), part
// of the recording 0016E5 at 15 Hz (every 2nd), and both are in one folder.

/** Frames a second of the recordings, which the numbers count. */
export const CAMVID_FPS = 30;

/** Frames without a break. */
export interface Stretch {
  /** That of its first frame. */
  readonly name: string;
  /** In order; times in seconds from the first. */
  readonly frames: readonly { readonly name: string; readonly timestampSec: number }[];
}

/**
 * Sorts names into stretches.
 *
 * A gap ends a stretch where it is more than twice as long as the shorter of the gaps beside it (the rate changes, or
 * frames are missing), or longer than two seconds (no stretch is that sparse). One missing frame, and a step that is off
 * by a few frames, as there are in the data, end none.
 *
 * @param names of files, without extension.
 * @returns the stretches, and the names that are not CamVid's.
 */
export function stretchesOf(names: readonly string[]): { stretches: Stretch[]; others: string[] } {
  const recordings = new Map<string, { name: string; number: number }[]>();
  const others: string[] = [];
  for (const name of names) {
    const { recording, number } = /^(?<recording>.+)_f?(?<number>\d+)$/u.exec(name)?.groups ?? {};
    if (recording === undefined || number === undefined) {
      others.push(name);
      continue;
    }
    const frames = recordings.get(recording) ?? [];
    frames.push({ name, number: Number(number) });
    recordings.set(recording, frames);
  }
  const stretches: Stretch[] = [];
  for (const frames of recordings.values()) {
    frames.sort((a, b) => a.number - b.number);
    const gaps = frames.slice(1).map(({ number }, index) => number - (frames[index]?.number ?? 0));
    let begin = 0;
    for (let end = 1; end <= frames.length; end++) {
      if (end < frames.length && !isBreak(gaps, end - 1)) continue;
      stretches.push(stretchOf(frames.slice(begin, end)));
      begin = end;
    }
  }
  return { stretches: stretches.filter(({ frames }) => frames.length > 0), others };
}

function isBreak(gaps: readonly number[], at: number): boolean {
  const gap = gaps[at] ?? 0;
  const usual = Math.min(gaps[at - 1] ?? Infinity, gaps[at + 1] ?? Infinity);
  return gap > 2 * usual || gap > 2 * CAMVID_FPS;
}

function stretchOf(frames: readonly { name: string; number: number }[]): Stretch {
  const [first] = frames;
  return {
    name: first?.name ?? "",
    frames: frames.map(({ name, number }) => ({ name, timestampSec: (number - (first?.number ?? 0)) / CAMVID_FPS })),
  };
}
