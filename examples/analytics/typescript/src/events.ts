/** The analytics events, as `contracts/events` describes version 1 of them. */

export const SOURCE = 'learning-yogi.chatbot';
export const SCHEMA_VERSION = '1';

/** An enumeration to which newer versions may add values, so any string is accepted. */
type OpenEnum<Known extends string> = Known | (string & {});

export type Provider = OpenEnum<'claude' | 'openai' | 'bedrock' | 'offline'>;

/** The metadata of every detail. Consumers deduplicate by the id. */
export interface Metadata {
  id: string;
  specversion: string;
  schema_version: string;
}

/** The detail of `Session Expired` and `Session Deleted`, and the common fields of the others. */
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
  /** In millionths of a US dollar; null if the price is unknown or no model was called. */
  cost_micro_usd: number | null;
  queue_ms: number;
  context_ms: number;
  first_token_ms: number | null;
  total_ms: number;
  finish_reason: OpenEnum<
    'stop' | 'length' | 'rejection' | 'content_filter' | 'cancelled' | 'error'
  >;
  error_code: string | null;
  generations: number;
  context: OpenEnum<'used' | 'none' | 'unavailable'>;
  /** What the reply stands on; null if the documents were not searched for it. */
  grounding: OpenEnum<'cited' | 'none'> | null;
  /** How many places of the reply cite a passage. */
  citations: number;
  cited_document_ids: string[];
  /** Sent by an operator. */
  synthetic: boolean;
  /** Present only if the operator has enabled texts in events; the same holds for `response`. */
  user_message: string | null;
  response: string | null;
}

/** The detail of `Chat Feedback`. */
export interface Feedback extends Session {
  message_id: string;
  turn: number;
  rating: OpenEnum<'up' | 'down'>;
  comment_length: number;
  provider: Provider | null;
  model: string | null;
  synthetic: boolean;
  comment: string | null;
}

/** An event: the detail type, and the detail of that type. */
export type Event =
  | { type: 'Chat Message' | 'Chat Failed'; detail: Turn }
  | { type: 'Chat Feedback'; detail: Feedback }
  | { type: 'Session Expired' | 'Session Deleted'; detail: Session };
