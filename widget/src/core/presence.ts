/** Whether the device has a network, and when the tab or the network comes back. */

// Far above the pace of the clock that asks, and far below what a server would wait.
const JUMP_MS = 15_000;

/** Calls `changed` when the network goes, and `back` when the network, the tab or a sleeping device is back. */
export function watchPresence(changed: () => void, back: () => void): () => void {
  const seen = () => {
    if (!document.hidden) back();
  };
  const stop: (() => void)[] = [];
  const listen = (target: EventTarget | undefined, type: string, listener: () => void) => {
    target?.addEventListener(type, listener);
    stop.push(() => target?.removeEventListener(type, listener));
  };
  listen(globalThis.window, 'online', back);
  listen(globalThis.window, 'offline', changed);
  listen(globalThis.window, 'pageshow', back);
  listen(globalThis.document, 'visibilitychange', seen);
  return () => stop.forEach((end) => end());
}

/** Tells whether the device says that it has no network. */
export function isOffline(): boolean {
  return globalThis.navigator?.onLine === false;
}

/** Gives a function, to be called at a steady pace, that tells when the device has slept. */
export function sleepDetector(): () => boolean {
  let last = Date.now();
  return () => {
    const now = Date.now();
    const slept = now - last > JUMP_MS && globalThis.document?.hidden !== true;
    last = now;
    return slept;
  };
}
