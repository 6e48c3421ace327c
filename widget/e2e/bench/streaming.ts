// Measures how quickly the chat window shows what it receives: `npm run bench`.
import { expect, it } from 'vitest';
import { waitUntil } from '../../tests/support/wait.js';
import { ScriptedProvider } from '../support/scripted-provider.js';
import { ChatPage } from '../support/chat-page.js';
import { cannotRunStories, TestEnvironment } from '../support/environment.js';
import { createConversation, restore } from './history.js';
import { install, take } from './probe.js';
import { trace } from './trace.js';

const TURNS = 250;
const TOKENS = 4_000;
const DELAY_MS = 10;

// Markdown as models write it; `WIDGET_BENCH=paragraph` streams one paragraph without an end, the
// worst case.
const SECTION = [
  '## The plan for the week',
  'On Monday **class 7B** begins with *Mathematics* in room 12, and the ' +
    '[plan](https://example.org/plan) has the rest of the day, ' +
    'which is long enough to fill more than two lines of the window.',
  '- Bring your lab coat for `Science`\n- Ask at the office about the trip\n' +
    '- The library closes at four on Friday',
  '| period | subject | room |\n|---|---|---|\n| 1 | Mathematics | 12 |\n| 2 | Art | 3 |',
  '```js\nconst room = plan.find({ period: 3 });\nconsole.log(room);\n```',
].join('\n\n');
const REPLY =
  process.env.WIDGET_BENCH === 'paragraph'
    ? words('On Monday class 7B begins with Mathematics. ')
    : words(`${SECTION}\n\n`);

it.skipIf(cannotRunStories)('streaming into a long conversation', async () => {
  const provider = await ScriptedProvider.start();
  const environment = await new TestEnvironment().start({
    env: {
      ANTHROPIC_BASE_URL: provider.url,
      CHATBOT_PROVIDER_PREFERENCE: 'claude',
      CHATBOT_MAX_TOKENS: '8192',
    },
  });
  provider.willReply('A reply with **bold** text, a list:\n\n- one\n- two\n\nand `code`.');
  const stored = await createConversation(environment.proxy.url, TURNS);
  const page = await (await environment.browser.newContext()).newPage();
  await install(page);
  await restore(page, stored);
  await page.goto(`${environment.pages.url}/examples/html/`);
  const chat = new ChatPage(page);
  await chat.open();
  await loadAll(chat);
  provider.willReply(REPLY, 'ends', DELAY_MS);
  await chat.send('At length');
  await chat.streamingText();
  await take(page);
  expect(await finished(chat)).toBe(REPLY);
  const { painted, longTasks } = await take(page);

  const { frames, longest } = await trace(environment.browser, page, async () => {
    await chat.send('Once more');
    await chat.streamingText();
    await page.waitForTimeout(TOKENS * DELAY_MS);
    await chat.finalReply();
  });
  await page.context().close();
  await environment.stop();
  await provider.stop();

  const rows = [
    ['frame received to text painted, p50', `${quantile(painted, 0.5)} ms`],
    ['frame received to text painted, p95', `${quantile(painted, 0.95)} ms`],
    ['script, style and layout per frame, p50', `${quantile(frames, 0.5)} ms`],
    ['script, style and layout per frame, p95', `${quantile(frames, 0.95)} ms`],
    [
      `long tasks (> 50 ms) while ${TOKENS} tokens stream`,
      `${longTasks.map((ms) => `${Math.round(ms)} ms`).join(', ') || 'none'}`,
    ],
    ['the longest task in processor time, traced', `${longest.toFixed(1)} ms`],
    ['frames received, frames traced', `${painted.length}, ${frames.length}`],
  ];
  console.log(
    ['| figure | measured |', '| --- | --- |', ...rows.map((row) => `| ${row.join(' | ')} |`)].join(
      '\n',
    ),
  );
});

// Returns one word per token; each is sent as a piece of the stream.
function words(pattern: string): string {
  const all = pattern.repeat(TOKENS / 5).split(/(?<= )/);
  return all.slice(0, TOKENS).join('').trimEnd();
}

async function loadAll(chat: ChatPage): Promise<void> {
  for (let have = 0; have < TURNS;) {
    await waitUntil('a page of turns', async () => (await chat.state()).turns.length > have);
    const state = await chat.state();
    have = state.turns.length;
    if (state.hasOlder) await chat.page.getByRole('button', { name: 'Earlier messages' }).click();
  }
}

// Polls rarely, so as not to disturb the measurement.
async function finished(chat: ChatPage): Promise<string> {
  for (;;) {
    await chat.page.waitForTimeout(2_000);
    const last = await chat.page.evaluate(() => {
      const { client } = document.querySelector('yogi-chatbot') as unknown as {
        client: {
          getState(): { turns: { state: string; text: string; message: string | null }[] };
        };
      };
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
