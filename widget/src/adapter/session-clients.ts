/** The conversations that a front end has open, one client each. */
import { createChatClient, type ChatClient, type ChatOptions } from '../core/index.js';

/** How an adapter reaches the server; the session is the front end's own thread or chat. */
export type AdapterOptions = Omit<ChatOptions, 'sessionId'>;

const ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Opens clients by session id, and keeps them. */
export class SessionClients {
  readonly #options: AdapterOptions;
  readonly #clients = new Map<string, ChatClient>();

  constructor(options: AdapterOptions) {
    this.#options = options;
  }

  /** Gives the client of a session; throws where `id`, called `name` by the front end, is not one of the contract's ids. */
  get(id: string, name: string): ChatClient {
    if (!isId(id))
      throw new TypeError(`${name} must be 1 to 128 of A-Z a-z 0-9 . _ : -, and is not: "${id}"`);
    const known = this.#clients.get(id);
    if (known) return known;
    const client = createChatClient({ ...this.#options, sessionId: id });
    this.#clients.set(id, client);
    return client;
  }

  /** Disconnects all of them; each connects again when it is used. */
  close(): void {
    for (const client of this.#clients.values()) client.close();
  }
}

/**
 * Gives the id under which a message is sent: the front end's own, so that a repeat is answered once.
 *
 * A message that was answered before, or whose id the contract does not allow, gets a new one.
 */
export function messageIdFor(
  client: ChatClient,
  id: string | undefined,
  again = false,
): string | undefined {
  const isAnswered = client
    .getState()
    .turns.some(({ messageId, state }) => messageId === id && state === 'done');
  return again || isAnswered || id === undefined || !isId(id) ? undefined : id;
}

function isId(id: string): boolean {
  return ID.test(id);
}
