/** The programs that tests talk to: the real server, and the stub provider behind it. */
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

/** Returns whether a program is not built. In CI, a missing program is an error. */
export function backendIsMissing(): boolean {
  const missing = Object.values(NAMES).filter((name) => !existsSync(join(FOLDER, name)));
  if (missing.length === 0) return false;
  const remedy = 'build them with cargo build --workspace --bins';
  const problem = `${missing.join(', ')} not found in ${FOLDER}: ${remedy}`;
  if (process.env.CI) throw new Error(problem);
  console.warn(`skipped: ${problem}`);
  return true;
}

/**
 * Runs one seed of the simulation.
 *
 * Returns the inputs that its tabs received and what they showed, one JSON record per line.
 */
export async function simulate(seed: number): Promise<string[]> {
  const run = promisify(execFile)(join(FOLDER, NAMES.simulation), ['--tabs', String(seed)], {
    maxBuffer: 2 ** 30,
  });
  return (await run).stdout.split('\n').filter((line) => line !== '');
}

/** What the stub provider replies to a message without a marker. */
export function stubReply(tokens: number): string {
  return Array.from({ length: tokens }, (_, n) => `word${n} `).join('');
}

const TOKENS = 20;

/** What the stub provider replies with the default options. */
export const STUB_REPLY = stubReply(TOKENS);

/** How the stub provider replies to a message without a marker, and variables for the server. */
export interface BackendOptions {
  readonly tokens?: number;
  readonly delayMs?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** A server with a stub provider. Each can be killed and restarted at its address. */
export class Backend {
  server!: Program;
  provider!: Program;
  readonly #data = mkdtempSync(join(tmpdir(), 'chatbot-'));

  static async start({
    tokens = TOKENS,
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

/** A program that prints its address, and keeps it when it is restarted. */
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
    throw new Error(`${this.name} exited without printing its address`);
  }

  /** Kills it, like a crash. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}
