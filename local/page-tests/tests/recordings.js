// Frames as a server sends them, after the examples of the contract.

const THREAD = 's1';

const place = (turn, gen = 1) => ({ turn, gen });

export const resumed = (next = 1, born = '2026-01-05T08:00:00Z', first = 1) => ({
  type: 'CUSTOM',
  name: 'chat.resumed',
  value: { first, next, born },
});

export const started = (id, turn, gen) => ({ type: 'RUN_STARTED', threadId: THREAD, runId: id, metadata: place(turn, gen) });

export const opened = (id, turn, gen = 1) => ({
  type: 'TEXT_MESSAGE_START',
  messageId: `${id}.${gen}`,
  role: 'assistant',
  metadata: place(turn, gen),
});

export const delta = (id, turn, text, offset, gen = 1) => ({
  type: 'TEXT_MESSAGE_CONTENT',
  messageId: `${id}.${gen}`,
  delta: text,
  metadata: { ...place(turn, gen), offset },
});

export const ended = (id, turn, gen = 1) => ({ type: 'TEXT_MESSAGE_END', messageId: `${id}.${gen}`, metadata: place(turn, gen) });

export const status = (turn, gen = 1) => ({
  type: 'CUSTOM',
  name: 'chat.status',
  value: { phase: 'retrying', provider: 'claude' },
  metadata: place(turn, gen),
});

export const finished = (id, turn, text, gen = 1, finishReason = 'stop') => ({
  type: 'RUN_FINISHED',
  threadId: THREAD,
  runId: id,
  result: { messageId: `${id}.${gen}`, text },
  usage: [{ provider: 'claude', model: 'a-model', inputTokens: 10, outputTokens: 20 }],
  metadata: { ...place(turn, gen), finishReason, costMicroUsd: 123, sha256: '00', traceId: '11' },
});

export const withheld = (id, turn, gen) => {
  const { result, ...frame } = finished(id, turn, '', gen);
  return frame;
};

export const failed = (id, turn, gen = 1) => ({
  type: 'RUN_ERROR',
  message: 'No provider could answer.',
  code: 'provider_unavailable',
  metadata: { ...place(turn, gen), messageId: id },
});

export const stored = (id, turn, text) => ({
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

/** A run in which nothing goes wrong. */
export const normal = [
  resumed(),
  started('m1', 1),
  opened('m1', 1),
  delta('m1', 1, 'Period 3 ', 0),
  delta('m1', 1, 'is Science.', 9),
  ended('m1', 1),
  finished('m1', 1, 'Period 3 is Science.'),
];

/** The first worker dies; the opening of the second is lost, and its frames come twice. */
export const restarted = [
  resumed(),
  started('m1', 1),
  opened('m1', 1),
  delta('m1', 1, 'Period 3 is Ma', 0),
  status(1),
  started('m1', 1),
  delta('m1', 1, 'Period', 0, 2),
  delta('m1', 1, 'ths', 14),
  delta('m1', 1, 'Period 3', 0, 2),
  delta('m1', 1, ' is Science.', 8, 2),
  delta('m1', 1, ' is Science.', 8, 2),
  ended('m1', 1, 2),
  finished('m1', 1, 'Period 3 is Science.', 2),
  finished('m1', 1, 'Period 3 is Science.', 2),
];

/** The user stops the reply. */
export const cancelled = [
  resumed(),
  started('m1', 1),
  opened('m1', 1),
  delta('m1', 1, 'Period 3', 0),
  ended('m1', 1),
  finished('m1', 1, 'Period 3', 1, 'cancelled'),
];

/** No provider answers to the end. */
export const fatal = [resumed(), started('m1', 1), opened('m1', 1), delta('m1', 1, 'Period', 0), status(1), failed('m1', 1)];
