// How a stored picture must be turned to stand upright, from the display matrix of a stream or a photo.
// Right angles and mirrors only; any other angle is left as it is, as most players do.
// Matrix layout: FFmpeg's libavutil/display.h, nine 32 bit integers [a b u; c d v; x y w].

/** A picture as stored, turned to what a viewer shall see. */
export interface Orientation {
  /** Filters of FFmpeg to apply in turn; empty where the picture is upright already. */
  readonly filters: readonly string[];
  /** True where width and height change places. */
  readonly swapsSides: boolean;
}

/** No turn at all. */
export const UPRIGHT: Orientation = { filters: [], swapsSides: false };

/**
 * The orientation that a display matrix asks for.
 *
 * @param matrix side data of type "display matrix", 36 bytes of the machine's order.
 */
export function orientationOf(matrix: Uint8Array | null): Orientation {
  if (matrix === null || matrix.byteLength < 36) return UPRIGHT;
  const view = new DataView(matrix.buffer, matrix.byteOffset, matrix.byteLength);
  const at = (index: number): number => view.getInt32(index * 4, LITTLE_ENDIAN);
  // x' = a x + c y and y' = b x + d y, with y pointing down.
  const [a, b, c, d] = [at(0), at(1), at(3), at(4)];
  if (Math.abs(a) > 8 * Math.abs(b) && Math.abs(d) > 8 * Math.abs(c)) {
    const filters = [...(a < 0 ? ["hflip"] : []), ...(d < 0 ? ["vflip"] : [])];
    return { filters, swapsSides: false };
  }
  if (Math.abs(b) > 8 * Math.abs(a) && Math.abs(c) > 8 * Math.abs(d)) {
    const direction = c < 0 ? (b > 0 ? "clock" : "clock_flip") : b < 0 ? "cclock" : "cclock_flip";
    return { filters: [`transpose=${direction}`], swapsSides: true };
  }
  return UPRIGHT;
}

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
