// A section of the page: heading, what is to be seen, and its content. Also the box that a wide table scrolls in.

import type { Markup } from "./markup.ts";
import { markup } from "./markup.ts";

/** A part of the page that its table of contents names. */
export interface Section {
  /** Name for links within the page: lower-case letters and hyphens. */
  readonly id: string;
  readonly title: string;
  readonly content: Markup;
}

/** A section as it stands on the page. */
export function showSection({ id, title, content }: Section): Markup {
  return markup`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${content}
</section>
`;
}

/** A table in a box that scrolls by itself, and is wider than the text where the window is; `name` is what is heard. */
export function scrollingTable(name: string, table: Markup): Markup {
  return markup`<div class="scroll roomy" role="region" tabindex="0" aria-label="${name}, table">${table}</div>`;
}
