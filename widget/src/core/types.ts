/** A rating of a reply. */
export type Rating = 'up' | 'down';

/** How a turn ended. */
export type TurnKind = 'reply' | 'error' | 'cancelled';

/** Whether the document that a message referred to was used. */
export type ContextUse = 'used' | 'none' | 'unavailable';

/**
 * What a reply stands on: passages that it cites, a whole document, or nothing that was found.
 */
export type Grounding = 'cited' | 'document' | 'none';

/** Where a passage of a document stands. The texts in it are untrusted. */
export interface PassagePlace {
  readonly documentId: string;
  readonly title: string;
  /** Where the document is published, if it is. */
  readonly sourceUrl: string | null;
  /** The SHA-256 of the document's content, in hex: which version of it was read. */
  readonly version: string;
  /** Its place among the passages of that version, from 0. */
  readonly ordinal: number;
}

/** What a number means in the marks of a reply that is being written, such as 1 in `[1]`. */
export interface Passage extends PassagePlace {
  readonly number: number;
  /** The headings above it, the outermost first. */
  readonly headings: readonly string[];
}

/** A mark in a final reply, and the words of a passage that support what stands before it. */
export interface Citation extends PassagePlace {
  readonly number: number;
  /** Where the mark begins in the text, in UTF-16 code units. Only these places are marks. */
  readonly offset: number;
  /** Where the quote begins in the document's content, in UTF-16 code units. */
  readonly start: number;
  /** Where the quote ends in the document's content, in UTF-16 code units. */
  readonly end: number;
  readonly quote: string;
}

/** A passage with its text. */
export interface PassageText {
  readonly title: string;
  readonly headings: readonly string[];
  /** Where it begins in the document's content, in UTF-16 code units. */
  readonly start: number;
  readonly text: string;
}

/**
 * The status of the connection to the server.
 *
 * - `idle`: `connect()` has not been called, or `close()` has.
 * - `connecting`: an attempt is under way.
 * - `open`: the server has responded on the socket.
 * - `waiting`: the connection was lost; the next attempt is at `retryAt`.
 * - `offline`: the device reports that it has no network.
 * - `rate-limited`: the server asked to wait until `retryAt`.
 * - `polling`: the network lets no WebSocket through; replies come by long polls, and the socket is
 *   tried again at `retryAt`.
 * - `signed-out`: the host's token is missing or was rejected; `connect()` tries again.
 * - `closed`: the server refused permanently; `connect()` tries again.
 */
export type ConnectionStatus =
  | 'idle'
  | 'connecting'
  | 'open'
  | 'polling'
  | 'waiting'
  | 'offline'
  | 'rate-limited'
  | 'signed-out'
  | 'closed';

/** The connection; `retryAt` is the time of the next attempt in milliseconds since 1970. */
export interface ConnectionState {
  readonly status: ConnectionStatus;
  readonly retryAt: number | null;
}

/** The progress of a turn; `failed` is a message that never reached the server. */
export type TurnState = 'sending' | 'failed' | 'waiting' | 'running' | 'done';

/** What the server is doing for a turn before or between the pieces of its reply. */
export interface TurnStatus {
  readonly phase: string;
  readonly provider?: string;
}

/**
 * Why a turn has no reply, or a message was not sent.
 *
 * `code` is one of the contract's error codes; `message` can be shown to the user.
 */
export interface TurnError {
  readonly code: string;
  readonly message: string;
}

/** The tokens of a model call. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/**
 * One message with its reply, as the user may see it.
 *
 * Turns are immutable: one that did not change is the same object as before.
 */
export interface TurnView {
  readonly messageId: string;
  /** Its number, once the server has assigned one. */
  readonly turn: number | null;
  /** The text of the user; null while only the reply to a message of another tab is known. */
  readonly message: string | null;
  readonly documentId: string | null;
  readonly state: TurnState;
  /** Set once `state` is `done`. */
  readonly kind: TurnKind | null;
  /** The reply as Markdown: provisional while running, final once done. Untrusted. */
  readonly text: string;
  /** The generation that `text` belongs to; above 1 the reply was restarted. */
  readonly gen: number;
  readonly status: TurnStatus | null;
  /** What the numbers in the marks of a reply mean that is being written; empty without any. */
  readonly passages: readonly Passage[];
  /** The marks of a final reply, in their order; empty without any. */
  readonly citations: readonly Citation[];
  /** Set once `state` is `done`, if the documents were searched. */
  readonly grounding: Grounding | null;
  /** Set if `kind` is `error`, and for messages that failed or are being retried. */
  readonly error: TurnError | null;
  /** When the next attempt to send the message is made, in milliseconds since 1970. */
  readonly retryAt: number | null;
  readonly finishReason: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  readonly usage: TokenUsage | null;
  readonly costMicroUsd: number | null;
  readonly context: ContextUse | null;
  /** The rating given in this client; the server does not return earlier ones. */
  readonly feedback: Rating | null;
  readonly createdAt: string | null;
  readonly finishedAt: string | null;
}

/** A message to show to the user once. */
export interface Notice {
  readonly code: 'session-ended' | 'refused';
  /** The explanation of the server, if there is one. */
  readonly message: string | null;
}

/** Everything that a chat window shows. */
export interface ChatState {
  readonly connection: ConnectionState;
  readonly sessionId: string | null;
  /** In ascending order; messages without a number come last. */
  readonly turns: readonly TurnView[];
  /** Whether a message is being sent or a reply is pending. */
  readonly running: boolean;
  /** Whether `loadOlder()` would find something. */
  readonly hasOlder: boolean;
  /** Whether the stored conversation is still being loaded. */
  readonly loading: boolean;
  readonly notice: Notice | null;
}

/** A document that the caller may refer to. */
export interface DocumentInfo {
  readonly id: string;
  readonly title: string;
}

/** The position of an event, and what the server added to a final. */
export interface EventMetadata {
  readonly turn: number;
  readonly gen: number;
  /** The offset of a piece in its generation, in UTF-16 code units. */
  readonly offset?: number;
  /** On `TEXT_MESSAGE_START`: this message replaces the previous one of the run. */
  readonly restart?: true;
  /** On `TEXT_MESSAGE_END`: the message is not part of the reply any more. */
  readonly abandoned?: true;
  /** On `RUN_ERROR`: the id of the user's message. */
  readonly messageId?: string;
  readonly finishReason?: string;
  readonly costMicroUsd?: number;
}

/** The usage of a model in the form of AG-UI. */
export interface EventUsage {
  readonly provider?: string;
  readonly model?: string;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}

/**
 * An AG-UI event to which the client rule has been applied.
 *
 * Runs are complete and in order; none overlaps another, is skipped or repeated.
 * Each consists of `RUN_STARTED`; then messages, each with `TEXT_MESSAGE_START`, any number of
 * `TEXT_MESSAGE_CONTENT`, and `TEXT_MESSAGE_END`; then `RUN_FINISHED` or `RUN_ERROR`.
 * A restart ends a message with `metadata.abandoned` and starts another with `metadata.restart`.
 * `RUN_FINISHED` always has a `result`.
 * `chat.forgotten` means that the session was reset, and that an open run will not be ended.
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
      readonly result: {
        readonly messageId: string;
        readonly text: string;
        readonly citations?: readonly Citation[];
        readonly grounding?: Grounding;
      };
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
      readonly name: 'chat.citations';
      readonly value: { readonly passages: readonly Passage[] };
      readonly metadata: EventMetadata;
    }
  | {
      readonly type: 'CUSTOM';
      readonly name: 'chat.forgotten';
      readonly value: Record<string, never>;
    };

/** The part of `localStorage` that is used; all keys begin with `learning-yogi:`. */
export type ChatStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** How to reach the server, and as which user. */
export interface ChatOptions {
  /** The URL of the API, absolute or relative to the page. */
  readonly apiUrl: string;
  /** Where session and token are stored: `localStorage` by default; null keeps them in memory. */
  readonly storage?: ChatStorage | null;
  /** The id of the session to use, instead of one that the server assigns. */
  readonly sessionId?: string;
  /**
   * Returns the host's own token (a JWT). It is called before every request, so cache the token.
   * `refresh` says that the server has just rejected the previous one. Without this function, users
   * are anonymous.
   */
  readonly token?: (refresh: boolean) => Promise<string | undefined> | string | undefined;
  /** The document that messages refer to, unless `send` names another. */
  readonly documentId?: string;
  /** The provider to use, unless `send` names another. */
  readonly provider?: string;
  readonly fetch?: typeof globalThis.fetch;
  readonly WebSocket?: typeof globalThis.WebSocket;
}

/** Options of a message. */
export interface SendOptions {
  /** Null sends without a document even if the options of the client name one. */
  readonly documentId?: string | null;
  readonly provider?: string;
  /** The idempotency key, 1 to 128 of `[A-Za-z0-9._:-]`; generated if absent. */
  readonly messageId?: string;
}

/** One conversation with the server. */
export interface ChatClient {
  /** Returns the current state; the same object until something changes. */
  readonly getState: () => ChatState;
  /** Calls `listener` after each change, until the returned function is called. */
  readonly subscribe: (listener: () => void) => () => void;
  /** Calls `listener` with each new event in order, until the returned function is called. */
  onEvent(listener: (event: ChatEvent) => void): () => void;
  /**
   * Continues the stored session or opens a new one, and stays connected.
   *
   * Calling it again is harmless, and ends a delay before the next attempt.
   */
  connect(): Promise<void>;
  /**
   * Sends a message, connecting first if needed; the turn is in the state immediately.
   *
   * Resolves when the server has accepted it. Rejects with a `ChatError` if it did not, after all
   * retries that made sense; they use the same id.
   */
  send(text: string, options?: SendOptions): Promise<{ readonly messageId: string }>;
  /** Sends a `failed` message again under its old id. */
  resend(messageId: string): Promise<{ readonly messageId: string }>;
  /** Sends the text of a turn again as a new message. */
  regenerate(messageId: string): Promise<{ readonly messageId: string }>;
  /** Removes a `failed` message, and returns its text. */
  discard(messageId: string): string | null;
  /** Asks the server to stop a reply (by default the running one) and keep its text so far. */
  stop(messageId?: string): Promise<void>;
  /** Rates a turn that is done. */
  feedback(turn: number, rating: Rating, comment?: string): Promise<void>;
  /** Loads the page of turns before the oldest one in the state. */
  loadOlder(): Promise<void>;
  /** Lists the documents that the user may refer to. */
  documents(): Promise<readonly DocumentInfo[]>;
  /**
   * Reads a passage that a reply refers to.
   *
   * Rejects with a `ChatError` with `status` 404 if the user may not read it, or the document has
   * changed since.
   */
  passage(place: Pick<PassagePlace, 'documentId' | 'version' | 'ordinal'>): Promise<PassageText>;
  /** Opens a new session; the old one stays on the server. */
  newSession(): Promise<void>;
  /** Deletes the session with everything in it, also on the server, and opens a new one. */
  deleteSession(): Promise<void>;
  /** Removes the notice. */
  dismissNotice(): void;
  /** Disconnects and stops all timers; `connect()` starts again. */
  close(): void;
}
