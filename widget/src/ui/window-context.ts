/** What the parts of one window share. */
import type { ChatClient, TurnView } from '../core/index.js';
import type { Texts } from './texts.js';

/** The window, as its parts see it. */
export interface WindowContext {
  readonly client: ChatClient;
  readonly texts: Texts;
  readonly locale: string;
  /** Gives a document's title, where it is known. */
  titleOf(documentId: string | null): string | undefined;
  /** Tells assistive technology something, once. */
  announce(text: string): void;
  /** Tells the user of a call that failed. */
  tell(error: unknown): void;
  /** Shows the end of the conversation from now on. */
  follow(): void;
  /** Takes a message that was not sent back into the composer. */
  edit(turn: TurnView): void;
}
