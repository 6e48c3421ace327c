import type { ChatClient, ChatOptions } from './types.js';

/** Makes a client; nothing is asked of the server before `connect()` or `send()`. */
export declare function createChatClient(options: ChatOptions): ChatClient;
