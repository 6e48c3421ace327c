/** Temporary projects that install the package as it would be published. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { PACKAGE } from './environment.js';

/** A project in a temporary folder, with the output of the tools that ran in it. */
export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'project-'));
  output = '';

  /** Copies files of the examples into the project. */
  copy(...names: string[]): void {
    const filter = (path: string) => !['node_modules', 'dist'].includes(basename(path));
    for (const name of names)
      cpSync(join(PACKAGE, 'examples', name), join(this.folder, name), { recursive: true, filter });
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  /** Runs npm or npx in the project; throws with the output if that fails. */
  run(command: 'npm' | 'npx', ...args: string[]): void {
    // Without the variables that npm itself has set for the test run.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_ENV$/i.test(name)),
    );
    try {
      this.output += execFileSync('sh', ['-c', '"$0" "$@" 2>&1', command, ...args], {
        cwd: this.folder,
        env,
        encoding: 'utf8',
        maxBuffer: 2 ** 26,
      });
    } catch (error) {
      throw new Error(`${command} ${args.join(' ')}: ${(error as { stdout?: string }).stdout}`);
    }
  }

  /** Packs the package as it is built, and returns the path of the archive. */
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
