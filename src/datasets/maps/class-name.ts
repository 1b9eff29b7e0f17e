// Names of classes compared as people write them: `traffic light`, `Traffic_Light` and `traffic-light` are one.

/** A name without case, spaces, hyphens and underscores. */
export function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]+/gu, "");
}

/** The name that takes the fewest changes of letters; `undefined` where none is near. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const plain = plainName(name);
  let nearest: string | undefined;
  // More than half of the letters changed is another word.
  let least = Math.floor(plain.length / 2) + 1;
  for (const other of names) {
    const changes = changesBetween(plain, plainName(other));
    if (changes >= least) continue;
    least = changes;
    nearest = other;
  }
  return nearest;
}

/** Letters to insert, delete or replace (Levenshtein). */
function changesBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
