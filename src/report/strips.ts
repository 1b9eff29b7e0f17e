// Frames to look at: what went in, what the oracle made of it, what the schedule did, and where the two differ.

import { dataUri, type Picture } from "./data-uri.ts";
import type { NamedRun } from "./family.ts";
import { count, percent } from "./figures.ts";
import { type Markup, markup } from "./markup.ts";
import type { Section } from "./section.ts";

/** One frame under one schedule, as pictures. */
export interface Strip {
  /** The schedule, as in `EvaluationRun.clock`. */
  readonly clock: string;
  /** Which of the schedule's frames this is, by agreement with the oracle. */
  readonly kind: "worst" | "median" | "best";
  readonly frameName: string;
  /** Name of the frame's sequence. */
  readonly sequence: string;
  /** Index of the frame over all frames in order, as in `EvaluationRun.worstFrame`. */
  readonly index: number;
  /** Percent of the pixels whose label is the oracle's. */
  readonly agreement: number;
  readonly pictures: {
    readonly input: Picture;
    readonly oracle: Picture;
    readonly ours: Picture;
    /** Where `ours` is not `oracle`. */
    readonly difference: Picture;
  };
}

const kinds = ["worst", "median", "best"] as const;

/** The frames, schedule by schedule as the evaluation has them; `null` where there are none. */
export function stripSection(strips: readonly Strip[], runs: readonly NamedRun[]): Section | null {
  if (strips.length === 0) return null;
  const clocks = [...new Set([...runs.map(({ run }) => run.clock), ...strips.map(({ clock }) => clock)])];
  const groups = clocks.flatMap((clock) => {
    const own = kinds.flatMap((kind) => strips.filter((strip) => strip.clock === clock && strip.kind === kind));
    return own.length === 0 ? [] : [markup`<h3><code>${clock}</code></h3>\n${own.map(figureOf)}`];
  });
  return { id: "frames", title: "Worst, median and best frames", content: markup`${groups}` };
}

function figureOf(strip: Strip): Markup {
  const where = `${strip.sequence}, ${strip.frameName}`;
  const parts = [
    { title: "input", alt: `Frame ${where}`, picture: strip.pictures.input },
    { title: "oracle", alt: `Labels of the oracle on ${where}`, picture: strip.pictures.oracle },
    { title: "ours", alt: `Labels of ${strip.clock} on ${where}`, picture: strip.pictures.ours },
    {
      title: "difference",
      alt: `Where labels of ${strip.clock} differ from the oracle's on ${where}`,
      picture: strip.pictures.difference,
    },
  ];
  const images = parts.map(
    ({ title, alt, picture }) =>
      markup`<div><img src="${dataUri(picture)}" alt="${alt}" decoding="async"><small>${title}</small></div>`,
  );
  return markup`<figure class="strip"><div class="pictures">${images}</div><figcaption><strong>${strip.kind}</strong>: ${where} (frame ${count(strip.index)} of all), agreement ${percent(strip.agreement)} %</figcaption></figure>
`;
}
