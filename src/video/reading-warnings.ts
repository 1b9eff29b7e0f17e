// What went wrong while a video was read, put into sentences with numbers.
// Counts nothing itself: the decoder and the reader do.

import type { SourceFacts } from "./packet-source.ts";

/** What a reader keeps count of. */
export interface ReadingState {
  frames: number;
  /** Timestamp of the last frame, in seconds. */
  lastSec: number | undefined;
  /** Image files that became frames. */
  readonly namesSeen: Set<string>;
  /** Timestamps that did not grow. */
  backwards: number;
  readonly isHdr: boolean;
  /** True once the last frame has come. */
  ended: boolean;
}

/** How many file names a sentence lists. */
const MAX_NAMES = 3;

/** All warnings so far; those about missing frames only once the source has ended. */
export function readingWarnings(
  state: ReadingState,
  decoder: { readonly undecodable: number; readonly damaged: number },
  facts: SourceFacts,
  sourceWarnings: readonly string[],
): string[] {
  const about =
    facts.frameCountEstimate === undefined
      ? "the frames"
      : facts.names === undefined
        ? `about ${facts.frameCountEstimate} frames`
        : `${facts.frameCountEstimate} images`;
  const warnings = [...sourceWarnings];
  if (facts.names !== undefined) {
    if (state.ended) warnings.push(...missingImages(facts.names, state.namesSeen));
  } else if (decoder.undecodable > 0) {
    warnings.push(`${decoder.undecodable} of ${about} could not be decoded`);
  }
  if (decoder.damaged > 0) {
    warnings.push(`${decoder.damaged} of ${about} are damaged, and shown as far as they go`);
  }
  if (state.backwards > 0) {
    warnings.push(`${state.backwards} timestamps did not grow, and were moved on by one frame`);
  }
  if (state.isHdr) {
    warnings.push("the video is HDR and is read without tone mapping: colours will look pale");
  }
  const short = shortEnd(state, facts);
  if (short !== undefined) warnings.push(short);
  return warnings;
}

function missingImages(names: readonly string[], seen: ReadonlySet<string>): string[] {
  const missing = names.filter((name) => !seen.has(name));
  if (missing.length === 0) return [];
  const more = missing.length > MAX_NAMES ? ", ..." : "";
  const listed = missing.slice(0, MAX_NAMES).join(", ").concat(more);
  return [`${missing.length} of ${names.length} images could not be decoded: ${listed}`];
}

/** FFmpeg ends truncated files as if they were whole: only the clock tells. */
function shortEnd(state: ReadingState, facts: SourceFacts): string | undefined {
  const { durationSec, frameRate, names } = facts;
  if (!state.ended || names !== undefined) return undefined;
  if (durationSec === undefined || state.lastSec === undefined) return undefined;
  const endSec = state.lastSec + 1 / frameRate;
  if (durationSec - endSec <= Math.max(0.25, 3 / frameRate)) return undefined;
  return `ends at ${endSec.toFixed(1)} s of ${durationSec.toFixed(1)} s: the file is truncated, or its last part is damaged`;
}
