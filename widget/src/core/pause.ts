/** Waits that can be cut short, because the network or the tab is back. */
export function createPauses() {
  const waiting = new Set<() => void>();
  return {
    /** Waits so many milliseconds, or until `hurry()` where that is allowed. */
    sleep(ms: number, hurries = true): Promise<void> {
      return new Promise((resolve) => {
        const done = () => {
          clearTimeout(timer);
          waiting.delete(done);
          resolve();
        };
        const timer = setTimeout(done, ms);
        if (hurries) waiting.add(done);
      });
    },
    hurry(): void {
      for (const done of [...waiting]) done();
    },
  };
}

/** See `createPauses`. */
export type Pauses = ReturnType<typeof createPauses>;

/** Gives a jittered pause that doubles with each try, from 0 on, in milliseconds. */
export function backoff(tries: number, first: number, longest: number): number {
  return Math.min(longest, first * 2 ** tries) * (0.5 + Math.random() / 2);
}
