/** Whether the device is online, and when the tab, the network or the device comes back. */

const TICK_MS = 500;
// A timer that is this late means that the device was asleep: far more than the tick or a throttled
// background tab explains, and far less than the server keeps a dead connection.
const CLOCK_JUMP_MS = 15_000;

/** Callbacks of `watchDevice`. */
export interface DeviceEvents {
  /** Called twice a second; drives everything that depends on time. */
  tick(): void;
  /** The device went offline. */
  changed(): void;
  /** The network, the tab or a sleeping device is back. */
  back(): void;
}

/** Watches the device until the returned function is called. */
export function watchDevice(on: DeviceEvents): () => void {
  let last = Date.now();
  const isSeen = () => globalThis.document?.hidden !== true;
  const ticking = setInterval(() => {
    const now = Date.now();
    if (now - last > CLOCK_JUMP_MS && isSeen()) on.back();
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

/** Returns whether the device reports that it is offline. */
export function isOffline(): boolean {
  return globalThis.navigator?.onLine === false;
}
