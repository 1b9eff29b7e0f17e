// Values of unknown JSON, with the path at which they stand: reads that check, and errors that name the path.

import { ClockworkError } from "../errors.ts";

/** A value and where it stands, as in `schedule.signal.weights[3]`. */
export class JsonValue {
  readonly value: unknown;
  /** Empty for the whole file. */
  readonly path: string;
  readonly #where: string;

  /** @param where what to call the file in errors */
  constructor(value: unknown, where: string, path = "") {
    this.value = value;
    this.path = path;
    this.#where = where;
  }

  /** A field of an object. */
  field(name: string): JsonValue {
    const { value } = this;
    if (typeof value !== "object" || value === null || Array.isArray(value)) this.fail("an object");
    const inner: unknown = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
    return new JsonValue(inner, this.#where, this.path === "" ? name : `${this.path}.${name}`);
  }

  has(name: string): boolean {
    return this.field(name).value !== undefined;
  }

  items(): readonly JsonValue[] {
    const { value } = this;
    if (!Array.isArray(value)) this.fail("a list");
    return value.map((item: unknown, index) => new JsonValue(item, this.#where, `${this.path}[${index}]`));
  }

  text(): string {
    return typeof this.value === "string" ? this.value : this.fail("a text");
  }

  /** A number that is finite. */
  number(): number {
    const { value } = this;
    return typeof value === "number" && Number.isFinite(value) ? value : this.fail("a number");
  }

  /** A whole number from `least`. */
  count(least: number): number {
    const value = this.number();
    return Number.isInteger(value) && value >= least ? value : this.fail(`a whole number from ${least}`);
  }

  share(): number {
    const value = this.number();
    return value >= 0 && value <= 1 ? value : this.fail("a share from 0 to 1");
  }

  numbers(): readonly number[] {
    return this.items().map((item) => item.number());
  }

  oneOf<Name extends string>(...names: readonly Name[]): Name {
    return (
      names.find((name) => name === this.value) ?? this.fail(names.map((name) => JSON.stringify(name)).join(" or "))
    );
  }

  fail(expected: string): never {
    const shown = this.value === undefined ? "nothing" : JSON.stringify(this.value);
    const got = shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
    const at = this.path === "" ? "" : ` "${this.path}" to be`;
    throw new ClockworkError(
      "invalid-argument",
      `${this.#where}: expected${at} ${expected}, got ${got}; try \`clockwork tune\` again`,
    );
  }
}
