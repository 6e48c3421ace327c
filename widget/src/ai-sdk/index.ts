/** The chatbot for the AI SDK's `useChat`. */
export { ChatbotTransport } from './transport.js';
export type { ChatbotChunk } from './chunks.js';
export type { ChatbotMetadata, ChatbotUIMessage } from './messages.js';
