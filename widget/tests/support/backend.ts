/**
 * The programs that tests talk to: the real server, and the stub provider before which it stands.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const FOLDER =
  process.env.WIDGET_PROGRAMS ?? fileURLToPath(new URL('../../../target/debug', import.meta.url));
const NAMES = {
  server: 'learning-yogi-chatbot',
  provider: 'stub-provider',
  simulation: 'simulate',
};

/** Tells whether a program is not built; in CI a missing one is an error. */
export function backendIsMissing(): boolean {
  const missing = Object.values(NAMES).filter((name) => !existsSync(join(FOLDER, name)));
  if (missing.length === 0) return false;
  const cure = `${missing.join(', ')} not found in ${FOLDER}: build them with cargo build --workspace --bins`;
  if (process.env.CI) throw new Error(cure);
  console.warn(`skipped: ${cure}`);
  return true;
}

/** Runs a seed of the simulation; gives what its tabs were told and showed, one JSON line each. */
export async function simulate(seed: number): Promise<string[]> {
  const run = promisify(execFile)(join(FOLDER, NAMES.simulation), ['--tabs', String(seed)], {
    maxBuffer: 2 ** 30,
  });
  return (await run).stdout.split('\n').filter((line) => line !== '');
}

/** How the provider answers what has no marker, and what the server is told beyond its defaults. */
export interface BackendOptions {
  readonly tokens?: number;
  readonly delayMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A server before a provider, each of which can die and come back at its address. */
export class Backend {
  server!: Program;
  provider!: Program;
  readonly #data = mkdtempSync(join(tmpdir(), 'chatbot-'));

  static async start({
    tokens = 20,
    delayMs = 20,
    env = {},
  }: BackendOptions = {}): Promise<Backend> {
    const backend = new Backend();
    const pace = ['--tokens', String(tokens), '--delay-ms', String(delayMs)];
    backend.provider = new Program(NAMES.provider, pace, {}, 'stdout', /^(http:\S+)/);
    await backend.provider.start();
    const { url } = backend.provider;
    const own = {
      CHATBOT_LOG: 'info',
      CHATBOT_LOG_FORMAT: 'text',
      ANTHROPIC_API_KEY: 'stub',
      ANTHROPIC_BASE_URL: url,
    };
    const all = { ...own, OPENAI_API_KEY: 'stub', OPENAI_BASE_URL: `${url}/v1`, ...env };
    backend.server = new Program(
      NAMES.server,
      ['--data-dir', backend.#data],
      all,
      'stderr',
      /chat at (http:\S+)/,
    );
    await backend.server.start();
    return backend;
  }

  get url(): string {
    return this.server.url;
  }

  async stop(): Promise<void> {
    await Promise.all([this.server.kill(), this.provider.kill()]);
    rmSync(this.#data, { recursive: true, force: true });
  }
}

/** A program that says its address, and keeps it when it is started again. */
export class Program {
  url = '';
  #child: ChildProcess | null = null;

  constructor(
    private readonly name: string,
    private readonly args: readonly string[],
    private readonly env: Readonly<Record<string, string>>,
    private readonly speaks: 'stdout' | 'stderr',
    private readonly address: RegExp,
  ) {}

  async start(): Promise<void> {
    const port = this.url === '' ? '0' : new URL(this.url).port;
    const stdio = {
      stdout: ['ignore', 'pipe', 'ignore'],
      stderr: ['ignore', 'ignore', 'pipe'],
    } as const;
    const child = spawn(join(FOLDER, this.name), ['--port', port, ...this.args], {
      env: { ...process.env, ...this.env },
      stdio: [...stdio[this.speaks]],
    });
    this.#child = child;
    for await (const line of createInterface({ input: child[this.speaks]! })) {
      const said = this.address.exec(line)?.[1];
      if (said === undefined) continue;
      this.url = said.replace(/\/$/, '');
      child[this.speaks]!.resume();
      return;
    }
    throw new Error(`${this.name} ended without saying its address`);
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}
