// How quickly the chat window shows what it receives: `npm run bench`.
import { expect, it } from 'vitest';
import { until } from '../../tests/support/wait.js';
import { ChatPage } from '../support/chat-page.js';
import { isBare, Stage } from '../support/stage.js';
import { converse, restore } from './history.js';
import { install, take } from './probe.js';
import { trace } from './trace.js';

const TURNS = 250;
const TOKENS = 4_000;
const TRACED_MS = 10_000;

it.skipIf(isBare)('streaming into a long conversation', async () => {
  const stage = await Stage.set({ tokens: TOKENS, delayMs: 10 });
  const stored = await converse(stage.proxy.url, TURNS);
  const page = await (await stage.browser.newContext()).newPage();
  await install(page);
  await restore(page, stored);
  await page.goto(`${stage.host.url}/examples/html/`);
  const chat = new ChatPage(page);
  await chat.open();
  await loadAll(chat);
  await take(page);

  await chat.say('At length');
  const text = await finished(chat);
  expect(text.split(' ').filter(Boolean)).toHaveLength(TOKENS);
  const { painted, longTasks } = await take(page);

  const frames = await trace(stage.browser, page, async () => {
    await chat.say('Once more');
    await chat.writing();
    await page.waitForTimeout(TRACED_MS);
  });
  await page.context().close();
  await stage.strike();

  const rows = [
    ['frame received to text painted, p50', `${quantile(painted, 0.5)} ms`],
    ['frame received to text painted, p95', `${quantile(painted, 0.95)} ms`],
    ['script, style and layout per frame, p50', `${quantile(frames, 0.5)} ms`],
    ['script, style and layout per frame, p95', `${quantile(frames, 0.95)} ms`],
    [`long tasks (> 50 ms) while ${TOKENS} tokens stream`, `${longTasks.length}`],
    ['frames received, frames traced', `${painted.length}, ${frames.length}`],
  ];
  console.log(['| figure | measured |', '| --- | --- |', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n'));
});

async function loadAll(chat: ChatPage): Promise<void> {
  for (let have = 0; have < TURNS; ) {
    await until('a page of turns', async () => (await chat.state()).turns.length > have);
    const state = await chat.state();
    have = state.turns.length;
    if (state.hasOlder) await chat.page.getByRole('button', { name: 'Earlier messages' }).click();
  }
}

// Asks seldom, so as not to disturb.
async function finished(chat: ChatPage): Promise<string> {
  for (;;) {
    await chat.page.waitForTimeout(2_000);
    const last = await chat.page.evaluate(() => {
      const { client } = document.querySelector('yogi-chatbot') as unknown as { client: { getState(): { turns: { state: string; text: string; message: string | null }[] } } };
      const turn = client.getState().turns.at(-1)!;
      return turn.state === 'done' && turn.message === 'At length' ? turn.text : null;
    });
    if (last !== null) return last;
  }
}

function quantile(values: readonly number[], q: number): string {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN).toFixed(1);
}
