/** Defines `<yogi-chatbot>`, if there is a document. */
import { YogiChatbotElement } from './element.js';

export { YogiChatbotElement, type Position } from './element.js';
export type { Texts } from '../ui/texts.js';

/** The name of the element. */
export const TAG = 'yogi-chatbot';

if (globalThis.customElements && !customElements.get(TAG))
  customElements.define(TAG, YogiChatbotElement);

declare global {
  interface HTMLElementTagNameMap {
    'yogi-chatbot': YogiChatbotElement;
  }
}
