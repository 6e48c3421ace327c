/** What a rating says of a reply. */
export type Rating = 'up' | 'down';

/** How a turn ended. */
export type TurnKind = 'reply' | 'error' | 'cancelled';

/** What became of the document that a message referred to. */
export type ContextUse = 'used' | 'none' | 'unavailable';

/**
 * How the client stands with the server.
 *
 * - `idle`: `connect()` has not been called, or `close()` has.
 * - `connecting`, `open`: as they say; `open` only once the server has answered.
 * - `waiting`: a connection failed; the next attempt is at `retryAt`.
 * - `offline`: the device says that it has no network.
 * - `rate-limited`: the server asked to wait until `retryAt`.
 * - `signed-out`: the host's token is missing or refused; `connect()` tries again.
 * - `closed`: the server refused for good; `connect()` tries again.
 */
export type ConnectionStatus =
  'idle' | 'connecting' | 'open' | 'waiting' | 'offline' | 'rate-limited' | 'signed-out' | 'closed';

/** The connection, with the time of the next attempt in milliseconds since 1970 where there is one. */
export interface ConnectionState {
  readonly status: ConnectionStatus;
  readonly retryAt: number | null;
}

/** How far a turn is; `failed` is a message that never reached the server. */
export type TurnState = 'sending' | 'failed' | 'waiting' | 'running' | 'done';

/** What goes on in a turn before or between the pieces of its reply. */
export interface TurnStatus {
  readonly phase: string;
  readonly provider?: string;
}

/** Why a turn has no reply, or a message was not sent. `code` is one of the contract's error codes, `message` for the user. */
export interface TurnError {
  readonly code: string;
  readonly message: string;
}

/** Tokens that a model call cost. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/**
 * One message with its reply, as the user may see it.
 *
 * Values are never changed in place: a turn that did not change keeps its identity.
 */
export interface TurnView {
  readonly messageId: string;
  /** Its number, once the server has given it one. */
  readonly turn: number | null;
  /** The user's text; null while only the reply of another tab's message is known. */
  readonly message: string | null;
  readonly documentId: string | null;
  readonly state: TurnState;
  /** Set once `state` is `done`. */
  readonly kind: TurnKind | null;
  /** The reply's Markdown: provisional while running, never changed again once done. Untrusted. */
  readonly text: string;
  /** The generation that `text` belongs to; a rise above 1 is a restart. */
  readonly gen: number;
  readonly status: TurnStatus | null;
  /** Set for `kind` `error`, and for `failed` and retried messages. */
  readonly error: TurnError | null;
  /** When a message that is being sent is tried again, in milliseconds since 1970. */
  readonly retryAt: number | null;
  readonly finishReason: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly usage: TokenUsage | null;
  readonly costMicroUsd: number | null;
  readonly context: ContextUse | null;
  /** The user's own rating in this client; the server does not give it back. */
  readonly feedback: Rating | null;
  readonly createdAt: string | null;
  readonly finishedAt: string | null;
}

/** Something that the user should be told once. */
export interface Notice {
  readonly code: 'session-ended' | 'refused';
  /** The server's words, where it said any. */
  readonly message: string | null;
}

/** Everything that a chat window shows. */
export interface ChatState {
  readonly connection: ConnectionState;
  readonly sessionId: string | null;
  /** Ascending by turn; messages without a turn come last. */
  readonly turns: readonly TurnView[];
  /** Tells whether a reply is being waited for or written. */
  readonly running: boolean;
  /** Tells whether `loadOlder()` would find something. */
  readonly hasOlder: boolean;
  /** Tells whether the stored conversation is still being read. */
  readonly loading: boolean;
  readonly notice: Notice | null;
}

/** A document that the caller may refer to. */
export interface DocumentInfo {
  readonly id: string;
  readonly title: string;
}

/** Where an event stands: its turn and generation, and what the server added to a final. */
export interface EventMetadata {
  readonly turn: number;
  readonly gen: number;
  /** Where a piece begins in its generation, in UTF-16 code units. */
  readonly offset?: number;
  /** On `TEXT_MESSAGE_START`: it replaces the message before it in this run. */
  readonly restart?: true;
  /** On `TEXT_MESSAGE_END`: the message is no part of the reply any more. */
  readonly abandoned?: true;
  /** On `RUN_ERROR`: the user's message. */
  readonly messageId?: string;
  readonly finishReason?: string;
  readonly costMicroUsd?: number;
}

/** Usage of a model as AG-UI tells it. */
export interface EventUsage {
  readonly provider?: string;
  readonly model?: string;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}

/**
 * An AG-UI event to which the client rule has been applied.
 *
 * Runs come whole, in order, one after the other, and none is skipped or repeated.
 * Each is `RUN_STARTED`; then messages, each `TEXT_MESSAGE_START`, `TEXT_MESSAGE_CONTENT`…, `TEXT_MESSAGE_END`;
 * then `RUN_FINISHED` or `RUN_ERROR`. A restart ends a message with `metadata.abandoned` and begins another with
 * `metadata.restart`. `RUN_FINISHED` always has its `result`.
 * `chat.forgotten` says that the session began anew and that a run which is open will not be ended.
 */
export type ChatEvent =
  | {
      readonly type: 'RUN_STARTED';
      readonly threadId: string;
      readonly runId: string;
      readonly metadata: EventMetadata;
    }
  | {
      readonly type: 'TEXT_MESSAGE_START';
      readonly messageId: string;
      readonly role: 'assistant';
      readonly metadata: EventMetadata;
    }
  | {
      readonly type: 'TEXT_MESSAGE_CONTENT';
      readonly messageId: string;
      readonly delta: string;
      readonly metadata: EventMetadata;
    }
  | {
      readonly type: 'TEXT_MESSAGE_END';
      readonly messageId: string;
      readonly metadata: EventMetadata;
    }
  | {
      readonly type: 'RUN_FINISHED';
      readonly threadId: string;
      readonly runId: string;
      readonly result: { readonly messageId: string; readonly text: string };
      readonly usage: readonly EventUsage[];
      readonly metadata: EventMetadata;
    }
  | {
      readonly type: 'RUN_ERROR';
      readonly threadId: string;
      readonly runId: string;
      readonly message: string;
      readonly code: string;
      readonly metadata: EventMetadata;
    }
  | {
      readonly type: 'CUSTOM';
      readonly name: 'chat.status';
      readonly value: TurnStatus;
      readonly metadata: EventMetadata;
    }
  | {
      readonly type: 'CUSTOM';
      readonly name: 'chat.forgotten';
      readonly value: Record<string, never>;
    };

/** The part of `localStorage` that is used; keys begin with `learning-yogi:`. */
export type ChatStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** How to reach the server, and as whom. */
export interface ChatOptions {
  /** Where the API is, absolute or relative to the page. */
  readonly apiUrl: string;
  /** Where session and token outlive a reload: by default `localStorage`; null keeps them in memory. */
  readonly storage?: ChatStorage | null;
  /** A session of the host's choice instead of one that the server names. */
  readonly sessionId?: string;
  /**
   * Gives the host's own token (a JWT), asked for before every call, so it should be cached.
   * `refresh` says that the server has just refused the one before. Without it, callers are anonymous.
   */
  readonly token?: (refresh: boolean) => Promise<string | undefined> | string | undefined;
  /** What a message refers to unless `send` says otherwise. */
  readonly documentId?: string;
  readonly provider?: string;
  readonly fetch?: typeof globalThis.fetch;
  readonly WebSocket?: typeof globalThis.WebSocket;
}

/** What goes with a message. */
export interface SendOptions {
  /** Null sends without a document, also where the options name one. */
  readonly documentId?: string | null;
  readonly provider?: string;
  /** The idempotency key: 1 to 128 of `[A-Za-z0-9._:-]`; made up where absent. */
  readonly messageId?: string;
}

/** One conversation with the server. */
export interface ChatClient {
  /** Gives the present state; the same object until something changes. */
  readonly getState: () => ChatState;
  /** Calls `listener` after each change, until the function that it returns is called. */
  readonly subscribe: (listener: () => void) => () => void;
  /** Calls `listener` with each event in order, from now on, until the function that it returns is called. */
  onEvent(listener: (event: ChatEvent) => void): () => void;
  /** Goes on with the stored session or opens one, and stays connected. Harmless to repeat; wakes a waiting client. */
  connect(): Promise<void>;
  /**
   * Sends a message, connecting first if need be; the turn is in the state at once.
   *
   * Resolves when the server has accepted it, and rejects with `ChatError` when it did not;
   * what can be tried again has been by then, under the same id.
   */
  send(text: string, options?: SendOptions): Promise<{ readonly messageId: string }>;
  /** Sends a `failed` message again under its old id. */
  resend(messageId: string): Promise<{ readonly messageId: string }>;
  /** Sends the text of a turn again as a new message. */
  regenerate(messageId: string): Promise<{ readonly messageId: string }>;
  /** Takes a `failed` message back, and gives its text. */
  discard(messageId: string): string | null;
  /** Asks the server to end a reply with the text that it has: the given one, or the one that is running. */
  stop(messageId?: string): Promise<void>;
  /** Says what the user thinks of a turn that is done. */
  feedback(turn: number, rating: Rating, comment?: string): Promise<void>;
  /** Loads the page of turns before the oldest one that is here. */
  loadOlder(): Promise<void>;
  /** Lists the documents that the caller may refer to. */
  documents(): Promise<readonly DocumentInfo[]>;
  /** Leaves the session as it is and opens a new one. */
  newSession(): Promise<void>;
  /** Deletes the session with everything in it, on the server too, and opens a new one. */
  deleteSession(): Promise<void>;
  /** Takes the notice away. */
  dismissNotice(): void;
  /** Disconnects and stops all timers; `connect()` begins again. */
  close(): void;
}
