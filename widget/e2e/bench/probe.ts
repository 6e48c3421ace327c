/**
 * What is measured in the page: from a frame's arrival to its paint, and tasks that are too long.
 */
import type { Page } from 'playwright-core';

/** Milliseconds. */
export interface PaintTimes {
  readonly painted: readonly number[];
  readonly longTasks: readonly number[];
}

/** Installs the probe. Must be called before the page is loaded. */
export async function install(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const painted: number[] = [];
    const longTasks: number[] = [];
    const probed = { painted, longTasks, since: 0 };
    Object.assign(globalThis, { probed });
    // Entries are delivered late, so the start of a task decides which measurement it belongs to.
    const note = ({ startTime, duration }: PerformanceEntry) =>
      startTime >= probed.since && longTasks.push(duration);
    new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({
      type: 'longtask',
    });
    // A message posted from an animation frame is delivered after that frame was painted.
    const channel = new MessageChannel();
    channel.port1.onmessage = ({ data }) => painted.push(performance.now() - (data as number));
    globalThis.WebSocket = class extends WebSocket {
      constructor(url: string | URL) {
        super(url);
        this.addEventListener('message', ({ data }) => {
          if (!String(data).includes('TEXT_MESSAGE_CONTENT')) return;
          const at = performance.now();
          requestAnimationFrame(() => channel.port2.postMessage(at));
        });
      }
    };
  });
}

/** Returns the measurements so far, and starts new ones. */
export function take(page: Page): Promise<PaintTimes> {
  return page.evaluate(() => {
    const { probed } = globalThis as unknown as {
      probed: { painted: number[]; longTasks: number[]; since: number };
    };
    probed.since = performance.now();
    return { painted: probed.painted.splice(0), longTasks: probed.longTasks.splice(0) };
  });
}
