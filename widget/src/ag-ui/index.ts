/** The chatbot for front ends that speak AG-UI. */
export { ChatbotAgent, type ChatbotAgentConfig } from './agent.js';
