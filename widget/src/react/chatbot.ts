import { createElement, useEffect, useRef } from 'react';
import type { ChatClient, ChatOptions, ChatState } from '../core/index.js';
import { type Position, TAG, type YogiChatbotElement } from '../element/index.js';
import type { Texts } from '../ui/texts.js';

/** What the component is told; only `apiUrl` is needed. */
export interface ChatbotProps extends ChatOptions {
  /** `bottom-right` unless told otherwise. */
  position?: Position;
  theme?: 'light' | 'dark';
  locale?: string;
  heading?: string;
  /** Questions that the user may start with. */
  suggestions?: readonly string[];
  /** Offers the caller's documents to choose from. */
  documents?: boolean;
  texts?: Partial<Texts>;
  /** Whether the window is open at first. */
  defaultOpen?: boolean;
  /** A client of the host's own, instead of one that is made from the options. */
  client?: ChatClient;
  onStateChange?: (state: ChatState) => void;
  className?: string;
}

/** The chat window. Options that change make a new client; functions may be new at each rendering. */
export function Chatbot(props: ChatbotProps) {
  const element = useRef<YogiChatbotElement>(null);
  const latest = useRef(props);
  const {
    apiUrl,
    client,
    storage,
    suggestions,
    texts,
    defaultOpen,
    locale,
    heading,
    provider,
    sessionId,
    documentId,
  } = props;
  useEffect(() => {
    latest.current = props;
  });
  useEffect(() => {
    if (element.current) element.current.options = optionsOf(latest);
  }, [storage, props.token !== undefined]);
  useEffect(() => {
    if (element.current && client) element.current.client = client;
  }, [client]);
  useEffect(() => {
    if (element.current) element.current.suggestions = suggestions ?? null;
  }, [JSON.stringify(suggestions)]);
  useEffect(() => {
    if (element.current) element.current.texts = texts ?? {};
  }, [texts]);
  useEffect(() => {
    if (element.current && defaultOpen) element.current.open = true;
  }, []);
  useEffect(() => {
    const listener = (event: Event) =>
      latest.current.onStateChange?.((event as CustomEvent<ChatState>).detail);
    const target = element.current;
    target?.addEventListener('yogi-state', listener);
    return () => target?.removeEventListener('yogi-state', listener);
  }, []);
  return createElement(TAG, {
    ref: element,
    class: props.className,
    'api-url': client ? undefined : apiUrl,
    position: props.position ?? 'bottom-right',
    theme: props.theme,
    locale,
    heading,
    provider,
    'session-id': sessionId,
    'document-id': documentId,
    documents: props.documents ? '' : undefined,
  });
}

// The newest functions are called, whenever they came.
function optionsOf(latest: { current: ChatbotProps }): Partial<ChatOptions> {
  const { storage, token, fetch, WebSocket } = latest.current;
  return {
    ...(storage !== undefined && { storage }),
    ...(token && { token: (refresh: boolean) => latest.current.token?.(refresh) }),
    ...(fetch && { fetch }),
    ...(WebSocket && { WebSocket }),
  };
}
