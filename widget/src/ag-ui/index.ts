/** The chatbot for front ends that support AG-UI. */
export { ChatbotAgent, type ChatbotAgentConfig } from './agent.js';
