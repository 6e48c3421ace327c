/** Parses a line of input. */

import { SCHEMA_VERSION, SOURCE } from './events.js';
import type { Event, Feedback, Metadata, Session, Turn } from './events.js';
import {
  count,
  flag,
  integer,
  timestamp,
  nullable,
  object,
  optional,
  RejectedLine,
  text,
  texts,
  readObject,
} from './fields.js';
import type { JsonObject, FieldReaders } from './fields.js';

const metadata: FieldReaders<Metadata> = { id: text, specversion: text, schema_version: text };

const session: FieldReaders<Session> = {
  session_id: text,
  session_key: text,
  timestamp: timestamp,
  metadata: (value) => readObject(value, metadata),
};

const turn: FieldReaders<Turn> = {
  ...session,
  message_id: text,
  turn: count,
  message_length: count,
  response_length: count,
  document_id: nullable(text),
  provider: nullable(text),
  model: nullable(text),
  input_tokens: count,
  output_tokens: count,
  cached_input_tokens: optional(count, 0),
  cache_write_tokens: optional(count, 0),
  cached: optional(flag, false),
  cost_micro_usd: nullable(integer),
  queue_ms: count,
  context_ms: count,
  first_token_ms: nullable(count),
  total_ms: count,
  finish_reason: text,
  error_code: nullable(text),
  generations: count,
  context: text,
  grounding: optional(nullable(text), null),
  citations: optional(count, 0),
  cited_document_ids: optional(texts, []),
  synthetic: flag,
  user_message: optional(nullable(text), null),
  response: optional(nullable(text), null),
};

const feedback: FieldReaders<Feedback> = {
  ...session,
  message_id: text,
  turn: count,
  rating: text,
  comment_length: count,
  provider: nullable(text),
  model: nullable(text),
  synthetic: flag,
  comment: optional(nullable(text), null),
};

/** Parses a line; null for other sources and detail types, and for notices of `yogi tail`. */
export function read(line: Uint8Array): Event | null {
  const fields = parse(line);
  // EventBridge writes `detail-type`, yogi `detail_type`.
  const named: JsonObject =
    'detail-type' in fields ? { ...fields, detail_type: fields['detail-type'] } : fields;
  if (!('detail_type' in named) && 'type' in named) return null;
  const envelope = readObject(named, {
    detail_type: text,
    detail: object,
    source: optional(nullable(text), null),
  });
  return (envelope.source ?? SOURCE) === SOURCE
    ? event(envelope.detail_type, envelope.detail)
    : null;
}

function event(type: string, detail: JsonObject): Event | null {
  switch (type) {
    case 'Chat Message':
    case 'Chat Failed':
      return { type, detail: versioned(detail, turn) };
    case 'Chat Feedback':
      return { type, detail: versioned(detail, feedback) };
    case 'Session Expired':
    case 'Session Deleted':
      return { type, detail: versioned(detail, session) };
    default:
      return null;
  }
}

/** Reads a detail, checking its version first: another version may have other fields. */
function versioned<T extends Session>(detail: JsonObject, readers: FieldReaders<T>): T {
  const head = readObject(detail, { metadata: session.metadata });
  if (head.metadata.schema_version !== SCHEMA_VERSION)
    throw new RejectedLine(`schema_version is not "${SCHEMA_VERSION}"`);
  return readObject(detail, readers);
}

function parse(line: Uint8Array): JsonObject {
  try {
    return object(
      JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line)),
    );
  } catch {
    throw new RejectedLine('not a JSON object');
  }
}
