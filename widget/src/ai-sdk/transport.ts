/** The chatbot as a transport for the AI SDK. */
import type { ChatTransport } from 'ai';
import { followRun } from '../adapter/follow-run.js';
import {
  messageIdFor,
  sendOptionsFrom,
  SessionClients,
  type AdapterOptions,
} from '../adapter/session-clients.js';
import { ChatError, type ChatClient } from '../core/index.js';
import { ChunkWriter, type ChatbotChunk } from './chunks.js';
import { toUIMessages, textOf, type ChatbotUIMessage } from './messages.js';

type SendMessages = Parameters<ChatTransport<ChatbotUIMessage>['sendMessages']>[0];
type Reconnect = Parameters<ChatTransport<ChatbotUIMessage>['reconnectToStream']>[0];

/**
 * A `ChatTransport` for `useChat`.
 *
 * A chat is a session, and ids that the contract allows are kept. Interruptions of the connection
 * are handled below the stream, which continues where it was. A reply that the server restarts is a
 * `reset-step`. Aborting also stops the reply on the server. `body` may contain a `documentId` and
 * a `provider`. The progress of the server arrives as transient `data-status` parts. `regenerate`
 * sends the last question again as a new message.
 */
export class ChatbotTransport implements ChatTransport<ChatbotUIMessage> {
  /** A resumed stream starts at the beginning of the reply. */
  readonly resumeStreamIsReplay = true;
  readonly #sessions: SessionClients;

  constructor(options: AdapterOptions) {
    this.#sessions = new SessionClients(options);
  }

  async sendMessages(options: SendMessages): Promise<ReadableStream<ChatbotChunk>> {
    const { chatId, trigger, messages, abortSignal, body } = options;
    const asked = messages.findLast(({ role }) => role === 'user');
    const text = asked ? textOf(asked) : '';
    if (!asked || text === '')
      throw new TypeError('messages must contain a user message with text.');
    const client = this.#client(chatId);
    const messageId =
      messageIdFor(client, asked.id, trigger === 'regenerate-message') ?? crypto.randomUUID();
    const sent = client.send(text, { messageId, ...sendOptionsFrom(body) });
    return stream(client, messageId, abortSignal, sent);
  }

  /** Follows the running reply from its beginning; null if there is none. */
  async reconnectToStream({ chatId, abortSignal }: Reconnect & { abortSignal?: AbortSignal }) {
    const client = this.#client(chatId);
    await client.connect();
    const open = client
      .getState()
      .turns.find(({ state }) => state === 'running' || state === 'waiting');
    return open ? stream(client, open.messageId, abortSignal) : null;
  }

  /** Returns the newest 50 turns of a chat as initial messages for `useChat`, after a reload. */
  async history(chatId: string): Promise<ChatbotUIMessage[]> {
    const client = this.#client(chatId);
    await client.connect();
    return toUIMessages(client.getState().turns);
  }

  /** Disconnects from the server; the transport connects again when it is used. */
  close = (): void => this.#sessions.close();

  #client(chatId: string): ChatClient {
    return this.#sessions.get(chatId, 'chatId');
  }
}

function stream(
  client: ChatClient,
  messageId: string,
  signal?: AbortSignal,
  sent?: Promise<unknown>,
): ReadableStream<ChatbotChunk> {
  // If the server cannot be reached the reply continues.
  const stop = () => void client.stop(messageId).catch(() => {});
  let leave = () => {};
  const end = () => {
    leave();
    signal?.removeEventListener('abort', stop);
  };
  return new ReadableStream({
    start(controller) {
      let isOpen = true;
      const writer = new ChunkWriter(
        (chunk) => controller.enqueue(chunk),
        () => {
          isOpen = false;
          controller.close();
          end();
        },
      );
      leave = followRun(client, messageId, writer);
      if (signal?.aborted) stop();
      else if (isOpen) signal?.addEventListener('abort', stop, { once: true });
      sent?.catch((error: unknown) => {
        if (!isOpen) return;
        leave();
        writer.failed(error instanceof ChatError ? error : { message: String(error) });
      });
    },
    // The reader has gone without a stop, and may come back: the reply continues.
    cancel: () => leave(),
  });
}
