/** The client of the Learning Yogi chatbot, without any user interface. */
export { createChatClient } from './client.js';
export { ChatError } from './error.js';
export type * from './types.js';
