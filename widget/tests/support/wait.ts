/** Waits for what a test is about, never for time to pass. */

/** Resolves once `is` gives something true, with it; rejects after `ms` with `what`. */
export async function waitUntil<T>(
  what: string,
  is: () => T | Promise<T>,
  ms = 20_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await is();
    if (found) return found as NonNullable<T>;
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A storage that two clients can share, as tabs do. */
export function sharedStorage() {
  const values = new Map<string, string>();
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  };
}
