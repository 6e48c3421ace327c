/** What the parts of one client share. */
import type { Api } from './api.js';
import type { Connection } from './connection.js';
import type { Identity } from './identity.js';
import type { Pauses } from './pause.js';
import { isOffline } from './presence.js';
import type { RuleState } from './rule/state.js';
import type { Outbox } from './storage.js';
import type { Turns } from './turns.js';
import type {
  ChatEvent,
  ChatOptions,
  ChatState,
  ConnectionState,
  ConnectionStatus,
  Notice,
  TurnView,
} from './types.js';

/** One client: its parts, and what changes. */
export interface Core {
  readonly options: ChatOptions;
  readonly api: Api;
  readonly connection: Connection;
  readonly identity: Identity;
  readonly outbox: Outbox;
  readonly pauses: Pauses;
  readonly turns: Turns;
  readonly listeners: Set<() => void>;
  readonly eventListeners: Set<(event: ChatEvent) => void>;
  /** Messages that the user stopped before they were sent. */
  readonly stopped: Set<string>;
  /** The session that the host asked for, until it is left for another. */
  wanted: string | undefined;
  rule: RuleState;
  /** Counts sessions, so that an answer for an earlier one is dropped. */
  era: number;
  opening: Promise<string> | null;
  /** The host has closed the client. */
  isClosed: boolean;
  link: ConnectionState;
  limitedUntil: number;
  /** When messages of other tabs were last asked for. */
  learnedAt: number;
  notice: Notice | null;
  loading: boolean;
  hasOlder: boolean;
  state: ChatState | null;
}

/** Makes the state anew if something has changed. */
export function stateOf(core: Core): ChatState {
  const { turns, identity, hasOlder, loading, notice } = core;
  core.state ??= {
    connection: connectionOf(core),
    sessionId: identity.id,
    turns: turns.list(),
    running: turns.list().some(isUnderWay),
    hasOlder,
    loading,
    notice,
  };
  return core.state;
}

/** Tells the listeners that something has changed. */
export function changed(core: Core): void {
  core.state = null;
  core.listeners.forEach((listener) => call(listener));
}

/** Notes how the connection is, with the pause until the next attempt. */
export function setLink(core: Core, status: ConnectionStatus, ms: number | null = null): void {
  core.link = { status, retryAt: ms === null ? null : Date.now() + ms };
  changed(core);
}

/** Tells whether a reply is being waited for or written. */
export function isUnderWay({ state }: TurnView): boolean {
  return state !== 'done' && state !== 'failed';
}

/** Tells whether nothing is being tried: the client has to be asked to connect. */
export function isResting({ link }: Core): boolean {
  return ['idle', 'closed', 'signed-out'].includes(link.status);
}

/** Calls a listener. One that fails must not stop the client; the page learns of it as of any other error. */
export function call(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function connectionOf({ link, limitedUntil }: Core): ConnectionState {
  if (link.status !== 'idle' && link.status !== 'signed-out' && isOffline())
    return { status: 'offline', retryAt: null };
  return limitedUntil > Date.now() ? { status: 'rate-limited', retryAt: limitedUntil } : link;
}
