// Pieces of the page as text that is known to be safe: what comes from data is escaped on its way in.
// Not a template engine: no conditions, no loops; TypeScript has those.

/** Text that may stand in a page as it is. */
export class Markup {
  readonly text: string;

  /** @param text markup that is escaped already */
  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    return this.text;
  }
}

/** What a template takes: strings and numbers are escaped, markup is not, lists are joined. */
export type MarkupValue = string | number | Markup | readonly MarkupValue[];

/** Nothing. */
export const nothing: Markup = new Markup("");

/** Template tag: `` markup`<p>${name}</p>` `` with everything escaped that is not markup itself. */
export function markup(strings: TemplateStringsArray, ...values: readonly MarkupValue[]): Markup {
  return new Markup(strings.map((string, index) => string + textOf(values[index] ?? "")).join(""));
}

/** Escapes text for the inside of elements and of quoted attributes. */
export function escapeText(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

function textOf(value: MarkupValue): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === "string") return escapeText(value);
  if (typeof value === "number") return String(value);
  return value.map(textOf).join("");
}
