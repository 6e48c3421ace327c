/** Which session this is, and the proof of who is speaking. */
import type { Credentials } from './api.js';
import { ChatError } from './error.js';
import type { Store } from './storage.js';
import type { ChatOptions } from './types.js';

interface Kept {
  readonly id: string;
  readonly token: string | null;
}

/**
 * A session with its token, kept together: two tabs that open for the first time at once have a principal each, and
 * whichever is stored last must be whole.
 */
export class Identity implements Credentials {
  id: string | null = null;
  #token: string | null = null;

  constructor(
    private readonly store: Store,
    private readonly host: ChatOptions['token'],
  ) {}

  /** Tells whether the host says who is speaking. */
  get isHosted(): boolean {
    return this.host !== undefined;
  }

  /** Goes on with the session that is stored, where there is one and it is the one that is wanted. */
  restore(wanted: string | undefined): boolean {
    const kept = this.#kept();
    if (!kept) return false;
    this.#token ??= kept.token;
    if ((wanted !== undefined && kept.id !== wanted) || (this.#token === null && !this.isHosted))
      return false;
    this.id = kept.id;
    return true;
  }

  take(id: string): void {
    this.id = id;
    this.#keep();
  }

  /** Forgets the session, and with `token` the proof as well. */
  forget(token: boolean): void {
    // Another tab may have stored a newer session meanwhile, which is not ours to remove.
    if (this.#kept()?.id === this.id) this.store.set('session', null);
    this.id = null;
    if (token) this.#token = null;
  }

  async token(refused: boolean): Promise<string | null | undefined> {
    if (this.host) return this.#hosted(this.host, refused);
    const kept = this.#kept();
    if (refused && kept?.id === this.id && kept?.token) this.#token = kept.token;
    return this.#token;
  }

  renewed(token: string): void {
    if (this.isHosted) return;
    this.#token = token;
    if (this.id !== null && this.#kept()?.id === this.id) this.#keep();
  }

  // A host that fails may succeed the next time; one that has no token says that nobody is signed in.
  async #hosted(
    host: NonNullable<ChatOptions['token']>,
    refused: boolean,
  ): Promise<string | undefined> {
    try {
      return (await host(refused)) || undefined;
    } catch {
      throw new ChatError(0, 'unreachable', 'The page could not say who you are.');
    }
  }

  #kept(): Kept | null {
    const kept = this.store.get<Kept>('session');
    return typeof kept?.id === 'string' ? kept : null;
  }

  #keep(): void {
    this.store.set('session', { id: this.id, token: this.#token } satisfies {
      id: string | null;
      token: string | null;
    });
  }
}
