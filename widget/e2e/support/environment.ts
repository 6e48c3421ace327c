/** Everything between a browser and a provider. Each part can be made to fail. */
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { Backend, backendIsMissing, type BackendOptions } from '../../tests/support/backend.js';
import { Proxy } from '../../tests/support/proxy.js';
import { browserIsMissing, launch, visit } from './browser.js';
import type { ChatPage } from './chat-page.js';
import { PageServer } from './page-server.js';

/** The folder of the package. */
export const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/** Whether the stories cannot run here. In CI, a missing program or browser is an error instead. */
export const cannotRunStories = backendIsMissing() || browserIsMissing();

// Stories send messages faster than a person would.
const NO_RATE_LIMITS = {
  CHATBOT_RATE_PRINCIPAL_PER_MINUTE: '0',
  CHATBOT_RATE_ADDRESS_PER_5_MINUTES: '0',
};

/** A browser, a server of pages, a network, and a backend. Usable once it is started. */
export class TestEnvironment {
  backend!: Backend;
  proxy!: Proxy;
  pages!: PageServer;
  browser!: Browser;

  async start({ env, ...options }: BackendOptions = {}): Promise<this> {
    this.backend = await Backend.start({ ...options, env: { ...NO_RATE_LIMITS, ...env } });
    this.proxy = await Proxy.start(() => this.backend.url);
    this.pages = await PageServer.start(PACKAGE, this.proxy.url);
    this.browser = await launch();
    return this;
  }

  /** Opens the plain example page as a new user, and the chat window on it. */
  async openChat(options?: BrowserContextOptions): Promise<ChatPage> {
    const chat = await this.visitExample(options);
    await chat.open();
    return chat;
  }

  /** Opens the plain example page as a new user, with the chat window closed. */
  visitExample(options?: BrowserContextOptions): Promise<ChatPage> {
    return visit(this.browser, `${this.pages.url}/examples/html/`, options);
  }

  async stop(): Promise<void> {
    await this.browser?.close();
    await this.pages?.stop();
    await this.proxy?.stop();
    await this.backend?.stop();
  }
}

/** Starts an environment before the stories of a suite, and stops it after them. */
export function useEnvironment(options?: BackendOptions): TestEnvironment {
  const environment = new TestEnvironment();
  beforeAll(() => environment.start(options).then(() => {}));
  afterAll(() => environment.stop());
  return environment;
}
