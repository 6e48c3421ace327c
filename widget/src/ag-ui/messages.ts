/** Messages as AG-UI has them. */
import type { Message } from '@ag-ui/client';
import { replyId } from '../adapter/follow-run.js';
import type { TurnView } from '../core/types.js';

/** A message of a person, as it is sent. */
export interface UserMessage {
  readonly id: string;
  readonly text: string;
}

/** Gives the last message of a person, or null where there is none with text. */
export function lastUserMessage(messages: readonly Message[]): UserMessage | null {
  const asked = messages.findLast(({ role }) => role === 'user');
  const text = textOf(asked?.content);
  return asked && text !== '' ? { id: asked.id, text } : null;
}

/** Gives turns as messages, without the reply of one that is not final. */
export function toMessages(turns: readonly TurnView[]): Message[] {
  return turns.flatMap((turn): Message[] => {
    const asked: Message[] =
      turn.message === null ? [] : [{ id: turn.messageId, role: 'user', content: turn.message }];
    if (turn.state !== 'done' || turn.text === '') return asked;
    return [...asked, { id: replyId(turn), role: 'assistant', content: turn.text }];
  });
}

// Parts other than text are not understood by the server, and are left out.
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content
    .map((part) => (part?.type === 'text' && typeof part.text === 'string' ? part.text : ''))
    .join('');
}
