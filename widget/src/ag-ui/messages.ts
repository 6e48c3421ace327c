/** Messages in the form of AG-UI. */
import type { Message } from '@ag-ui/client';
import { replyId } from '../adapter/follow-run.js';
import type { TurnView } from '../core/types.js';

/** A message of the user. */
export interface UserMessage {
  readonly id: string;
  readonly text: string;
}

/** Returns the last message of the user, or null if it has no text. */
export function lastUserMessage(messages: readonly Message[]): UserMessage | null {
  const asked = messages.findLast(({ role }) => role === 'user');
  const text = textOf(asked?.content);
  return asked && text !== '' ? { id: asked.id, text } : null;
}

/** Converts turns to messages, leaving out replies that are not final. */
export function toMessages(turns: readonly TurnView[]): Message[] {
  return turns.flatMap((turn): Message[] => {
    const asked: Message[] =
      turn.message === null ? [] : [{ id: turn.messageId, role: 'user', content: turn.message }];
    if (turn.state !== 'done' || turn.text === '') return asked;
    return [...asked, { id: replyId(turn), role: 'assistant', content: turn.text }];
  });
}

// The server accepts text only; other parts are left out.
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part) => (part?.type === 'text' && typeof part.text === 'string' ? part.text : ''))
    .join('');
}
