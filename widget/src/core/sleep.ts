/** Delays between attempts. They can be cut short when the network or the tab comes back. */
import type { ChatError } from './error.js';

/** Creates delays that one call to `wakeAll()` ends. */
export function createSleeper() {
  const waiting = new Set<() => void>();
  return {
    /** Resolves after `ms` milliseconds, or at the next `wakeAll()` unless `canWake` is false. */
    sleep(ms: number, canWake = true): Promise<void> {
      return new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        if (canWake) waiting.add(done);
      });
    },
    wakeAll(): void {
      for (const done of [...waiting]) done();
    },
  };
}

/** See `createSleeper`. */
export type Sleeper = ReturnType<typeof createSleeper>;

/**
 * Returns how long to wait before the next attempt, in milliseconds.
 *
 * The delay doubles with each failed attempt, counted from 0, up to `max`. Half of it is random, so
 * that clients which lost the same server do not all come back in the same moment. A `Retry-After`
 * of the server is a lower limit: coming back sooner would only be refused again.
 */
export function retryDelay(
  error: ChatError | null,
  attempt: number,
  first: number,
  max: number,
): number {
  const jitter = 0.5 + Math.random() / 2;
  return Math.max(error?.retryAfterMs ?? 0, Math.min(max, first * 2 ** attempt) * jitter);
}
