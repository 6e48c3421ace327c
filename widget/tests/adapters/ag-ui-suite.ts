/** The agent with AG-UI's own client, in every supported version, and the real server. */
import type { BaseEvent, Message } from '@ag-ui/client';
import { WebSocket } from 'ws';
import { describe, expect, it } from 'vitest';
import { ChatbotAgent } from '../../src/ag-ui/index.js';
import { backendIsMissing, STUB_REPLY } from '../support/backend.js';
import { useProxiedBackend } from '../support/use-backend.js';
import { sharedStorage, waitUntil } from '../support/wait.js';

/** Declares the suite for the version that `@ag-ui/client` resolves to. */
export function describeAgent(version: string): void {
  describe.skipIf(backendIsMissing())(`with @ag-ui/client ${version}`, () => {
    const network = useProxiedBackend();

    function agentOn(threadId: string = crypto.randomUUID(), storage = sharedStorage()) {
      const agent = new ChatbotAgent({
        apiUrl: network.proxy.url,
        storage,
        threadId,
        WebSocket: WebSocket as never,
      });
      const events: BaseEvent[] = [];
      agent.subscribe({ onEvent: ({ event }) => void events.push(event) });
      return { agent, events, storage };
    }

    function ask(agent: ChatbotAgent, content: string, id: string = crypto.randomUUID()) {
      agent.addMessage({ id, role: 'user', content });
      return agent.runAgent().catch((error: unknown) => error);
    }

    const types = (events: BaseEvent[]) => events.map(({ type }) => type as string);
    const replies = (messages: Message[]) =>
      messages.filter(({ role }) => role === 'assistant').map(({ content }) => content);

    it('a message is answered, and the next one after it', async () => {
      const { agent, events } = agentOn();
      await ask(agent, 'Hello');
      await ask(agent, 'And again?');
      expect(replies(agent.messages)).toEqual([STUB_REPLY, STUB_REPLY]);
      expect(agent.messages.map(({ role }) => role)).toEqual([
        'user',
        'assistant',
        'user',
        'assistant',
      ]);
      expect(types(events).filter((type) => type.startsWith('RUN_'))).toEqual([
        'RUN_STARTED',
        'RUN_FINISHED',
        'RUN_STARTED',
        'RUN_FINISHED',
      ]);
      agent.close();
    });

    it('a reply that is restarted leaves nothing of its first text', async () => {
      const { agent, events } = agentOn();
      await ask(agent, 'Hello'); // so the socket is open for the first text
      await ask(agent, 'Again [[stub:die-once]]');
      expect(types(events)).toContain('MESSAGES_SNAPSHOT');
      expect(types(events).at(-1)).toBe('RUN_FINISHED');
      const finished = events.at(-1) as BaseEvent & { result: { text: string } };
      expect(replies(agent.messages)).toEqual([STUB_REPLY, finished.result.text]);
      expect(agent.messages).toHaveLength(4);
      agent.close();
    });

    it('a reply that is too large for a frame comes whole', async () => {
      const { agent } = agentOn();
      await ask(agent, 'At length [[stub:long:20000]]');
      expect([...(replies(agent.messages)[0] as string)]).toHaveLength(20_000);
      agent.close();
    });

    it('a run that fails after some text leaves nothing of it', async () => {
      const { agent, events } = agentOn();
      await ask(agent, 'Hello'); // so the socket is open for the first text
      await ask(agent, 'Never [[stub:die]]');
      expect(types(events).at(-1)).toBe('RUN_ERROR');
      expect(replies(agent.messages)).toEqual([STUB_REPLY]);
      agent.close();
    });

    it('abortRun() ends the reply with the text so far', async () => {
      const { agent, events } = agentOn();
      const ran = ask(agent, 'Slowly [[stub:slow]]');
      await waitUntil('text', () => types(events).includes('TEXT_MESSAGE_CONTENT'));
      agent.abortRun();
      await ran;
      const last = events.at(-1) as BaseEvent & { metadata: { finishReason: string } };
      expect(last).toMatchObject({ type: 'RUN_FINISHED' });
      const [text] = replies(agent.messages) as string[];
      expect(STUB_REPLY.startsWith(text!) && text !== STUB_REPLY).toBe(true);
      await ask(agent, 'Hello');
      expect(replies(agent.messages)).toEqual([text, STUB_REPLY]);
      agent.close();
    });

    it('a run that fails ends with its code, and the next one works', async () => {
      const { agent, events } = agentOn();
      await ask(agent, 'Nobody can [[stub:fatal]]');
      expect(events.at(-1)).toMatchObject({ type: 'RUN_ERROR', code: 'providers_rejected' });
      await ask(agent, 'Hello');
      expect(replies(agent.messages)).toEqual([STUB_REPLY]);
      agent.close();
    });

    it('a connection that is cut in the middle of a reply goes unnoticed', async () => {
      const { agent, events } = agentOn();
      const ran = ask(agent, 'Slowly [[stub:slow]]');
      await waitUntil('text', () => types(events).includes('TEXT_MESSAGE_CONTENT'));
      network.proxy.cut();
      await ran;
      expect(replies(agent.messages)).toEqual([STUB_REPLY]);
      expect(types(events).filter((type) => type === 'RUN_STARTED')).toHaveLength(1);
      agent.close();
    });

    it('connectAgent() loads the history, and follows the running reply', async () => {
      const thread = crypto.randomUUID();
      const first = agentOn(thread);
      await ask(first.agent, 'Hello');
      const ran = ask(first.agent, 'Slowly [[stub:slow]]');
      await waitUntil(
        'text',
        () => types(first.events).filter((type) => type === 'RUN_STARTED').length === 2,
      );
      const second = agentOn(thread, first.storage);
      await second.agent.connectAgent();
      expect(replies(second.agent.messages)).toEqual([STUB_REPLY, STUB_REPLY]);
      expect(types(second.events).slice(0, 2)).toEqual(['RUN_STARTED', 'MESSAGES_SNAPSHOT']);
      await ran;
      await second.agent.connectAgent();
      expect(second.agent.messages.map(({ content }) => content)).toEqual([
        'Hello',
        STUB_REPLY,
        'Slowly [[stub:slow]]',
        STUB_REPLY,
      ]);
      first.agent.close();
      second.agent.close();
    });

    it('the same message run twice is answered a second time as a new one', async () => {
      const { agent } = agentOn();
      await ask(agent, 'Hello', 'm1');
      agent.setMessages(agent.messages.slice(0, 1));
      await agent.runAgent();
      expect(replies(agent.messages)).toEqual([STUB_REPLY]);
      await agent.connectAgent();
      expect(replies(agent.messages)).toEqual([STUB_REPLY, STUB_REPLY]);
      agent.close();
    });

    it('a thread id that is no session id is named in the error', async () => {
      const { agent } = agentOn('no spaces, please');
      const error = await ask(agent, 'Hello');
      expect(String(error)).toContain('threadId must be');
    });
  });
}
