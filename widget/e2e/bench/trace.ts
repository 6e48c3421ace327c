/** Script and layout time of each frame, from a trace of the browser. */
import type { Browser, Page } from 'playwright-core';

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly ts: number;
  readonly dur?: number;
  /** Processor time of the thread, which other load on the machine does not affect. */
  readonly tdur?: number;
  readonly tid: number;
  readonly pid: number;
}

const WORK = new Set([
  'FunctionCall',
  'EvaluateScript',
  'FireAnimationFrame',
  'TimerFire',
  'EventDispatch',
  'UpdateLayoutTree',
  'Layout',
  'MinorGC',
  'MajorGC',
  'RunMicrotasks',
]);
const FRAME = 'FireAnimationFrame';

/** Times of the main thread, in milliseconds. */
export interface FrameTimes {
  /** Script, style and layout of each frame. */
  readonly frames: readonly number[];
  /** The processor time of the longest task. */
  readonly longest: number;
}

/** Traces `page` while `during` runs. */
export async function trace(
  browser: Browser,
  page: Page,
  during: () => Promise<void>,
): Promise<FrameTimes> {
  await browser.startTracing(page, {
    categories: ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'v8.execute', '-*'],
  });
  await during();
  const { traceEvents } = JSON.parse(String(await browser.stopTracing())) as {
    traceEvents: TraceEvent[];
  };
  const whole = traceEvents.filter(({ ph, dur }) => ph === 'X' && dur !== undefined);
  const main = whole.find(({ name }) => name === FRAME);
  if (!main) throw new Error('no frame was traced');
  const own = whole
    .filter(({ pid, tid }) => pid === main.pid && tid === main.tid)
    .sort((a, b) => a.ts - b.ts);
  const tasks = own.filter(({ name }) => name === 'RunTask').map(({ tdur = 0 }) => tdur / 1_000);
  return {
    frames: perFrame(own.filter(({ name }) => WORK.has(name))),
    longest: Math.max(...tasks),
  };
}

// Work between two frames counts for the first of them.
function perFrame(own: readonly TraceEvent[]): number[] {
  const frames: number[] = [];
  let end = 0;
  for (const { name, ts, dur = 0 } of own) {
    if (name === FRAME && ts >= end) frames.push(0);
    // Events nest; only what extends beyond the previous event is new.
    const fresh = Math.max(0, ts + dur - Math.max(ts, end));
    end = Math.max(end, ts + dur);
    if (frames.length > 0) frames[frames.length - 1]! += fresh / 1_000;
  }
  return frames;
}
