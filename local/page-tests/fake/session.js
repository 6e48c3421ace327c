// One session of the fake server: turns, their frames, and who is listening.

import { createHash } from 'node:crypto';
import { script } from './replies.js';

const FINALS_A_RESUME = 20;

export class Session {
  turns = [];
  listeners = new Set();
  born = new Date().toISOString();

  constructor(id, pace) {
    Object.assign(this, { id, pace });
  }

  accept({ message_id: messageId, message }) {
    if (this.turns.some((turn) => turn.messageId === messageId)) return;
    const turn = { n: this.turns.length + 1, messageId, message, gen: 1, text: '', state: 'running', createdAt: new Date().toISOString() };
    this.turns.push(turn);
    this.last = (this.last ?? Promise.resolve()).then(() => this.#run(turn));
  }

  stop(messageId) {
    const turn = this.turns.find((one) => one.messageId === messageId);
    if (turn?.state === 'running') turn.cancelled = true;
  }

  resume(send, after) {
    this.listeners.add(send);
    send({ type: 'CUSTOM', name: 'chat.resumed', value: { first: 1, next: this.turns.length + 1, born: this.born } });
    const done = this.turns.filter(({ n, state }) => n > after && state === 'done');
    for (const turn of done.slice(0, FINALS_A_RESUME)) for (const frame of this.#ending(turn)) send(frame);
    const running = this.turns.find(({ state, started }) => state === 'running' && started);
    if (running) for (const frame of this.#opening(running)) send(frame);
  }

  async #run(turn) {
    turn.started = true;
    for (const step of script(turn.message)) {
      if (step.pause) await new Promise((resolve) => setTimeout(resolve, step.pause * this.pace));
      if (turn.cancelled) break;
      if (step.restart) Object.assign(turn, { gen: turn.gen + 1, text: '' });
      if (step.restart || step.start) for (const frame of this.#opening(turn)) this.#push(frame);
      if (step.status) this.#push({ type: 'CUSTOM', name: 'chat.status', value: step.status, metadata: place(turn) });
      if (step.text) this.#push(this.#delta(turn, step.text));
      if (step.error) turn.error = step.error;
      if (step.oversized) turn.oversized = true;
    }
    Object.assign(turn, { state: 'done', finishedAt: new Date().toISOString() });
    for (const frame of this.#ending(turn)) this.#push(frame);
  }

  #delta(turn, text) {
    const offset = turn.text.length;
    turn.text += text;
    return { type: 'TEXT_MESSAGE_CONTENT', messageId: replyId(turn), delta: text, metadata: { ...place(turn), offset } };
  }

  #opening(turn) {
    const frames = [
      { type: 'RUN_STARTED', threadId: this.id, runId: turn.messageId, metadata: place(turn) },
      { type: 'TEXT_MESSAGE_START', messageId: replyId(turn), role: 'assistant', metadata: place(turn) },
    ];
    if (turn.text) frames.push({ type: 'TEXT_MESSAGE_CONTENT', messageId: replyId(turn), delta: turn.text, metadata: { ...place(turn), offset: 0 } });
    return frames;
  }

  #ending(turn) {
    if (turn.error) return [{ type: 'RUN_ERROR', ...turn.error, metadata: { ...place(turn), messageId: turn.messageId } }];
    return [
      { type: 'TEXT_MESSAGE_END', messageId: replyId(turn), metadata: place(turn) },
      {
        type: 'RUN_FINISHED',
        threadId: this.id,
        runId: turn.messageId,
        ...(!turn.oversized && { result: { messageId: replyId(turn), text: turn.text } }),
        usage: [{ provider: 'fake', model: 'fake-1', inputTokens: 10, outputTokens: 20 }],
        metadata: { ...place(turn), finishReason: finishReason(turn), sha256: createHash('sha256').update(turn.text).digest('hex') },
      },
    ];
  }

  #push(frame) {
    for (const send of this.listeners) send(frame);
  }

  history(after) {
    return this.turns.filter(({ n, started }) => n > after && started).slice(0, 100).map((turn) => ({
      turn: turn.n,
      message_id: turn.messageId,
      message: turn.message,
      state: turn.state,
      created_at: turn.createdAt,
      context: 'none',
      ...(turn.state === 'running' ? { partial: turn.text } : outcome(turn)),
    }));
  }
}

function outcome(turn) {
  const done = { finished_at: turn.finishedAt, finish_reason: finishReason(turn) };
  if (turn.error) return { ...done, kind: 'error', error: turn.error };
  return { ...done, kind: turn.cancelled ? 'cancelled' : 'reply', text: turn.text, provider: 'fake', model: 'fake-1' };
}

function finishReason({ error, cancelled }) {
  if (error) return 'error';
  return cancelled ? 'cancelled' : 'stop';
}

const place = ({ n, gen }) => ({ turn: n, gen });
const replyId = ({ messageId, gen }) => `${messageId}.${gen}`;
