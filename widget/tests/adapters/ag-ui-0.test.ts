// The version that CopilotKit and assistant-ui depend on.
import { CopilotKitCore } from '@copilotkit/core';
import { WebSocket } from 'ws';
import { describe, expect, it, vi } from 'vitest';
import { ChatbotAgent } from '../../src/ag-ui/index.js';
import { backendIsMissing, Backend } from '../support/backend.js';
import { describeAgent } from './ag-ui-suite.js';

vi.mock('@ag-ui/client', () => import('ag-ui-client-0' as never));

describeAgent('0.0.59');

describe.skipIf(backendIsMissing())("with CopilotKit's core", () => {
  it('an agent that it is given answers', async () => {
    const backend = await Backend.start();
    const agent = new ChatbotAgent({
      apiUrl: backend.url,
      storage: null,
      agentId: 'yogi',
      WebSocket: WebSocket as never,
    });
    const copilot = new CopilotKitCore({ agents__unsafe_dev_only: { yogi: agent as never } });
    agent.addMessage({ id: 'm1', role: 'user', content: 'Hello' });
    const { newMessages } = await copilot.runAgent({ agent: agent as never });
    expect(newMessages).toMatchObject([
      { role: 'assistant', content: expect.stringMatching(/^word0 .*word19 $/) },
    ]);
    agent.close();
    await backend.stop();
  });
});
