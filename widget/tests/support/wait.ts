/** Waiting for conditions instead of fixed times. */

/** Resolves with the first truthy value of `condition`; rejects after `ms`, naming `what`. */
export async function waitUntil<T>(
  what: string,
  condition: () => T | Promise<T>,
  ms = 20_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + ms;
  for (;;) {
    const found = await condition();
    if (found) return found as NonNullable<T>;
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Storage that two clients can share, like tabs. */
export function sharedStorage() {
  const values = new Map<string, string>();
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  };
}
