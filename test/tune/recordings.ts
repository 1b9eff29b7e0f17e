// Recordings without a video: label maps of which some positions change from frame to frame.

import { seeded, type LabelMap, type Recording } from "../../src/tune/index.ts";

/** A scene of `positions` labels that drifts, at a speed that rises and falls, with a new scene on each shot. */
export function drift(options: {
  readonly frames: number;
  readonly positions: number;
  readonly seed: number;
  readonly shots?: readonly number[];
  readonly wide?: boolean;
}): Recording {
  const { frames, positions, seed, shots = [], wide = false } = options;
  const random = seeded(seed);
  const label = (): number => Math.floor(random() * 7);
  let scene = Array.from({ length: positions }, label);
  const maps: LabelMap[] = [];
  for (let t = 0; t < frames; t++) {
    if (shots.includes(t)) scene = scene.map(label);
    const speed = 0.04 * (1 + Math.sin(t / 9)) ** 2 * random();
    scene = scene.map((value) => (random() < speed ? label() : value));
    maps.push(wide ? Int32Array.from(scene, (value) => value + 300) : Uint8Array.from(scene));
  }
  return { signals: [{ kind: "labels" }], maps: [maps], shots: maps.map((_, t) => shots.includes(t)) };
}

/** A scene that comes and goes: what moved away returns, so an old frame may be like the present one. */
export function sway(options: {
  readonly frames: number;
  readonly positions: number;
  readonly seed: number;
}): Recording {
  const { frames, positions, seed } = options;
  const random = seeded(seed);
  const places = Array.from({ length: positions }, () => ({ phase: random(), pace: 4 + Math.floor(random() * 3) }));
  const maps = Array.from({ length: frames }, (_, t) =>
    Uint8Array.from(places, ({ phase, pace }) => Number(Math.sin(2 * Math.PI * (t / pace + phase)) > 0.3)),
  );
  return { signals: [{ kind: "labels" }], maps: [maps], shots: maps.map(() => false) };
}
