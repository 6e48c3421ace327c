// The chat of the AI SDK that `useChat` is built on, with the real server.
import { Chat } from '@ai-sdk/react';
import { WebSocket } from 'ws';
import { describe, expect, it } from 'vitest';
import { ChatbotTransport, type ChatbotUIMessage } from '../../src/ai-sdk/index.js';
import { backendIsMissing, STUB_REPLY } from '../support/backend.js';
import { useProxiedBackend } from '../support/use-backend.js';
import { sharedStorage, waitUntil } from '../support/wait.js';

describe.skipIf(backendIsMissing())('with the AI SDK', () => {
  const network = useProxiedBackend();

  function chatOn(
    id: string = crypto.randomUUID(),
    storage = sharedStorage(),
    messages: ChatbotUIMessage[] = [],
  ) {
    const transport = new ChatbotTransport({
      apiUrl: network.proxy.url,
      storage,
      WebSocket: WebSocket as never,
    });
    const statuses: unknown[] = [];
    const chat = new Chat<ChatbotUIMessage>({
      id,
      transport,
      messages,
      onData: ({ data }) => void statuses.push(data),
      onError: () => {},
    });
    return { chat, transport, storage, statuses };
  }

  const textOf = ({ parts }: ChatbotUIMessage) =>
    parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
  const replies = (chat: Chat<ChatbotUIMessage>) =>
    chat.messages.filter(({ role }) => role === 'assistant').map(textOf);

  it('a message is answered, and the next one after it', async () => {
    const { chat, transport } = chatOn();
    await chat.sendMessage({ text: 'Hello' });
    await chat.sendMessage({ text: 'And again?' });
    expect(replies(chat)).toEqual([STUB_REPLY, STUB_REPLY]);
    expect(chat.status).toBe('ready');
    expect(chat.messages.at(-1)!.metadata).toMatchObject({
      turn: 2,
      finishReason: 'stop',
      provider: 'claude',
    });
    transport.close();
  });

  it('a reply that is restarted leaves nothing of its first text', async () => {
    const { chat, transport, statuses } = chatOn();
    await chat.sendMessage({ text: 'Hello' }); // so the socket is open for the first text
    await chat.sendMessage({ text: 'Again [[stub:die-once]]' });
    expect(chat.status).toBe('ready');
    const stored = (await transport.history(chat.id))
      .filter(({ role }) => role === 'assistant')
      .map(textOf);
    expect(stored[1]).toMatch(/^Período 3 is .* follows\.$/);
    expect(replies(chat)).toEqual(stored);
    expect(statuses).toContainEqual(expect.objectContaining({ phase: expect.any(String) }));
    transport.close();
  });

  it('stop() ends the reply on the server too', async () => {
    const { chat, transport } = chatOn();
    const sent = chat.sendMessage({ text: 'Slowly [[stub:slow]]' });
    await waitUntil('text', () => replies(chat)[0]);
    await chat.stop();
    await sent;
    expect(chat.status).toBe('ready');
    await chat.sendMessage({ text: 'Hello' });
    const [first, second] = (await transport.history(chat.id)).filter(
      ({ role }) => role === 'assistant',
    );
    expect(first!.metadata).toMatchObject({ finishReason: 'cancelled' });
    expect(textOf(second!)).toBe(STUB_REPLY);
    transport.close();
  });

  it('a run that fails is an error, and the next one works', async () => {
    const { chat, transport } = chatOn();
    await chat.sendMessage({ text: 'Nobody can [[stub:fatal]]' });
    expect(chat.status).toBe('error');
    expect(chat.error?.message).not.toBe('');
    await chat.sendMessage({ text: 'Hello' });
    expect(replies(chat).at(-1)).toBe(STUB_REPLY);
    transport.close();
  });

  it('a connection that is cut in the middle of a reply goes unnoticed', async () => {
    const { chat, transport } = chatOn();
    const sent = chat.sendMessage({ text: 'Slowly [[stub:slow]]' });
    await waitUntil('text', () => replies(chat)[0]);
    network.proxy.cut();
    await sent;
    expect(replies(chat)).toEqual([STUB_REPLY]);
    transport.close();
  });

  it('after a reload the running reply is joined from its beginning', async () => {
    const before = chatOn();
    const sent = before.chat.sendMessage({ text: 'Slowly [[stub:slow]]' });
    await waitUntil('text', () => replies(before.chat)[0]);
    const transport = new ChatbotTransport({
      apiUrl: network.proxy.url,
      storage: before.storage,
      WebSocket: WebSocket as never,
    });
    const messages = await transport.history(before.chat.id);
    expect(messages.map(textOf)).toEqual(['Slowly [[stub:slow]]']);
    const chat = new Chat<ChatbotUIMessage>({ id: before.chat.id, transport, messages });
    await chat.resumeStream();
    expect(replies(chat)).toEqual([STUB_REPLY]);
    await sent;
    expect(await transport.reconnectToStream({ chatId: chat.id })).toBeNull();
    transport.close();
    before.transport.close();
  });

  it('regenerate() asks again as a new message', async () => {
    const { chat, transport } = chatOn();
    await chat.sendMessage({ text: 'Hello' });
    await chat.regenerate();
    expect(replies(chat)).toEqual([STUB_REPLY]);
    expect(await transport.history(chat.id)).toHaveLength(4);
    transport.close();
  });

  it('a chat id that is no session id is named in the error', async () => {
    const { chat } = chatOn('no spaces, please');
    await chat.sendMessage({ text: 'Hello' });
    expect(chat.error?.message).toContain('chatId must be');
  });
});
