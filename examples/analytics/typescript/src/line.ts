/** One line of input. */

import { SCHEMA_VERSION, SOURCE } from './events.js';
import type { Event, Feedback, Metadata, Session, Turn } from './events.js';
import {
  count,
  flag,
  integer,
  moment,
  nullable,
  object,
  optional,
  Refusal,
  text,
  typed,
} from './fields.js';
import type { Fields, Shape } from './fields.js';

const metadata: Shape<Metadata> = { id: text, specversion: text, schema_version: text };

const session: Shape<Session> = {
  session_id: text,
  session_key: text,
  timestamp: moment,
  metadata: (value) => typed(value, metadata),
};

const turn: Shape<Turn> = {
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
  synthetic: flag,
  user_message: optional(nullable(text), null),
  response: optional(nullable(text), null),
};

const feedback: Shape<Feedback> = {
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

/** Reads a line; null for what is no event of ours: another source or detail type, a remark of yogi's. */
export function read(line: Uint8Array): Event | null {
  const fields = parse(line);
  // EventBridge's name of it is another than yogi's.
  const named: Fields =
    'detail-type' in fields ? { ...fields, detail_type: fields['detail-type'] } : fields;
  if (!('detail_type' in named) && 'type' in named) return null;
  const envelope = typed(named, {
    detail_type: text,
    detail: object,
    source: optional(nullable(text), null),
  });
  return (envelope.source ?? SOURCE) === SOURCE
    ? event(envelope.detail_type, envelope.detail)
    : null;
}

function event(type: string, detail: Fields): Event | null {
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

/** Reads a detail, its version first: the fields of another version are not ours to judge. */
function versioned<T extends Session>(detail: Fields, shape: Shape<T>): T {
  const head = typed(detail, { metadata: session.metadata });
  if (head.metadata.schema_version !== SCHEMA_VERSION)
    throw new Refusal(`schema_version is not "${SCHEMA_VERSION}"`);
  return typed(detail, shape);
}

function parse(line: Uint8Array): Fields {
  try {
    return object(
      JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line)),
    );
  } catch {
    throw new Refusal('this is not a JSON object');
  }
}
