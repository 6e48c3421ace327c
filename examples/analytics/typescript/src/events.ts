/** The analytics events, as `contracts/events` describes version 1 of them. */

export const SOURCE = 'learning-yogi.chatbot';
export const SCHEMA_VERSION = '1';

/** A closed set of today: a newer chatbot may know more, so that any text is read. */
type Open<Known extends string> = Known | (string & {});

export type Provider = Open<'claude' | 'openai' | 'bedrock' | 'offline'>;

/** What every detail says of itself; consumers drop repeats by the id. */
export interface Metadata {
  id: string;
  specversion: string;
  schema_version: string;
}

/** The detail of `Session Expired` and `Session Deleted`; the beginning of the others. */
export interface Session {
  session_id: string;
  session_key: string;
  timestamp: Date;
  metadata: Metadata;
}

/** The detail of `Chat Message` and `Chat Failed`. */
export interface Turn extends Session {
  message_id: string;
  turn: number;
  message_length: number;
  response_length: number;
  document_id: string | null;
  provider: Provider | null;
  model: string | null;
  input_tokens: number;
  output_tokens: number;
  cached_input_tokens: number;
  cache_write_tokens: number;
  cached: boolean;
  /** Millionths of a US dollar; null where the price is not known, or no model was called. */
  cost_micro_usd: number | null;
  queue_ms: number;
  context_ms: number;
  first_token_ms: number | null;
  total_ms: number;
  finish_reason: Open<'stop' | 'length' | 'refusal' | 'content_filter' | 'cancelled' | 'error'>;
  error_code: string | null;
  generations: number;
  context: Open<'used' | 'none' | 'unavailable'>;
  /** Sent by an operator. */
  synthetic: boolean;
  /** Only where the operator chose to have texts, as the reply. */
  user_message: string | null;
  response: string | null;
}

/** The detail of `Chat Feedback`. */
export interface Feedback extends Session {
  message_id: string;
  turn: number;
  rating: Open<'up' | 'down'>;
  comment_length: number;
  provider: Provider | null;
  model: string | null;
  synthetic: boolean;
  comment: string | null;
}

/** Each detail type, and the detail that belongs to it. */
export type Event =
  | { type: 'Chat Message' | 'Chat Failed'; detail: Turn }
  | { type: 'Chat Feedback'; detail: Feedback }
  | { type: 'Session Expired' | 'Session Deleted'; detail: Session };
