/**
 * What survives a reload.
 *
 * Storage can be full, blocked or cleared by the user; the client then continues with what it has
 * in memory.
 */
import type { ChatStorage } from './types.js';

/** A store of small JSON values; null means that there is none. */
export interface JsonStore {
  get<T>(name: string): T | null;
  set(name: string, value: unknown): void;
}

/** Creates a store whose keys begin with `learning-yogi:` and the URL of the API. */
export function createStore(backing: ChatStorage | null | undefined, address: string): JsonStore {
  const memory = new Map<string, unknown>(); // values that could not be written
  const key = (name: string) => `learning-yogi:${address}:${name}`;
  const place = () => (backing === undefined ? globalThis.localStorage : backing);
  return {
    get<T>(name: string): T | null {
      if (memory.has(name)) return memory.get(name) as T | null;
      try {
        return JSON.parse(place()?.getItem(key(name)) ?? 'null') as T | null;
      } catch {
        return null;
      }
    },
    set(name, value) {
      memory.delete(name);
      try {
        const backing = place();
        if (!backing) memory.set(name, value);
        else if (value === null) backing.removeItem(key(name));
        else backing.setItem(key(name), JSON.stringify(value));
      } catch {
        memory.set(name, value);
      }
    },
  };
}

/** A message that the server has not accepted yet. */
export interface OutboxMessage {
  readonly messageId: string;
  readonly message: string;
  readonly documentId: string | null;
  readonly provider: string | null;
  /** When the user sent it, in milliseconds since 1970. */
  readonly at: number;
}

/**
 * Creates the list of messages that the server has not accepted yet.
 *
 * All tabs share it, so each change reads it again and touches one message only.
 */
export function createOutbox(store: JsonStore) {
  const all = () => store.get<OutboxMessage[]>('outbox') ?? [];
  const without = (id: string) => all().filter(({ messageId }) => messageId !== id);
  const keep = (messages: OutboxMessage[]) =>
    store.set('outbox', messages.length > 0 ? messages : null);
  return {
    all,
    add: (unsent: OutboxMessage) => keep([...without(unsent.messageId), unsent]),
    remove: (messageId: string) => keep(without(messageId)),
    clear: () => keep([]),
  };
}

/** See `createOutbox`. */
export type Outbox = ReturnType<typeof createOutbox>;

/** Creates a message id. (`crypto.randomUUID` does not exist on plain `http:` origins.) */
export function newMessageId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
