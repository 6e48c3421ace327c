/** The chatbot as an AG-UI agent. */
import { AbstractAgent, type AgentConfig, type BaseEvent, type RunAgentInput } from '@ag-ui/client';
import { Observable, type Subscriber } from 'rxjs';
import { followRun } from '../adapter/follow-run.js';
import {
  messageIdFor,
  sendOptionsFrom,
  SessionClients,
  type AdapterOptions,
} from '../adapter/session-clients.js';
import type { ChatClient } from '../core/index.js';
import { toMessages, lastUserMessage, type UserMessage } from './messages.js';
import { RunWriter } from './run.js';

/** Options of the client, and those that AG-UI defines for agents. */
export type ChatbotAgentConfig = AdapterOptions & AgentConfig;

/**
 * An agent for CopilotKit, assistant-ui and any other front end that supports AG-UI.
 *
 * A thread is a session, and a run sends its last user message. Ids that the contract allows are
 * kept, so a run that is started twice is answered once. `forwardedProps` may contain a
 * `documentId` and a `provider`.
 *
 * `abortRun()` stops the reply on the server; the run then finishes with the text so far and
 * `metadata.finishReason` `cancelled`. Unsubscribing does not stop it: `connectAgent()` returns the
 * newest 50 turns and follows the one that is running.
 */
export class ChatbotAgent extends AbstractAgent {
  #sessions: SessionClients;
  #running: { readonly client: ChatClient; readonly messageId: string } | null = null;
  readonly #config: ChatbotAgentConfig;

  constructor(config: ChatbotAgentConfig) {
    super(config);
    this.#config = config;
    this.#sessions = new SessionClients(config);
  }

  override run(input: RunAgentInput): Observable<BaseEvent> {
    return new Observable((subscriber) => {
      const asked = lastUserMessage(input.messages);
      if (!asked)
        return subscriber.error(new TypeError('messages must contain a user message with text.'));
      return this.#start(input, asked, subscriber);
    });
  }

  protected override connect(input: RunAgentInput): Observable<BaseEvent> {
    return new Observable((subscriber) => {
      let leave: (() => void) | null = null;
      const client = this.#client(input);
      const connected = client.connect().then(() => {
        if (!subscriber.closed) leave = this.#rejoin(input, client, subscriber);
      });
      connected.catch((error: unknown) => subscriber.error(error));
      return () => leave?.();
    });
  }

  /** Asks the server to stop the running reply. */
  override abortRun(): void {
    const running = this.#running;
    // If the server cannot be reached the reply continues, and the run shows it.
    running?.client.stop(running.messageId).catch(() => {});
  }

  /** Disconnects from the server; the agent connects again when it is used. */
  close(): void {
    this.#sessions.close();
  }

  override clone(): ChatbotAgent {
    const copy = new ChatbotAgent({
      ...this.#config,
      agentId: this.agentId,
      description: this.description,
      threadId: this.threadId,
    });
    copy.#sessions = this.#sessions;
    copy.messages = structuredClone(this.messages);
    copy.state = structuredClone(this.state);
    return copy;
  }

  #start(input: RunAgentInput, asked: UserMessage, subscriber: Subscriber<BaseEvent>): () => void {
    const client = this.#client(input);
    const messageId = messageIdFor(client, asked.id) ?? crypto.randomUUID();
    const writer = this.#writer(input, input.messages, subscriber);
    const sent = client.send(asked.text, { messageId, ...sendOptionsFrom(input.forwardedProps) });
    const leave = this.#follow(client, messageId, writer);
    sent.catch((error: { code?: string; message: string }) => {
      if (subscriber.closed) return;
      leave();
      writer.failed({ code: error.code ?? 'unavailable', message: error.message });
    });
    return leave;
  }

  #rejoin(input: RunAgentInput, client: ChatClient, subscriber: Subscriber<BaseEvent>): () => void {
    const { turns } = client.getState();
    const before = toMessages(turns);
    const writer = this.#writer(input, before, subscriber);
    writer.started();
    writer.snapshot(before);
    const open = turns.find(({ state }) => state === 'running' || state === 'waiting');
    if (open) return this.#follow(client, open.messageId, writer);
    writer.finishedEmpty();
    return () => {};
  }

  #follow(client: ChatClient, messageId: string, writer: RunWriter): () => void {
    const running = { client, messageId };
    this.#running = running;
    const leave = followRun(client, messageId, writer);
    return () => {
      leave();
      if (this.#running === running) this.#running = null;
    };
  }

  #writer(
    { threadId, runId }: RunAgentInput,
    before: RunAgentInput['messages'],
    subscriber: Subscriber<BaseEvent>,
  ) {
    const context = { threadId, runId, before, knowsOutcome: 'maxProtocolVersion' in this };
    return new RunWriter(
      context,
      (event) => subscriber.next(event),
      () => subscriber.complete(),
    );
  }

  #client({ threadId }: RunAgentInput): ChatClient {
    return this.#sessions.get(threadId, 'threadId');
  }
}
