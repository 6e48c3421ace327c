/**
 * What outlives a reload. Storage can be full, forbidden or emptied by the user;
 * then the client goes on with what it holds in memory.
 */
import type { ChatStorage } from './types.js';

/** A store of small JSON values, null where there is none. */
export interface Store {
  get<T>(name: string): T | null;
  set(name: string, value: unknown): void;
}

/** Gives a store whose keys begin with `learning-yogi:` and the API's address. */
export function createStore(backing: ChatStorage | null | undefined, address: string): Store {
  const memory = new Map<string, unknown>(); // what the backing did not take
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

/** A message that the server has not accepted yet, with the session that it was meant for. */
export interface Unsent {
  readonly messageId: string;
  readonly message: string;
  readonly documentId: string | null;
  readonly provider: string | null;
  /** When the user sent it, in milliseconds since 1970. */
  readonly at: number;
}

/** Keeps messages until the server has accepted them; tabs share it, so each touches its own messages only. */
export function createOutbox(store: Store) {
  const all = () => store.get<Unsent[]>('outbox') ?? [];
  const without = (id: string) => all().filter(({ messageId }) => messageId !== id);
  const keep = (messages: Unsent[]) => store.set('outbox', messages.length > 0 ? messages : null);
  return {
    all,
    add: (unsent: Unsent) => keep([...without(unsent.messageId), unsent]),
    remove: (messageId: string) => keep(without(messageId)),
    clear: () => keep([]),
  };
}

/** See `createOutbox`. */
export type Outbox = ReturnType<typeof createOutbox>;

/** Makes a message id; `crypto.randomUUID` is missing where the origin is not secure. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
