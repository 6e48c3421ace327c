/** The session id and the token that belongs to it. */
import type { Credentials } from './api.js';
import { ChatError } from './error.js';
import type { JsonStore } from './storage.js';
import type { ChatOptions } from './types.js';

interface StoredSession {
  readonly id: string;
  readonly token: string | null;
}

/** Who the client is; see `createIdentity`. */
export interface Identity extends Credentials {
  /** The id of the session, null if there is none. */
  id: string | null;
  /** Whether the host supplies the token. */
  readonly isHosted: boolean;
  /** Takes over the stored session, if there is a usable one and it is the requested one. */
  restore(wanted: string | undefined): boolean;
  take(id: string): void;
  /** Forgets the session, and the token too if `token` is set. */
  forget(token: boolean): void;
}

/**
 * Creates the identity of a client.
 *
 * Session id and token are stored as one value. Two tabs that open for the first time at the same
 * moment each get a session and a token of their own; stored separately, the id of one could end up
 * beside the token of the other, and neither would be usable.
 */
export function createIdentity(store: JsonStore, host: ChatOptions['token']): Identity {
  let token: string | null = null;
  const load = (): StoredSession | null => {
    const kept = store.get<StoredSession>('session');
    return typeof kept?.id === 'string' ? kept : null;
  };
  const save = () => store.set('session', { id: identity.id, token });
  const identity: Identity = {
    id: null,
    isHosted: host !== undefined,
    restore(wanted) {
      const kept = load();
      if (!kept) return false;
      token ??= kept.token;
      if ((wanted !== undefined && kept.id !== wanted) || (token === null && !host)) return false;
      identity.id = kept.id;
      return true;
    },
    take(id) {
      identity.id = id;
      save();
    },
    forget(isTokenToo) {
      // Another tab may have stored a newer session meanwhile; that one must stay.
      if (load()?.id === identity.id) store.set('session', null);
      identity.id = null;
      if (isTokenToo) token = null;
    },
    async token(refused) {
      if (host) return hostedToken(host, refused);
      const kept = load();
      if (refused && kept?.id === identity.id && kept?.token) token = kept.token;
      return token;
    },
    renewed(newer) {
      if (host) return;
      token = newer;
      if (identity.id !== null && load()?.id === identity.id) save();
    },
  };
  return identity;
}

// A function that throws may succeed the next time, so this is an error worth retrying; one that
// returns no token says that nobody is signed in.
async function hostedToken(
  host: NonNullable<ChatOptions['token']>,
  refused: boolean,
): Promise<string | undefined> {
  try {
    return (await host(refused)) || undefined;
  } catch {
    throw new ChatError(0, 'unreachable', 'The page could not confirm who you are.');
  }
}
