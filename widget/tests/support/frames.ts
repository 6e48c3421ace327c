/** Frames as the server sends them, following the examples of the contract. */
import type { StoredTurn, Frame } from '../../src/core/wire.js';

const place = (turn: number, gen = 1) => ({ turn, gen });

export const resumed = (next = 1, born: number | string = 1_800_000_000_000, first = 1): Frame => ({
  type: 'CUSTOM',
  name: 'chat.resumed',
  value: { first, next, born },
});

export const started = (id: string, turn: number, gen?: number): Frame => ({
  type: 'RUN_STARTED',
  runId: id,
  metadata: place(turn, gen),
});

export const opened = (id: string, turn: number, gen = 1): Frame => ({
  type: 'TEXT_MESSAGE_START',
  messageId: `${id}.${gen}`,
  metadata: place(turn, gen),
});

export const delta = (id: string, turn: number, text: string, offset: number, gen = 1): Frame => ({
  type: 'TEXT_MESSAGE_CONTENT',
  messageId: `${id}.${gen}`,
  delta: text,
  metadata: { ...place(turn, gen), offset },
});

export const ended = (id: string, turn: number, gen = 1): Frame => ({
  type: 'TEXT_MESSAGE_END',
  messageId: `${id}.${gen}`,
  metadata: place(turn, gen),
});

export const status = (turn: number, gen = 1): Frame => ({
  type: 'CUSTOM',
  name: 'chat.status',
  value: { phase: 'retrying', provider: 'claude' },
  metadata: place(turn, gen),
});

const PLACE = {
  number: 1,
  document_id: 'handbook',
  title: 'Student handbook',
  version: 'ab'.repeat(32),
  ordinal: 3,
};

/** A passage as `chat.citations` has it. */
export const PASSAGE = { ...PLACE, headings: ['Rules', 'Phones'] };

/** A citation as finals have it, of a mark at `offset`. */
export const citation = (offset: number) => ({
  ...PLACE,
  source_url: 'https://school.example/handbook',
  offset,
  start: 120,
  end: 139,
  quote: 'Phones stay at home',
});

export const passages = (turn: number, gen = 1, list: unknown = [PASSAGE]): Frame => ({
  type: 'CUSTOM',
  name: 'chat.citations',
  value: { passages: list },
  metadata: place(turn, gen),
});

/** A final whose text ends with the mark `[1]`. */
export const cited = (id: string, turn: number, text: string, gen = 1): Frame => {
  const frame = finished(id, turn, text, gen);
  const citations = [citation(text.length - 3)];
  return { ...frame, result: { ...frame.result!, citations, grounding: 'cited' } };
};

export const finished = (
  id: string,
  turn: number,
  text: string,
  gen = 1,
  finishReason = 'stop',
): Frame => ({
  type: 'RUN_FINISHED',
  runId: id,
  result: { messageId: `${id}.${gen}`, text },
  usage: [{ provider: 'claude', model: 'a-model', inputTokens: 10, outputTokens: 20 }],
  metadata: { ...place(turn, gen), finishReason, costMicroUsd: 123 },
});

export const withheld = (id: string, turn: number, gen?: number): Frame => ({
  ...finished(id, turn, '', gen),
  result: undefined,
});

export const failed = (id: string, turn: number, gen = 1): Frame => ({
  type: 'RUN_ERROR',
  message: 'No provider could answer.',
  code: 'providers_unavailable',
  metadata: { ...place(turn, gen), messageId: id, finishReason: 'error' },
});

export const running = (id: string, turn: number): StoredTurn => ({
  turn,
  message_id: id,
  message: 'Hello',
  state: 'running',
  created_at: '2026-01-05T08:00:01Z',
});

export const stored = (id: string, turn: number, text: string): StoredTurn => ({
  turn,
  message_id: id,
  message: 'Hello',
  state: 'done',
  kind: 'reply',
  text,
  finish_reason: 'stop',
  context: 'none',
  created_at: '2026-01-05T08:00:01Z',
});
