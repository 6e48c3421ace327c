// What a bad network does, and what the person sees of it.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../tests/support/wait.js';
import { visitIn } from './support/browser.js';
import { isBare, Stage } from './support/stage.js';

const SLOW = 'Slowly [[stub:slow]]';
const WORDS = Array.from({ length: 20 }, (_, n) => `word${n}`).join(' ');

describe.skipIf(isBare)('on a bad network', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.set();
  });
  afterAll(() => stage?.strike());

  it('a cut in the middle of an answer is not noticed', async () => {
    const chat = await stage.enter();
    await chat.say(SLOW);
    await chat.writing();
    stage.proxy.cut();
    expect(await chat.settled()).toBe(WORDS);
    expect(await chat.shown()).toHaveLength(1);
    await chat.close();
  });

  it('a network that stays away is said, and what was written meanwhile is answered when it is back', async () => {
    const chat = await stage.enter();
    await chat.ask('Hello');
    stage.proxy.down();
    await chat.say('Are you there?');
    await until('a word about it', async () =>
      /Connection lost|Not sent yet/.test(
        await chat.page.locator('yogi-chatbot .window').innerText(),
      ),
    );
    await chat.isAccessible();
    stage.proxy.up();
    expect(await chat.settled()).toBe(WORDS);
    expect(await chat.shown()).toEqual([WORDS, WORDS]);
    await chat.close();
  });

  it('a device without network says so', async () => {
    const chat = await stage.enter();
    await chat.ask('Hello');
    await chat.page.context().setOffline(true);
    stage.proxy.cut();
    await until('the state', async () =>
      (await chat.page.locator('yogi-chatbot .banner').first().innerText()).includes('offline'),
    );
    await chat.isAccessible();
    await chat.page.context().setOffline(false);
    expect(await chat.ask('And again?')).toBe(WORDS);
    await chat.close();
  });

  it('a reload in the middle of an answer goes on with it', async () => {
    const chat = await stage.enter();
    await chat.ask('Hello');
    await chat.say(SLOW);
    await chat.writing();
    await chat.page.reload();
    await chat.open();
    expect(await chat.settled()).toBe(WORDS);
    const { turns } = await chat.state();
    expect(turns.map(({ message }) => message)).toEqual(['Hello', SLOW]);
    await chat.close();
  });

  it('two tabs show the same conversation', async () => {
    const one = await stage.enter();
    await one.ask('Hello');
    const two = await visitIn(one.page.context(), one.page.url());
    await two.open();
    await until('the history', async () => (await two.state()).turns.length === 1);
    await one.say(SLOW);
    expect(await two.writing()).toMatch(/^word0/);
    await two.settled();
    await one.settled();
    await until('the words of the other tab', async () =>
      (await two.state()).turns.every(({ message }) => message !== null),
    );
    expect(await two.shown()).toEqual(await one.shown());
    await two.say('From here');
    await until('the third', async () => (await one.state()).turns.length === 3);
    expect(await one.settled()).toBe(WORDS);
    await one.close();
  });
});
