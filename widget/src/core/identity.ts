/** The session id and the token that belongs to it. */
import type { Credentials } from './api.js';
import { ChatError } from './error.js';
import type { JsonStore } from './storage.js';
import type { ChatOptions } from './types.js';

interface StoredSession {
  readonly id: string;
  readonly token: string | null;
}

/**
 * The identity of a client.
 *
 * Session id and token are stored as one value. Two tabs that open for the first time at the same
 * moment each get a session and a token of their own; stored separately, the id of one could end up
 * beside the token of the other, and neither would be usable.
 */
export class Identity implements Credentials {
  id: string | null = null;
  #token: string | null = null;

  constructor(
    private readonly store: JsonStore,
    private readonly host: ChatOptions['token'],
  ) {}

  /** Returns whether the host supplies the token. */
  get isHosted(): boolean {
    return this.host !== undefined;
  }

  /** Takes over the stored session, if there is a usable one and it is the requested one. */
  restore(wanted: string | undefined): boolean {
    const kept = this.#load();
    if (!kept) return false;
    this.#token ??= kept.token;
    if ((wanted !== undefined && kept.id !== wanted) || (this.#token === null && !this.isHosted))
      return false;
    this.id = kept.id;
    return true;
  }

  take(id: string): void {
    this.id = id;
    this.#save();
  }

  /** Forgets the session, and the token too if `token` is set. */
  forget(token: boolean): void {
    // Another tab may have stored a newer session meanwhile; that one must stay.
    if (this.#load()?.id === this.id) this.store.set('session', null);
    this.id = null;
    if (token) this.#token = null;
  }

  async token(refused: boolean): Promise<string | null | undefined> {
    if (this.host) return this.#hosted(this.host, refused);
    const kept = this.#load();
    if (refused && kept?.id === this.id && kept?.token) this.#token = kept.token;
    return this.#token;
  }

  renewed(token: string): void {
    if (this.isHosted) return;
    this.#token = token;
    if (this.id !== null && this.#load()?.id === this.id) this.#save();
  }

  // A function that throws may succeed the next time, so this is an error worth retrying; one that
  // returns no token says that nobody is signed in.
  async #hosted(
    host: NonNullable<ChatOptions['token']>,
    refused: boolean,
  ): Promise<string | undefined> {
    try {
      return (await host(refused)) || undefined;
    } catch {
      throw new ChatError(0, 'unreachable', 'The page could not confirm who you are.');
    }
  }

  #load(): StoredSession | null {
    const kept = this.store.get<StoredSession>('session');
    return typeof kept?.id === 'string' ? kept : null;
  }

  #save(): void {
    this.store.set('session', { id: this.id, token: this.#token });
  }
}
