// Bytes as `data:` addresses, so that pictures travel inside the page. Base64 as RFC 4648, section 4, on what every
// platform has.

import { ClockworkError } from "../errors.ts";

/** An encoded picture. */
export interface Picture {
  /** `image/png`, `image/jpeg`, `image/webp` and so on. */
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** Bytes that are handed over at once: below the limit of arguments of a call, and a multiple of 3. */
const chunk = 24_576;

/**
 * A picture as a `data:` address.
 * @throws ClockworkError `invalid-argument` for a media type that is no picture's
 */
export function dataUri(picture: Picture): string {
  if (!/^image\/[a-z0-9.+-]+$/.test(picture.mediaType)) {
    throw new ClockworkError(
      "invalid-argument",
      `report: expected pictures with a media type like image/png, got "${picture.mediaType}"`,
    );
  }
  const parts: string[] = [];
  for (let from = 0; from < picture.bytes.length; from += chunk) {
    parts.push(btoa(String.fromCharCode(...picture.bytes.subarray(from, from + chunk))));
  }
  return `data:${picture.mediaType};base64,${parts.join("")}`;
}
