/** What the parts of one window share. */
import type { ChatClient, TurnView } from '../core/index.js';
import type { Source } from './source-panel.js';
import type { Texts } from './texts.js';

/** The window as its parts see it. */
export interface WindowContext {
  readonly client: ChatClient;
  readonly texts: Texts;
  readonly locale: string;
  /** Returns the title of a document, if known. */
  titleOf(documentId: string | null): string | undefined;
  /** Shows what a mark of a reply refers to. */
  openSource(source: Source): void;
  /** Announces a text to assistive technology once. */
  announce(text: string): void;
  /** Shows the user that a call failed. */
  showError(error: unknown): void;
  /** Scrolls to the end of the conversation, and keeps it in view. */
  scrollToEnd(): void;
  /** Moves a message that was not sent back into the composer. */
  edit(turn: TurnView): void;
}
