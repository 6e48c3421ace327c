/** Chromium, as Debian packages it, and pages in it. */
import { existsSync } from 'node:fs';
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
} from 'playwright-core';
import { ChatPage } from './chat-page.js';

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const FLAGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Returns whether the browser is missing. In CI, that is an error. */
export function browserIsMissing(): boolean {
  if (existsSync(CHROMIUM)) return false;
  const cure = `no browser at ${CHROMIUM}: apt-get install chromium, or set CHROMIUM_PATH`;
  if (process.env.CI) throw new Error(cure);
  console.warn(`skipped: ${cure}`);
  return true;
}

/** Starts the browser. */
export function launch(): Promise<Browser> {
  // The sandbox of Chromium does not work for root, which CI runs as.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return chromium.launch({ executablePath: CHROMIUM, args: [...FLAGS, ...sandbox] });
}

/** Opens a page with the chat window as a new user. */
export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<ChatPage> {
  return visitIn(await browser.newContext(options), url);
}

/** Opens another tab of the same user. */
export async function visitIn(context: BrowserContext, url: string): Promise<ChatPage> {
  const page = await context.newPage();
  await page.goto(url);
  return new ChatPage(page);
}
