/** Everything between a browser and a provider, each part of which can fail. */
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { haveNoPrograms, World, type WorldOptions } from '../../tests/support/programs.js';
import { Proxy } from '../../tests/support/proxy.js';
import { haveNoBrowser, launch, visit } from './browser.js';
import type { ChatPage } from './chat-page.js';
import { Host } from './host.js';

/** The folder of the package. */
export const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/** Whether stories can be played here; in CI they must. */
export const isBare = haveNoPrograms() || haveNoBrowser();

/** A browser, a page's host, a network, a server and a provider. */
export class Stage {
  private constructor(
    readonly world: World,
    readonly proxy: Proxy,
    readonly host: Host,
    readonly browser: Browser,
  ) {}

  static async set(options: WorldOptions = {}, folder = PACKAGE): Promise<Stage> {
    const world = await World.start({
      ...options,
      env: {
        CHATBOT_RATE_PRINCIPAL_PER_MINUTE: '0',
        CHATBOT_RATE_ADDRESS_PER_5_MINUTES: '0',
        ...options.env,
      },
    });
    const proxy = await Proxy.start(() => world.url);
    const host = await Host.start(folder, proxy.url);
    return new Stage(world, proxy, host, await launch());
  }

  /** Opens the plain page, and the chat window on it, as a new person. */
  async enter(options?: BrowserContextOptions): Promise<ChatPage> {
    const chat = await visit(this.browser, `${this.host.url}/examples/html/`, options);
    await chat.open();
    return chat;
  }

  async strike(): Promise<void> {
    await this.browser.close();
    await this.host.stop();
    await this.proxy.stop();
    await this.world.stop();
  }
}
