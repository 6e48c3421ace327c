import { createElement, useEffect, useRef } from 'react';
import type { ChatClient, ChatOptions, ChatState, Citation, Passage } from '../core/index.js';
import { type Position, TAG, type YogiChatbotElement } from '../element/index.js';
import type { Texts } from '../ui/texts.js';

/** The props of the component; only `apiUrl` is required. */
export interface ChatbotProps extends ChatOptions {
  /** `bottom-right` by default. */
  position?: Position;
  theme?: 'light' | 'dark';
  locale?: string;
  heading?: string;
  /** Suggested questions. */
  suggestions?: readonly string[];
  /** Lets the user choose one of their documents. */
  documents?: boolean;
  texts?: Partial<Texts>;
  /** Whether the window is open initially. */
  defaultOpen?: boolean;
  /** A client to use instead of one created from the options. */
  client?: ChatClient;
  onStateChange?: (state: ChatState) => void;
  /**
   * Called when the user opens a source. Its citation is in `detail`; while the reply is being
   * written, the passage. After `preventDefault()` the window does not show it.
   */
  onCite?: (event: CustomEvent<Citation | Passage>) => void;
  className?: string;
}

/**
 * The chat window.
 *
 * Changed options create a new client. Functions are the exception: they may be new on every
 * render.
 */
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
    const onCite = (event: Event) =>
      latest.current.onCite?.(event as CustomEvent<Citation | Passage>);
    const target = element.current;
    target?.addEventListener('yogi-state', listener);
    target?.addEventListener('yogi-cite', onCite);
    return () => {
      target?.removeEventListener('yogi-state', listener);
      target?.removeEventListener('yogi-cite', onCite);
    };
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

// The functions are looked up when they are called, so the latest ones are used.
function optionsOf(latest: { current: ChatbotProps }): Partial<ChatOptions> {
  const { storage, token, fetch, WebSocket } = latest.current;
  return {
    ...(storage !== undefined && { storage }),
    ...(token && { token: (refresh: boolean) => latest.current.token?.(refresh) }),
    ...(fetch && { fetch }),
    ...(WebSocket && { WebSocket }),
  };
}
