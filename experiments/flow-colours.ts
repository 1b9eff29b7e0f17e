// Pictures of motion: flow in the colour wheel of Baker et al., A Database and Evaluation Methodology for Optical Flow
// (IJCV 2011), shares as grey, labels over a frame.

import type { Frame, LabelMap } from "../src/index.ts";

/** Colours of the wheel between its six corners, evenly spread, so many after each corner. */
const corners: readonly (readonly [steps: number, red: number, green: number, blue: number])[] = [
  [15, 255, 0, 0],
  [6, 255, 255, 0],
  [4, 0, 255, 0],
  [11, 0, 255, 255],
  [13, 0, 0, 255],
  [6, 255, 0, 255],
];

const wheel: readonly (readonly [number, number, number])[] = corners.flatMap(([steps, ...from], place) => {
  const [, ...to] = corners[(place + 1) % corners.length] ?? [0, 0, 0, 0];
  return Array.from({ length: steps }, (_, step): [number, number, number] => {
    const mixed = from.map((level, channel) => level + ((to[channel] ?? 0) - level) * (step / steps));
    return [mixed[0] ?? 0, mixed[1] ?? 0, mixed[2] ?? 0];
  });
});

/**
 * Flow as colours: the hue says where things go, the strength how fast, white is still, dark is beyond `mostPx`.
 * @param flow pixels, [2, heightPx, widthPx], from this frame back to the one before; things go the other way
 */
export function flowPicture(
  flow: Float32Array,
  { widthPx, heightPx }: { readonly widthPx: number; readonly heightPx: number },
  mostPx: number,
): Frame {
  const count = widthPx * heightPx;
  const data = new Uint8Array(3 * count);
  for (let at = 0; at < count; at++) {
    const x = -(flow[at] ?? 0);
    const y = -(flow[count + at] ?? 0);
    const radius = Math.hypot(x, y) / mostPx;
    const place = ((Math.atan2(-y, -x) / Math.PI + 1) / 2) * wheel.length;
    const share = place - Math.floor(place);
    const [from, to] = [wheel[Math.floor(place) % wheel.length], wheel[(Math.floor(place) + 1) % wheel.length]];
    for (let channel = 0; channel < 3; channel++) {
      const pure = (1 - share) * (from?.[channel] ?? 0) + share * (to?.[channel] ?? 0);
      data[3 * at + channel] = Math.round(radius <= 1 ? 255 - radius * (255 - pure) : 0.75 * pure);
    }
  }
  return { data, widthPx, heightPx, timestampSec: 0 };
}

/** The wheel itself: what direction and speed have which colour. */
export function wheelPicture(edgePx: number): Frame {
  const count = edgePx * edgePx;
  const half = edgePx / 2;
  const flow = Float32Array.from(
    { length: 2 * count },
    (_, at) => half - 0.5 - (at < count ? at % edgePx : Math.floor((at - count) / edgePx)),
  );
  const picture = flowPicture(flow, { widthPx: edgePx, heightPx: edgePx }, half);
  for (let at = 0; at < count; at++) {
    if (Math.hypot(flow[at] ?? 0, flow[count + at] ?? 0) > half) picture.data.fill(255, 3 * at, 3 * at + 3);
  }
  return picture;
}

/** Shares 0..1 as grey. */
export function sharePicture(
  shares: Float32Array,
  { widthPx, heightPx }: { readonly widthPx: number; readonly heightPx: number },
): Frame {
  const data = Uint8Array.from({ length: 3 * widthPx * heightPx }, (_, at) =>
    Math.round(255 * Math.max(0, Math.min(1, shares[Math.floor(at / 3)] ?? 0))),
  );
  return { data, widthPx, heightPx, timestampSec: 0 };
}

/** Labels in their colours over a frame. @param palette RGB triplets by class */
export function labelPicture(frame: Frame, { data }: LabelMap, palette: Uint8Array, strength = 0.65): Frame {
  return {
    ...frame,
    data: frame.data.map((level, at) =>
      Math.round((1 - strength) * level + strength * (palette[3 * (data[Math.floor(at / 3)] ?? 0) + (at % 3)] ?? 0)),
    ),
  };
}

/** Pictures of one size beside each other, in rows. */
export function montage(pictures: readonly Frame[], columns: number): Frame {
  const { widthPx = 0, heightPx = 0 } = pictures[0] ?? {};
  const [width, height] = [columns * widthPx, Math.ceil(pictures.length / columns) * heightPx];
  const data = new Uint8Array(3 * width * height);
  for (const [place, picture] of pictures.entries()) {
    const [left, top] = [(place % columns) * widthPx, Math.floor(place / columns) * heightPx];
    for (let row = 0; row < heightPx; row++) {
      data.set(picture.data.subarray(3 * row * widthPx, 3 * (row + 1) * widthPx), 3 * ((top + row) * width + left));
    }
  }
  return { data, widthPx: width, heightPx: height, timestampSec: 0 };
}
