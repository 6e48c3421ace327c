// Failures behind the network, and replies that try to do harm.
import { describe, expect, it } from 'vitest';
import { STUB_REPLY } from '../tests/support/backend.js';
import { waitUntil } from '../tests/support/wait.js';
import { cannotRunStories, TestEnvironment, useEnvironment } from './support/environment.js';

const REPLY = STUB_REPLY.trim();
const HOSTILE = [
  '[[stub:echo]] <script>globalThis.hacked = 1</script>' +
    '<img src="http://127.0.0.1:9/pixel.png" onerror="globalThis.hacked = 2">',
  '![alt](http://127.0.0.1:9/remote.png) [click](javascript:globalThis.hacked=3) ' +
    '[data](data:text/html,<script>hacked=4</script>)',
  '[fine](https://example.org/page) <style>*{display:none}</style>' +
    '<iframe src="http://127.0.0.1:9/"></iframe>',
  '<svg onload="globalThis.hacked=5"></svg> ```html\n<b onclick="hacked=6">code</b>\n``` ' +
    '**never closed <a href="javascript:hacked=7">',
].join('\n\n');

describe.skipIf(cannotRunStories)('when something fails', () => {
  const environment = useEnvironment();

  it('a reply that fails is an error, and can be tried again', async () => {
    const chat = await environment.openChat();
    await chat.send('Nobody can [[stub:fatal]]');
    await waitUntil('the error', async () =>
      (await chat.log.innerText()).includes('The reply failed:'),
    );
    await chat.expectAccessible();
    await chat.log.getByRole('button', { name: 'Try again' }).click();
    await waitUntil('a new message', async () => (await chat.state()).turns.length === 2);
    await chat.finalReply();
    expect(await chat.ask('Hello')).toBe(REPLY);
    await chat.close();
  });

  it('an outage of the providers ends when they are back', async () => {
    const chat = await environment.openChat();
    await environment.backend.provider.kill();
    await chat.send('Hello');
    await waitUntil(
      'the error',
      async () => (await chat.log.innerText()).includes('The reply failed:'),
      40_000,
    );
    await environment.backend.provider.start();
    await waitUntil('a reply', async () => (await chat.ask('And now?')) === REPLY, 40_000);
    await chat.close();
  });

  it('a busy provider only delays the reply', async () => {
    const chat = await environment.openChat();
    expect(await chat.ask('Busy [[stub:429]]')).toMatch(/^Período 3/);
    await chat.close();
  });

  it('a restarted reply keeps nothing of its first text', async () => {
    const chat = await environment.openChat();
    await chat.ask('Hello');
    const text = await chat.ask('Again [[stub:die-once]]');
    expect(text).toMatch(/^Período 3 is .* follows\.$/);
    expect(text.match(/Período/g)).toHaveLength(1);
    expect((await chat.state()).turns.at(-1)!.gen).toBeGreaterThan(1);
    await chat.close();
  });

  it('a server killed in the middle of a reply completes it after its restart', async () => {
    const chat = await environment.openChat();
    await chat.send('Slowly [[stub:slow]]');
    await chat.streamingText();
    await environment.backend.server.kill();
    await environment.backend.server.start();
    expect(await chat.finalReply()).toBe(REPLY);
    expect(await chat.shownReplies()).toHaveLength(1);
    await chat.close();
  });

  it('an expired token starts a new conversation, and says so', async () => {
    const chat = await environment.openChat();
    await chat.ask('Hello');
    await chat.page.evaluate(() => {
      const key = Object.keys(localStorage).find((name) => name.endsWith(':session'))!;
      const stored = JSON.parse(localStorage.getItem(key)!) as object;
      localStorage.setItem(key, JSON.stringify({ ...stored, token: 'yogi1.expired' }));
    });
    await chat.page.reload();
    await chat.open();
    await waitUntil('the notice', async () =>
      (await chat.page.locator('yogi-chatbot .notice').innerText()).includes('has ended'),
    );
    await chat.expectAccessible();
    expect(await chat.ask('And again?')).toBe(REPLY);
    await chat.close();
  });

  it('hostile Markdown runs nothing, loads nothing and links to nothing dangerous', async () => {
    const chat = await environment.openChat();
    const asked: string[] = [];
    chat.page.on('request', (request) => asked.push(request.url()));
    await chat.ask(HOSTILE);
    const { tags, links, hacked } = await chat.page.evaluate(() => {
      const replies = document
        .querySelector('yogi-chatbot')!
        .shadowRoot!.querySelectorAll('.reply .markdown *');
      const all = [...replies];
      return {
        tags: all.map(({ localName }) => localName),
        links: all
          .filter((element) => element instanceof HTMLAnchorElement)
          .map((link) => [link.getAttribute('href'), link.getAttribute('rel')]),
        hacked: 'hacked' in globalThis,
      };
    });
    expect(hacked).toBe(false);
    expect(
      tags.filter((tag) =>
        ['script', 'img', 'iframe', 'style', 'object', 'embed', 'form'].includes(tag),
      ),
    ).toEqual([]);
    expect(links.every(([href]) => /^(https?:|mailto:)/.test(href ?? ''))).toBe(true);
    expect(links.every(([, rel]) => rel?.includes('noopener'))).toBe(true);
    expect(asked.filter((url) => !url.startsWith(environment.proxy.url))).toEqual([]);
    await chat.expectAccessible();
    await chat.close();
  });

  it('a reply of 10,000 characters is complete', async () => {
    const chat = await environment.openChat();
    await chat.ask('At length [[stub:long:10000]]');
    const [turn] = (await chat.state()).turns;
    expect([...turn!.text]).toHaveLength(10_000);
    expect((await chat.shownReplies())[0]!.replace(/\s+/g, '')).toBe(
      turn!.text.replace(/\s+/g, ''),
    );
    await chat.expectAccessible();
    await chat.close();
  });
});

describe.skipIf(cannotRunStories)('when the server limits the rate', () => {
  it('the window waits as long as it was asked to, and then sends', async () => {
    const environment = await new TestEnvironment().start();
    const chat = await environment.openChat();
    await chat.ask('One');
    let refused = 0;
    await chat.page.route('**/chat', (route) => {
      if (route.request().method() !== 'POST' || refused > 0) return route.continue();
      refused = performance.now();
      const headers = {
        'Retry-After': '2',
        'Access-Control-Allow-Origin': '*',
        'Access-Control-Expose-Headers': 'Retry-After',
      };
      const problem = {
        type: 'urn:learning-yogi:chatbot:error:rate_limited',
        title: 'Too many',
        status: 429,
        detail: 'Too many messages.',
      };
      return route.fulfill({
        status: 429,
        contentType: 'application/problem+json',
        headers,
        body: JSON.stringify(problem),
      });
    });
    await chat.send('Two');
    await waitUntil('the banner', async () =>
      /Too many messages/.test(await chat.page.locator('yogi-chatbot .banner').first().innerText()),
    );
    await chat.expectAccessible();
    expect(await chat.finalReply()).toBe(REPLY);
    expect(performance.now() - refused).toBeGreaterThan(2_000);
    expect(await chat.shownReplies()).toHaveLength(2);
    await chat.close();
    await environment.stop();
  });

  it('a limit of the real server is shown in the same way', async () => {
    const environment = await new TestEnvironment().start({
      env: { CHATBOT_RATE_PRINCIPAL_PER_MINUTE: '2' },
    });
    const chat = await environment.openChat();
    // More than two minutes allow, so that it does not matter if a minute ends in between.
    for (const text of ['One', 'Two', 'Three', 'Four', 'Five']) await chat.send(text);
    await waitUntil('the banner', async () =>
      /Too many messages/.test(await chat.page.locator('yogi-chatbot .banner').first().innerText()),
    );
    await chat.close();
    await environment.stop();
  });
});
