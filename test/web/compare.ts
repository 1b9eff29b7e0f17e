// How far the outputs of two runtimes may be apart.

import type { Drive, FrameResult, Stream } from "./streams.ts";

/** Most difference of floats, by what an output's name ends in: the first that fits. */
const tolerances: readonly { readonly of: RegExp; readonly most: number; readonly relative?: true }[] = [
  // In halves of the picture: 2e-5 is 0.005 px at 480 px of width.
  { of: /^flow$/, most: 2e-5 },
  // Flow and, as the third channel, a share that is as steep as the map is wide.
  { of: /^path$|\/chain$/, most: 2e-4 },
  // Measured on the first frame against a memory of zeros, by which it divides.
  { of: /^signal$/, most: 1e-5, relative: true },
  { of: /logits$|\/kept$/, most: 1e-4 },
];

/** All other maps: luma, what is moved. */
const usual = 2e-5;

/** Largest share of the labels of a frame that may differ. */
const labelShare = 0.001;

/** Differences that are too large, one line each; none where two runtimes agree. */
export function disagreements(stream: Stream, ours: Drive, theirs: Drive): string[] {
  const found: string[] = [];
  if (ours.frames.length !== theirs.frames.length)
    found.push(`${ours.frames.length} frames of ${theirs.frames.length}`);
  for (const [index, frame] of theirs.frames.entries()) {
    for (const name of stream.compared) {
      const [got, expected] = [ours.frames[index]?.[name], frame[name]];
      const problem = got === undefined || expected === undefined ? "is missing" : differs(name, got, expected);
      if (problem !== undefined) found.push(`frame ${index}, ${name}: ${problem}`);
    }
  }
  return found;
}

type Output = FrameResult[string];

function differs(name: string, got: Output, expected: Output): string | undefined {
  if (got.dims.join() !== expected.dims.join()) return `[${got.dims.join()}] is not [${expected.dims.join()}]`;
  const count = expected.data.length;
  if (got.data.length !== count) return `${got.data.length} elements are not ${count}`;
  if (expected.data instanceof Float32Array) {
    const { most, relative = false } = tolerances.find(({ of }) => of.test(name)) ?? { most: usual };
    let apart = 0;
    for (let at = 0; at < count; at++) {
      const distance = Math.abs(Number(got.data[at]) - Number(expected.data[at]));
      const share = relative ? distance / Math.max(1, Math.abs(Number(expected.data[at]))) : distance;
      if (Number.isNaN(share)) return "is not a number in places";
      apart = Math.max(apart, share);
    }
    return apart <= most ? undefined : `${apart} apart, at most ${most} expected`;
  }
  let different = 0;
  for (let at = 0; at < count; at++) if (Number(got.data[at]) !== Number(expected.data[at])) different++;
  const isMap = name.endsWith("labels");
  return different <= (isMap ? labelShare * count : 0) ? undefined : `${different} of ${count} differ`;
}

/** Whether a stream shows anything: flow that is not zero, and labels that are neither all the same nor at rest. */
export function isTelling(stream: Stream, { frames }: Drive): boolean {
  const maps = stream.compared.filter((name) => name.endsWith("labels"));
  const floats = stream.compared.filter((name) => /^path$|\/chain$/.test(name));
  const moves = floats.every((name) =>
    frames.some((frame) =>
      Array.from(frame[name]?.data ?? []).some(
        (value, at, all) => at < all.length / 3 && Math.abs(Number(value)) > 0.03,
      ),
    ),
  );
  const labels = maps.every((name) => {
    const all = frames.map((frame) => Array.from(frame[name]?.data ?? [], Number));
    return new Set(all.flat()).size > 2 && all.every((map, at) => at === 0 || map.join() !== all[at - 1]?.join());
  });
  return floats.length > 0 && moves && labels;
}
