/** The open conversations of a front end, with one client for each. */
import { createChatClient, type ChatClient, type ChatOptions } from '../core/index.js';

/** Options of an adapter. The session id is the id of the thread or chat in the front end. */
export type AdapterOptions = Omit<ChatOptions, 'sessionId'>;

const ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Creates and keeps clients by session id. */
export class SessionClients {
  readonly #options: AdapterOptions;
  readonly #clients = new Map<string, ChatClient>();

  constructor(options: AdapterOptions) {
    this.#options = options;
  }

  /**
   * Returns the client of a session.
   *
   * Throws a `TypeError` if the contract does not allow `id`; `name` is what the front end calls
   * it.
   */
  get(id: string, name: string): ChatClient {
    if (!isId(id))
      throw new TypeError(`${name} must be 1 to 128 of A-Z a-z 0-9 . _ : -, got: "${id}"`);
    const known = this.#clients.get(id);
    if (known) return known;
    const client = createChatClient({ ...this.#options, sessionId: id });
    this.#clients.set(id, client);
    return client;
  }

  /** Disconnects all clients; each connects again when it is used. */
  close(): void {
    for (const client of this.#clients.values()) client.close();
  }
}

/**
 * Returns the id to send a message under, or undefined if it needs a new one.
 *
 * The id of the front end is used, so that a repeat is answered once. A message needs a new id if
 * it was answered before, if it is asked `again` on purpose, or if the contract does not allow its
 * id.
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

/** Picks the options of a message from what a front end passes along; anything else is ignored. */
export function sendOptionsFrom(props: unknown): { documentId?: string; provider?: string } {
  const { documentId, provider } = (props ?? {}) as Record<string, unknown>;
  return {
    ...(typeof documentId === 'string' && { documentId }),
    ...(typeof provider === 'string' && { provider }),
  };
}

function isId(id: string): boolean {
  return ID.test(id);
}
