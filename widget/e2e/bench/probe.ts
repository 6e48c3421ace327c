/**
 * What is measured in the page: from a frame's arrival to its paint, and tasks that are too long.
 */
import type { Page } from 'playwright-core';

/** Milliseconds. */
export interface PaintTimes {
  readonly painted: readonly number[];
  readonly longTasks: readonly number[];
}

/** Installs the probe; before the page is loaded. */
export async function install(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const painted: number[] = [];
    const longTasks: number[] = [];
    const probed = { painted, longTasks, since: 0 };
    Object.assign(globalThis, { probed });
    // Entries come late, so they are told apart by when the task began.
    const note = ({ startTime, duration }: PerformanceEntry) =>
      startTime >= probed.since && longTasks.push(duration);
    new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({
      type: 'longtask',
    });
    // A message that is posted in a frame arrives after that frame's paint.
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

/** Gives what was measured, and begins anew. */
export function take(page: Page): Promise<PaintTimes> {
  return page.evaluate(() => {
    const { probed } = globalThis as unknown as {
      probed: { painted: number[]; longTasks: number[]; since: number };
    };
    probed.since = performance.now();
    return { painted: probed.painted.splice(0), longTasks: probed.longTasks.splice(0) };
  });
}
