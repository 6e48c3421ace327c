// How the chat window behaves on pages with styles, scripts and shortcuts of their own.
import { describe, expect, it } from 'vitest';
import { waitUntil } from '../tests/support/wait.js';
import { cannotRunStories, useEnvironment } from './support/environment.js';

const INHERITED = `letter-spacing: 3px; text-transform: uppercase; white-space: nowrap;
  text-indent: 40px; word-spacing: 10px; cursor: wait; text-shadow: 0 0 3px red;
  user-select: none; font: 700 30px/3 serif; color: red; text-align: right`;

describe.skipIf(cannotRunStories)('on a page of somebody else', () => {
  const environment = useEnvironment();

  it('the reader scrolls up while a reply comes, and gets back to its end', async () => {
    const chat = await environment.openChat();
    await chat.ask('At length [[stub:long:6000]]');
    await chat.send('Slowly [[stub:slow]]');
    await chat.streamingText();
    const scroll = chat.page.locator('yogi-chatbot .scroll');
    const top = () => scroll.evaluate((element) => element.scrollTop);
    const latest = chat.page.getByRole('button', { name: 'Jump to the latest message' });
    const before = await top();
    await scroll.hover();
    for (let step = 0; step < 40; step += 1) await chat.page.mouse.wheel(0, -10);
    await waitUntil('the view has moved', async () => (await top()) <= before - 390);
    await chat.finalReply();
    expect(await top()).toBeLessThanOrEqual(before - 390);
    await latest.focus();
    await latest.press('Enter');
    await waitUntil('the end', async () => (await top()) >= before);
    expect(await latest.isVisible()).toBe(false);
    expect(await scroll.evaluate((element) => element.matches(':focus'))).toBe(true);
    await chat.close();
  });

  it('inherited styles of the page do not reach the window', async () => {
    const chat = await environment.openChat();
    await chat.ask('Hello [[stub:echo]]');
    const look = () =>
      chat.page.evaluate(() => {
        const root = document.querySelector('yogi-chatbot')!.shadowRoot!;
        const names = ['letterSpacing', 'textTransform', 'whiteSpace', 'textIndent', 'wordSpacing'];
        names.push('cursor', 'textShadow', 'userSelect', 'fontSize', 'lineHeight', 'color');
        names.push('textAlign', 'width');
        return ['.frame', '.greeting', '.reply p', 'textarea', '.launcher'].map((place) => {
          const style = getComputedStyle(root.querySelector(place)!);
          return names.map((name) => `${place} ${name} ${style[name as keyof typeof style]}`);
        });
      });
    const before = await look();
    await chat.page.addStyleTag({ content: `body, body * { ${INHERITED} }` });
    expect(await look()).toEqual(before);
    expect(before.flat()).toContain('.reply p userSelect text');
    await chat.expectAccessible();
    await chat.close();
  });

  it('keys typed in the window do not trigger shortcuts of the page', async () => {
    const chat = await environment.openChat();
    await chat.page.evaluate(() => {
      const keys: string[] = [];
      Object.assign(globalThis, { keys });
      for (const name of ['keydown', 'keypress', 'keyup'])
        document.addEventListener(name, (event) => keys.push((event as KeyboardEvent).key));
    });
    await chat.box.pressSequentially('ask/just');
    await chat.box.press('Control+k');
    expect(await chat.box.inputValue()).toBe('ask/just');
    const keys = await chat.page.evaluate(() => (globalThis as unknown as { keys: string[] }).keys);
    expect(keys).toContain('k');
    expect(keys.filter((key) => key !== 'k' && key !== 'Control')).toEqual([]);
    await chat.close();
  });

  it('options and texts that were set before the script has run count', async () => {
    const chat = await environment.visitExample();
    const tokens: string[] = [];
    chat.page.on('request', (request) => {
      const token = request.headers().authorization;
      if (token) tokens.push(token);
    });
    await chat.page.addInitScript(() => {
      document.addEventListener('readystatechange', () => {
        const element = document.querySelector('yogi-chatbot');
        if (element && !customElements.get('yogi-chatbot'))
          Object.assign(element, {
            options: { token: () => 'my.jwt' },
            texts: { open: 'Ask the school' },
          });
      });
    });
    await chat.page.reload();
    await chat.page.getByRole('button', { name: 'Ask the school' }).click();
    await waitUntil('the token is sent', async () => tokens.includes('Bearer my.jwt'));
    await chat.close();
  });

  it('what the user writes survives changes of attributes and a move', async () => {
    const chat = await environment.openChat();
    await chat.box.fill('Half a question');
    await chat.page.evaluate(() => {
      const element = document.querySelector('yogi-chatbot')!;
      element.setAttribute('heading', 'School');
      element.setAttribute('suggestions', 'One\nTwo');
    });
    await chat.page.getByRole('heading', { name: 'School' }).waitFor();
    expect(await chat.box.inputValue()).toBe('Half a question');
    expect(await chat.box.evaluate((element) => element.matches(':focus'))).toBe(true);
    await chat.page.evaluate(() => {
      const place = document.createElement('div');
      document.body.append(place);
      place.append(document.querySelector('yogi-chatbot')!);
    });
    await chat.nextPaint();
    expect(await chat.box.inputValue()).toBe('Half a question');
    await chat.close();
  });

  it('the Enter that confirms a word of an input method does not send it', async () => {
    const chat = await environment.openChat();
    await chat.box.fill('日本語');
    await chat.box.evaluate((box) => {
      const options = { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true };
      box.dispatchEvent(new KeyboardEvent('keydown', options));
    });
    expect(await chat.box.inputValue()).toBe('日本語');
    expect((await chat.state()).turns).toEqual([]);
    await chat.close();
  });

  it('text that was pasted from slides is sent with ordinary line breaks', async () => {
    const chat = await environment.openChat();
    await chat.ask('Title\vsubtitle [[stub:echo]]');
    expect((await chat.state()).turns[0]!.message).toBe('Title\nsubtitle [[stub:echo]]');
    await chat.close();
  });

  it('a reply is copied on plain http, where there is no clipboard', async () => {
    const chat = await environment.openChat();
    await chat.ask('Hello');
    await chat.page.evaluate(() => {
      Object.defineProperty(navigator, 'clipboard', { value: undefined });
      document.addEventListener('copy', (event) => {
        const field = event.target as HTMLTextAreaElement;
        Object.assign(globalThis, { copied: field.value });
      });
    });
    await chat.page.getByRole('button', { name: 'Copy', exact: true }).click();
    const copied = await chat.page.evaluate(
      () => (globalThis as unknown as { copied: string }).copied,
    );
    expect(copied.trim()).toMatch(/^word0 .* word19$/);
    await chat.close();
  });

  it('the window fills a phone that is held sideways, with fields that iOS does not zoom', async () => {
    const chat = await environment.openChat({
      viewport: { width: 740, height: 360 },
      hasTouch: true,
      isMobile: true,
    });
    const seen = await chat.page.evaluate(() => {
      const root = document.querySelector('yogi-chatbot')!.shadowRoot!;
      const { width, height } = root.querySelector('.frame')!.getBoundingClientRect();
      return [
        width,
        height,
        parseFloat(getComputedStyle(root.querySelector('textarea')!).fontSize),
      ];
    });
    expect(seen).toEqual([740, 360, 16]);
    await chat.close();
  });

  it('each paragraph and entry of a reply has its own direction', async () => {
    const chat = await environment.openChat();
    await chat.ask('Sure: [[stub:echo]]\n\nمرحبا، كيف حالك؟\n\n- one\n- שלום');
    const directions = await chat.replies
      .last()
      .locator('p, li')
      .evaluateAll((blocks) => blocks.map((block) => getComputedStyle(block).direction));
    expect(directions).toEqual(['ltr', 'rtl', 'ltr', 'rtl']);
    await chat.close();
  });

  it('a window that nobody has opened asks nothing of the server', async () => {
    const chat = await environment.visitExample();
    const asked: string[] = [];
    chat.page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await chat.page.evaluate(() =>
      document.querySelector('yogi-chatbot')!.toggleAttribute('documents', true),
    );
    await chat.nextPaint();
    expect(asked).toEqual([]);
    await chat.open();
    await waitUntil('the list', async () => asked.some((path) => path.endsWith('/documents')));
    await chat.close();
  });

  it('the whole conversation is printed, without the button and the composer', async () => {
    const chat = await environment.openChat();
    await chat.ask('At length [[stub:long:6000]]');
    await chat.page.emulateMedia({ media: 'print' });
    const scroll = chat.page.locator('yogi-chatbot .scroll');
    const hidden = await scroll.evaluate(
      (element) => element.scrollHeight - element.getBoundingClientRect().height,
    );
    expect(hidden).toBeLessThanOrEqual(1);
    expect(await chat.page.evaluate(() => document.documentElement.scrollHeight)).toBeGreaterThan(
      await scroll.evaluate((element) => element.scrollHeight),
    );
    expect(await chat.page.locator('yogi-chatbot .launcher').isVisible()).toBe(false);
    expect(await chat.box.isVisible()).toBe(false);
    await chat.close();
  });

  it('replies come where the network blocks WebSockets, and no trouble is shown', async () => {
    const chat = await environment.visitExample();
    await chat.page.addInitScript(() => {
      class BlockedSocket extends EventTarget {
        onclose: ((event: { code: number }) => void) | null = null;
        constructor() {
          super();
          setTimeout(() => this.onclose?.({ code: 1006 }));
        }
        close(): void {}
      }
      Object.assign(globalThis, { WebSocket: BlockedSocket });
    });
    await chat.page.reload();
    await chat.open();
    expect(await chat.ask('Hello')).toMatch(/^word0 .* word19$/);
    expect(await chat.ask('And again?')).toMatch(/^word0 .* word19$/);
    expect((await chat.state()).connection.status).toBe('polling');
    expect(await chat.page.locator('yogi-chatbot .banner').first().isVisible()).toBe(false);
    await chat.expectAccessible();
    await chat.close();
  });
});
