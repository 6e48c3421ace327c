/** Messages as the AI SDK has them. */
import type { UIMessage } from 'ai';
import type { TokenUsage, TurnStatus, TurnView } from '../core/types.js';

/** What is known of a reply beside its text. */
export interface ChatbotMetadata {
  readonly turn?: number;
  readonly finishReason?: string;
  readonly provider?: string;
  readonly model?: string;
  readonly usage?: TokenUsage;
  readonly costMicroUsd?: number;
}

/** A message of the chatbot. */
export type ChatbotUIMessage = UIMessage<ChatbotMetadata, { status: TurnStatus }>;

/** Gives what is known of a final. */
export function metadataOf({
  turn,
  finishReason,
  provider,
  model,
  usage,
  costMicroUsd,
}: TurnView): ChatbotMetadata {
  const known = Object.entries({ turn, finishReason, provider, model, usage, costMicroUsd });
  return Object.fromEntries(known.filter(([, value]) => value !== null));
}

/** Gives the id of a turn's reply, which a restart does not change. */
export function uiReplyId({ messageId }: TurnView): string {
  return `${messageId}.reply`;
}

/** Gives a message's text; parts of other kinds are not understood by the server, and are left out. */
export function textOf({ parts }: Pick<ChatbotUIMessage, 'parts'>): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** Gives turns as messages, without the reply of one that is not final. */
export function toUIMessages(turns: readonly TurnView[]): ChatbotUIMessage[] {
  return turns.flatMap((turn): ChatbotUIMessage[] => {
    const { messageId, message } = turn;
    const asked: ChatbotUIMessage[] =
      message === null
        ? []
        : [{ id: messageId, role: 'user', parts: [{ type: 'text', text: message }] }];
    return turn.state === 'done' && turn.text !== '' ? [...asked, reply(turn)] : asked;
  });
}

function reply(turn: TurnView): ChatbotUIMessage {
  const id = uiReplyId(turn);
  const text = { type: 'text', text: turn.text, state: 'done' } as const;
  return {
    id,
    role: 'assistant',
    metadata: metadataOf(turn),
    parts: [{ type: 'step-start' }, text],
  };
}
