/** Everything between a browser and a provider, each part of which can fail. */
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { backendIsMissing, Backend, type BackendOptions } from '../../tests/support/backend.js';
import { Proxy } from '../../tests/support/proxy.js';
import { browserIsMissing, launch, visit } from './browser.js';
import type { ChatPage } from './chat-page.js';
import { PageServer } from './page-server.js';

/** The folder of the package. */
export const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/** Whether stories can be played here; in CI they must. */
export const cannotRunStories = backendIsMissing() || browserIsMissing();

/** A browser, a page's pages, a network, a server and a provider. */
export class TestEnvironment {
  private constructor(
    readonly backend: Backend,
    readonly proxy: Proxy,
    readonly pages: PageServer,
    readonly browser: Browser,
  ) {}

  static async start(options: BackendOptions = {}, folder = PACKAGE): Promise<TestEnvironment> {
    const backend = await Backend.start({
      ...options,
      env: {
        CHATBOT_RATE_PRINCIPAL_PER_MINUTE: '0',
        CHATBOT_RATE_ADDRESS_PER_5_MINUTES: '0',
        ...options.env,
      },
    });
    const proxy = await Proxy.start(() => backend.url);
    const pages = await PageServer.start(folder, proxy.url);
    return new TestEnvironment(backend, proxy, pages, await launch());
  }

  /** Opens the plain page, and the chat window on it, as a new person. */
  async openChat(options?: BrowserContextOptions): Promise<ChatPage> {
    const chat = await visit(this.browser, `${this.pages.url}/examples/html/`, options);
    await chat.open();
    return chat;
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.pages.stop();
    await this.proxy.stop();
    await this.backend.stop();
  }
}
