/** Script and layout of each frame, from the browser's own trace. */
import type { Browser, Page } from 'playwright-core';

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly ts: number;
  readonly dur?: number;
  readonly tid: number;
  readonly pid: number;
}

const WORK = new Set(['FunctionCall', 'EvaluateScript', 'FireAnimationFrame', 'TimerFire', 'EventDispatch', 'UpdateLayoutTree', 'Layout', 'MinorGC', 'MajorGC', 'RunMicrotasks']);
const FRAME = 'FireAnimationFrame';

/** Traces `page` while `during` runs, and gives the milliseconds of script, style and layout of each frame. */
export async function trace(browser: Browser, page: Page, during: () => Promise<void>): Promise<number[]> {
  await browser.startTracing(page, { categories: ['devtools.timeline', 'v8.execute', '-*'] });
  await during();
  const { traceEvents } = JSON.parse(String(await browser.stopTracing())) as { traceEvents: TraceEvent[] };
  return perFrame(traceEvents.filter(({ ph, name, dur }) => ph === 'X' && WORK.has(name) && dur !== undefined));
}

// Of the thread that draws: work up to the next frame counts for the frame before it.
function perFrame(events: readonly TraceEvent[]): number[] {
  const main = events.find(({ name }) => name === FRAME);
  if (!main) throw new Error('no frame was traced');
  const own = events.filter(({ pid, tid }) => pid === main.pid && tid === main.tid).sort((a, b) => a.ts - b.ts);
  const frames: number[] = [];
  let end = 0;
  for (const { name, ts, dur = 0 } of own) {
    if (name === FRAME && ts >= end) frames.push(0);
    // What lies within an earlier event is counted with that.
    const fresh = Math.max(0, ts + dur - Math.max(ts, end));
    end = Math.max(end, ts + dur);
    if (frames.length > 0) frames[frames.length - 1]! += fresh / 1_000;
  }
  return frames;
}
