// The package as others get it, in their own front ends, before the real server.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../tests/support/wait.js';
import { visit } from './support/browser.js';
import { Host } from './support/host.js';
import { Project } from './support/packed.js';
import { isBare, Stage } from './support/stage.js';

const WORDS = Array.from({ length: 20 }, (_, n) => `word${n}`).join(' ');
const INSTALL_MS = 180_000;

describe.skipIf(isBare)('the packed package', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.set();
  });
  afterAll(() => stage?.strike());

  it(
    'installs in a fresh Vite project without a warning, and chats',
    async () => {
      const project = new Project();
      project.write(
        'package.json',
        '{"name": "fresh", "private": true, "type": "module", "version": "1.0.0"}',
      );
      project.copy('react');
      project.run(
        'npm',
        'install',
        '--prefer-offline',
        '--no-audit',
        '--no-fund',
        'react@19',
        'react-dom@19',
        'vite@8',
        project.pack(),
      );
      project.run('npx', 'vite', 'build', 'react', '--outDir', '../dist', '--logLevel', 'warn');
      expect(project.said).not.toMatch(/warn|deprecated/i);
      const package_ = join(project.folder, 'node_modules/@learning-yogi/ai-chatbot');
      for (const name of [
        'README.md',
        'LICENSE-MIT',
        'LICENSE-APACHE',
        'dist/types/react/index.d.ts',
      ]) {
        expect(existsSync(join(package_, name)), name).toBe(true);
      }
      const host = await Host.start(join(project.folder, 'dist'), stage.proxy.url);
      const chat = await visit(stage.browser, `${host.url}/`);
      await chat.open();
      expect(await chat.ask('Hello')).toBe(WORDS);
      await chat.close();
      await host.stop();
      project.remove();
    },
    INSTALL_MS,
  );

  describe('in the front ends of others', () => {
    let project: Project;
    let host: Host;
    beforeAll(async () => {
      project = new Project();
      project.copy(
        'package.json',
        'package-lock.json',
        'vite.config.js',
        '.npmrc',
        'react',
        'ag-ui',
        'ai-sdk',
      );
      project.run('npm', 'ci', '--prefer-offline', '--no-audit', '--no-fund');
      project.run(
        'npm',
        'install',
        '--no-save',
        '--prefer-offline',
        '--no-audit',
        '--no-fund',
        project.pack(),
      );
      project.run('npx', 'vite', 'build', '--logLevel', 'error');
      host = await Host.start(join(project.folder, 'dist'), stage.proxy.url);
    }, INSTALL_MS);
    afterAll(async () => {
      await host?.stop();
      project?.remove();
    });

    it('assistant-ui, which speaks AG-UI, chats through a cut', async () => {
      const { page } = await visit(stage.browser, `${host.url}/ag-ui/`);
      await page.getByRole('textbox', { name: 'Message' }).fill('Hello');
      await page.getByRole('textbox', { name: 'Message' }).press('Enter');
      await until('the reply', async () =>
        (await page.locator('#root').innerText()).includes(WORDS),
      );
      await page.getByRole('textbox', { name: 'Message' }).fill('Slowly [[stub:slow]]');
      await page.getByRole('textbox', { name: 'Message' }).press('Enter');
      await until('text', async () =>
        /Slowly[^]*word2/.test(await page.locator('#root').innerText()),
      );
      stage.proxy.cut();
      await until(
        'the second reply',
        async () => (await page.locator('#root').innerText()).split(WORDS).length === 3,
      );
      await page.context().close();
    });

    it("Vercel's useChat chats through a cut, and stops", async () => {
      const { page } = await visit(stage.browser, `${host.url}/ai-sdk/`);
      const replies = page.locator('[data-role=assistant]');
      const say = async (text: string) => {
        await page.getByRole('textbox', { name: 'Message' }).fill(text);
        await page.getByRole('button', { name: 'Send' }).click();
      };
      const last = async () => (await replies.allInnerTexts()).at(-1)?.trim() ?? '';
      await say('Slowly [[stub:slow]]');
      await until('text', async () => (await last()) !== '');
      stage.proxy.cut();
      await until('the reply', async () => (await last()) === WORDS);
      await say('Again [[stub:slow]]');
      await until('text', async () => (await replies.count()) === 2 && (await last()) !== '');
      await page.getByRole('button', { name: 'Stop' }).click();
      await until('the end', () => page.getByRole('button', { name: 'Stop' }).isDisabled());
      const text = await last();
      expect(WORDS.startsWith(text) && text !== WORDS).toBe(true);
      await say('Hello');
      await until(
        'the third',
        async () => (await replies.count()) === 3 && (await last()) === WORDS,
      );
      await page.context().close();
    });
  });
});
