/** Random network faults while replies are streamed, and what must hold after them. */
import { randomInt } from 'node:crypto';
import type { TurnView } from '../../src/core/index.js';
import { stubReply } from '../../tests/support/backend.js';
import { waitUntil } from '../../tests/support/wait.js';
import type { ChatPage } from './chat-page.js';
import { seeded } from './random.js';
import type { TestEnvironment } from './environment.js';

/** The length of the replies, in tokens of the stub provider. */
export const TOKENS = 40;
/** The delay of the provider before each token. */
export const DELAY_MS = 15;
const REPLY = stubReply(TOKENS);
const LONGEST_MS = 1_200;

/** The result of a run with faults. */
export interface FaultReport {
  readonly seed: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly messages: number;
  readonly lost: number;
  readonly doubled: number;
  readonly garbled: number;
  /** Texts that were on the screen although no reply starts with them. */
  readonly torn: readonly string[];
}

/** Causes `count` network faults during a conversation, and checks the conversation afterwards. */
export async function injectFaults(
  environment: TestEnvironment,
  count: number,
  seed = Number(process.env.WIDGET_SEED ?? randomInt(2 ** 31)),
): Promise<FaultReport> {
  const random = seeded(seed);
  const faults: Record<string, number> = {};
  const chat = await environment.openChat();
  await watch(chat);
  let messages = 0;
  const torn: string[] = [];
  let caused = 0;
  while (caused < count) {
    messages += 1;
    await chat.send(`Question ${messages}`);
    // One reply suffers up to three faults.
    const duringReply = Math.min(count - caused, 1 + Math.floor(random() * 3));
    for (let n = 0; n < duringReply; n += 1) {
      await pause(random() * LONGEST_MS);
      const name = await fault(environment, chat, random, torn);
      faults[name] = (faults[name] ?? 0) + 1;
    }
    caused += duringReply;
    await waitUntil(
      `message ${messages} is answered (seed ${seed})`,
      () => isAnswered(chat, messages),
      60_000,
    );
  }
  torn.push(...(await seen(chat)));
  const report = { seed, faults, messages, torn, ...(await checkTurns(chat, messages)) };
  await chat.close();
  return report;
}

async function fault(
  { proxy }: TestEnvironment,
  chat: ChatPage,
  random: () => number,
  torn: string[],
): Promise<string> {
  const kind = random();
  const ms = random() * 800;
  if (kind < 0.5) {
    proxy.cut();
    return 'cut';
  }
  if (kind < 0.75) {
    proxy.down();
    await pause(ms);
    proxy.up();
    return 'away for a while';
  }
  if (kind < 0.9) {
    proxy.hang();
    await pause(ms);
    proxy.cut();
    proxy.up();
    return 'silent, then cut';
  }
  torn.push(...(await seen(chat)));
  proxy.cut();
  await chat.page.reload();
  await chat.open();
  await watch(chat);
  return 'cut with a reload';
}

// After a reload only the newest page of turns is loaded, so they cannot be counted here.
async function isAnswered(chat: ChatPage, n: number): Promise<boolean> {
  const { turns, running } = await chat.state();
  return (
    !running && turns.some(({ message, state }) => message === `Question ${n}` && state === 'done')
  );
}

async function checkTurns(chat: ChatPage, messages: number) {
  // After a reload only the newest page is loaded.
  for (;;) {
    const { turns, hasOlder } = await chat.state();
    if (!hasOlder) break;
    await chat.page.getByRole('button', { name: 'Earlier messages' }).click();
    await waitUntil('older turns', async () => (await chat.state()).turns.length > turns.length);
  }
  const { turns } = await chat.state();
  const shown = await chat.shownReplies();
  const of = (n: number): TurnView[] => turns.filter(({ message }) => message === `Question ${n}`);
  const all = Array.from({ length: messages }, (_, n) => of(n + 1));
  const isGarbled = ({ text, kind, turn }: TurnView, n: number) =>
    kind !== 'reply' || text !== REPLY || turn !== n + 1 || shown[n] !== REPLY.trim();
  return {
    lost: all.filter((found) => found.length === 0).length,
    doubled:
      turns.length -
      all.filter((found) => found.length > 0).length +
      Math.max(0, shown.length - messages),
    garbled: all.filter((found, n) => found.some((turn) => isGarbled(turn, n))).length,
  };
}

// Checks the newest replies at every change of the document, so that no text on the screen is
// missed.
async function watch(chat: ChatPage): Promise<void> {
  await chat.page.evaluate((whole) => {
    const torn: string[] = [];
    Object.assign(globalThis, { torn });
    const root = document.querySelector('yogi-chatbot')!.shadowRoot!;
    new MutationObserver(() => {
      for (const { textContent } of [...root.querySelectorAll('.reply .markdown')].slice(-2)) {
        const text = (textContent ?? '').trim();
        if (!whole.startsWith(text) && !torn.includes(text)) torn.push(text);
      }
    }).observe(root, { subtree: true, childList: true, characterData: true });
  }, REPLY);
}

function seen(chat: ChatPage): Promise<string[]> {
  return chat.page.evaluate(() => (globalThis as unknown as { torn: string[] }).torn);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
