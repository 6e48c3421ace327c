/** Whether the device has a network, and when the tab or the network comes back. */

const TICK_MS = 500;
// Far above the pace of the clock, and far below what a server would wait.
const JUMP_MS = 15_000;

/** What is told of the device. */
export interface PresenceEvents {
  /** The clock of everything that depends on time. */
  tick(): void;
  /** The network went. */
  changed(): void;
  /** The network, the tab or a sleeping device is back. */
  back(): void;
}

/** Watches until the function that it returns is called. */
export function watchPresence(on: PresenceEvents): () => void {
  let last = Date.now();
  const isSeen = () => globalThis.document?.hidden !== true;
  const ticking = setInterval(() => {
    const now = Date.now();
    if (now - last > JUMP_MS && isSeen()) on.back();
    last = now;
    on.tick();
  }, TICK_MS);
  const seen = () => {
    if (isSeen()) on.back();
  };
  const heard: [EventTarget | undefined, string, () => void][] = [
    [globalThis.window, 'online', on.back],
    [globalThis.window, 'offline', on.changed],
    [globalThis.window, 'pageshow', on.back],
    [globalThis.document, 'visibilitychange', seen],
  ];
  for (const [target, type, listener] of heard) target?.addEventListener(type, listener);
  return () => {
    clearInterval(ticking);
    for (const [target, type, listener] of heard) target?.removeEventListener(type, listener);
  };
}

/** Tells whether the device says that it has no network. */
export function isOffline(): boolean {
  return globalThis.navigator?.onLine === false;
}
