/** The package as npm would publish it, in projects that know nothing of this folder. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PACKAGE } from './environment.js';

/** A project of its own in a temporary folder, with everything that its tools said. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'project-'));
  said = '';

  /** Copies files of the examples into it. */
  copy(...names: string[]): void {
    const filter = (path: string) => !['node_modules', 'dist'].includes(basename(path));
    for (const name of names)
      cpSync(join(PACKAGE, 'examples', name), join(this.folder, name), { recursive: true, filter });
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  /** Runs npm or npx in it; fails with what it said. */
  run(command: 'npm' | 'npx', ...args: string[]): void {
    // Not those of the `npm test` that runs this.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_ENV$/i.test(name)),
    );
    try {
      this.said += execFileSync('sh', ['-c', '"$0" "$@" 2>&1', command, ...args], {
        cwd: this.folder,
        env,
        encoding: 'utf8',
        maxBuffer: 2 ** 26,
      });
    } catch (error) {
      throw new Error(`${command} ${args.join(' ')}: ${(error as { stdout?: string }).stdout}`);
    }
  }

  /** Packs the package, as it is built, and gives the archive's path. */
  pack(): string {
    execFileSync(
      'npm',
      ['pack', '--ignore-scripts', '--silent', '--pack-destination', this.folder],
      { cwd: PACKAGE },
    );
    return './learning-yogi-ai-chatbot-0.1.0.tgz';
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
