import { useEffect, useRef, useState, useSyncExternalStore } from 'react';
import {
  type ChatClient,
  type ChatOptions,
  type ChatState,
  createChatClient,
} from '../core/index.js';

/** The state of a conversation, and the client to act on it. */
export interface UseChatbot extends ChatState {
  readonly client: ChatClient;
  /** Like `client.send`, but never rejects; the state of the turn shows a failure. */
  readonly send: (...message: Parameters<ChatClient['send']>) => Promise<void>;
  readonly stop: () => void;
}

/**
 * Provides a client for the lifetime of the component.
 *
 * Another `apiUrl`, `sessionId` or `storage` creates another client.
 */
export function useChatbot(options: ChatOptions): UseChatbot {
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  const key = [
    options.apiUrl,
    options.sessionId,
    options.storage,
    options.token !== undefined,
  ] as const;
  const [kept, setKept] = useState(() => ({ key, client: makeClient(latest) }));
  let { client } = kept;
  if (key.some((part, i) => part !== kept.key[i])) {
    latest.current = options;
    client = makeClient(latest);
    setKept({ key, client });
  }
  useEffect(() => {
    client.connect().catch(() => {});
    return () => client.close();
  }, [client]);
  const state = useSyncExternalStore(client.subscribe, client.getState, client.getState);
  return {
    ...state,
    client,
    send: (...message) => client.send(...message).then(nothing, nothing),
    stop: () => void client.stop().catch(nothing),
  };
}

function makeClient(latest: { current: ChatOptions }): ChatClient {
  const { token } = latest.current;
  return createChatClient({
    ...latest.current,
    ...(token && { token: (refresh) => latest.current.token?.(refresh) }),
  });
}

function nothing(): void {}
