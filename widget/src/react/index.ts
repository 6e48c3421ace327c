'use client';
/** The chat window as a React component, and the client as a hook. */
export { Chatbot, type ChatbotProps } from './chatbot.js';
export { useChatbot, type UseChatbot } from './use-chatbot.js';
export { ChatError } from '../core/error.js';
export type * from '../core/types.js';
export type { Texts } from '../ui/texts.js';
export type { Position } from '../element/element.js';
