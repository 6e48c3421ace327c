// The package as it is published, in other front ends, with the real server.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STUB_REPLY } from '../tests/support/backend.js';
import { waitUntil } from '../tests/support/wait.js';
import { visit } from './support/browser.js';
import { PageServer } from './support/page-server.js';
import { Project } from './support/project.js';
import { cannotRunStories, useEnvironment } from './support/environment.js';

const REPLY = STUB_REPLY.trim();
const INSTALL_MS = 180_000;

describe.skipIf(cannotRunStories)('the packed package', () => {
  const environment = useEnvironment();

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
      expect(project.output).not.toMatch(/warn|deprecated/i);
      const package_ = join(project.folder, 'node_modules/@learning-yogi/ai-chatbot');
      for (const name of [
        'README.md',
        'LICENSE-MIT',
        'LICENSE-APACHE',
        'dist/types/react/index.d.ts',
      ]) {
        expect(existsSync(join(package_, name)), name).toBe(true);
      }
      const pages = await PageServer.start(join(project.folder, 'dist'), environment.proxy.url);
      const chat = await visit(environment.browser, `${pages.url}/`);
      await chat.open();
      expect(await chat.ask('Hello')).toBe(REPLY);
      await chat.close();
      await pages.stop();
      project.remove();
    },
    INSTALL_MS,
  );

  describe('in other front ends', () => {
    let project: Project;
    let pages: PageServer;
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
      pages = await PageServer.start(join(project.folder, 'dist'), environment.proxy.url);
    }, INSTALL_MS);
    afterAll(async () => {
      await pages?.stop();
      project?.remove();
    });

    it('assistant-ui, which uses AG-UI, chats through a cut connection', async () => {
      const { page } = await visit(environment.browser, `${pages.url}/ag-ui/`);
      await page.getByRole('textbox', { name: 'Message' }).fill('Hello');
      await page.getByRole('textbox', { name: 'Message' }).press('Enter');
      await waitUntil('the reply', async () =>
        (await page.locator('#root').innerText()).includes(REPLY),
      );
      await page.getByRole('textbox', { name: 'Message' }).fill('Slowly [[stub:slow]]');
      await page.getByRole('textbox', { name: 'Message' }).press('Enter');
      await waitUntil('text', async () =>
        /Slowly[^]*word2/.test(await page.locator('#root').innerText()),
      );
      environment.proxy.cut();
      await waitUntil(
        'the second reply',
        async () => (await page.locator('#root').innerText()).split(REPLY).length === 3,
      );
      await page.context().close();
    });

    it("Vercel's useChat chats through a cut connection, and stops", async () => {
      const { page } = await visit(environment.browser, `${pages.url}/ai-sdk/`);
      const replies = page.locator('[data-role=assistant]');
      const say = async (text: string) => {
        await page.getByRole('textbox', { name: 'Message' }).fill(text);
        await page.getByRole('button', { name: 'Send' }).click();
      };
      const last = async () => (await replies.allInnerTexts()).at(-1)?.trim() ?? '';
      await say('Slowly [[stub:slow]]');
      await waitUntil('text', async () => (await last()) !== '');
      environment.proxy.cut();
      await waitUntil('the reply', async () => (await last()) === REPLY);
      await say('Again [[stub:slow]]');
      await waitUntil('text', async () => (await replies.count()) === 2 && (await last()) !== '');
      await page.getByRole('button', { name: 'Stop' }).click();
      await waitUntil('the end', () => page.getByRole('button', { name: 'Stop' }).isDisabled());
      const text = await last();
      expect(REPLY.startsWith(text) && text !== REPLY).toBe(true);
      await say('Hello');
      await waitUntil(
        'the third',
        async () => (await replies.count()) === 3 && (await last()) === REPLY,
      );
      await page.context().close();
    });
  });
});
