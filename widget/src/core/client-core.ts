/** The state and the collaborators that the parts of one client share. */
import type { Api } from './api.js';
import type { Connection } from './connection.js';
import type { Identity } from './identity.js';
import type { Sleeper } from './sleep.js';
import { isOffline } from './device.js';
import type { RuleState } from './rule/state.js';
import type { Outbox } from './storage.js';
import type { TurnList } from './turn-list.js';
import type {
  ChatEvent,
  ChatOptions,
  ChatState,
  ConnectionState,
  ConnectionStatus,
  Notice,
  TurnView,
} from './types.js';

/** The internals of one client. */
export interface ClientCore {
  readonly options: ChatOptions;
  readonly api: Api;
  readonly connection: Connection;
  readonly identity: Identity;
  readonly outbox: Outbox;
  readonly sleeper: Sleeper;
  readonly turns: TurnList;
  readonly listeners: Set<() => void>;
  readonly eventListeners: Set<(event: ChatEvent) => void>;
  /** Messages that the user stopped before the server had accepted them. */
  readonly stopped: Set<string>;
  /** The session id that the host asked for, until the user starts another conversation. */
  wanted: string | undefined;
  rule: RuleState;
  /**
   * Changes with every session that is opened, left or lost. Code that awaits a call compares it
   * afterwards: a response for an earlier session must not change the state of the present one.
   */
  epoch: number;
  opening: Promise<string> | null;
  /** Set once the host has called `close()`. */
  isClosed: boolean;
  link: ConnectionState;
  limitedUntil: number;
  /** When turns were last fetched that no frame brings; Infinity while they are. */
  fetchedAt: number;
  notice: Notice | null;
  loading: boolean;
  hasOlder: boolean;
  state: ChatState | null;
}

/**
 * Returns the public state, building it only if something has changed: React and other listeners
 * rely on the same object until then.
 */
export function stateOf(core: ClientCore): ChatState {
  const { turns, identity, hasOlder, loading, notice } = core;
  core.state ??= {
    connection: connectionOf(core),
    sessionId: identity.id,
    turns: turns.list(),
    running: turns.list().some(isInProgress),
    hasOlder,
    loading,
    notice,
  };
  return core.state;
}

/** Notifies the listeners of a change. */
export function changed(core: ClientCore): void {
  core.state = null;
  core.listeners.forEach((listener) => callListener(listener));
}

/** Sets the status of the connection, with the delay until the next attempt. */
export function setLink(
  core: ClientCore,
  status: ConnectionStatus,
  ms: number | null = null,
): void {
  core.link = { status, retryAt: ms === null ? null : Date.now() + ms };
  changed(core);
}

/** Returns whether a turn is still being sent, queued or answered. */
export function isInProgress({ state }: TurnView): boolean {
  return state !== 'done' && state !== 'failed';
}

/** Returns whether the client attempts nothing by itself until `connect()` is called. */
export function isResting({ link }: ClientCore): boolean {
  return ['idle', 'closed', 'signed-out'].includes(link.status);
}

/**
 * Calls a listener of the host. An exception in it must not interrupt the client, so it is thrown
 * again from a microtask, where the page reports it like any other uncaught error.
 */
export function callListener(listener: () => void): void {
  try {
    listener();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function connectionOf({ link, limitedUntil }: ClientCore): ConnectionState {
  if (link.status !== 'idle' && link.status !== 'signed-out' && isOffline())
    return { status: 'offline', retryAt: null };
  return limitedUntil > Date.now() ? { status: 'rate-limited', retryAt: limitedUntil } : link;
}
