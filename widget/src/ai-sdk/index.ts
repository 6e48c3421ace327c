/** The chatbot for `useChat` of the AI SDK. */
export { ChatbotTransport } from './transport.js';
export type { ChatbotChunk } from './chunks.js';
export type { ChatbotMetadata, ChatbotUIMessage } from './messages.js';
