/**
 * Where replies depart from GitHub's Markdown, because models and people mean something else.
 *
 * A single tilde is a tilde ("~5~6 h"). TeX between `\(` and `\)`, or `\[` and `\]`, is kept as it
 * is written. A bare link ends before CJK punctuation. Emphasis works beside CJK characters, which
 * are written without the spaces that CommonMark looks for. A mark of a source is not a link, nor
 * the definition of one, and a bare link ends before it.
 */
import { Tokenizer, type Tokens } from 'marked';
import { findMark, markAt } from './marks.js';

// Longer pieces are not looked at, so that a text full of opening marks costs linear time.
const CJK_PUNCTUATION = /[\u3000-\u303f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]/;
const CJK = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u30fc]/u;
const PUNCTUATION = /[\p{P}\p{S}]/u;
const EMPHASIS = /^(\*{1,2})(?![\s*])([^*\n`[\]\\]{1,300})(?<!\s)\1(?!\*)/;
const TEX = /^(?:\\\([^\n]{1,1000}?\\\)|\\\[[^]{1,1000}?\\\])/;
const TEX_SIGN = /\\[a-zA-Z]|[\^_={}+]/;

/** The tokenizer for replies. */
export class ChatTokenizer extends Tokenizer {
  override del(src: string, maskedSrc: string, prevChar?: string): Tokens.Del | undefined {
    return src.startsWith('~~') ? super.del(src, maskedSrc, prevChar) : undefined;
  }

  override escape(src: string): Tokens.Escape | undefined {
    const raw = TEX.exec(src)?.[0];
    if (raw === undefined || !TEX_SIGN.test(raw.slice(2, -2))) return super.escape(src);
    return { type: 'escape', raw, text: raw };
  }

  override url(src: string): Tokens.Link | undefined {
    const link = super.url(src);
    const raw = link?.raw ?? '';
    const ends = [raw.search(CJK_PUNCTUATION), findMark(raw)].filter((end) => end > 0);
    return ends.length > 0 ? super.url(src.slice(0, Math.min(...ends))) : link;
  }

  // The first of the rules for brackets.
  override link(src: string): Tokens.Link | Tokens.Image | undefined {
    if (src.startsWith('!') && markAt(src.slice(1))) return undefined;
    const mark = this.lexer.state.inLink ? null : markAt(src);
    return mark ? ({ type: 'mark', ...mark } as unknown as Tokens.Link) : super.link(src);
  }

  override def(src: string): Tokens.Def | undefined {
    return markAt(src.trimStart()) ? undefined : super.def(src);
  }

  override emStrong(
    src: string,
    maskedSrc: string,
    prevChar = '',
  ): Tokens.Em | Tokens.Strong | undefined {
    const [raw, mark, text] = EMPHASIS.exec(src) ?? [];
    if (raw === undefined || mark === undefined || text === undefined)
      return super.emStrong(src, maskedSrc, prevChar);
    const isBesideCjk = CJK.test(prevChar) || CJK.test(src.slice(raw.length).slice(0, 2));
    const isPunctuated = PUNCTUATION.test(text[0]!) || PUNCTUATION.test(text.at(-1)!);
    if (!isBesideCjk || !isPunctuated) return super.emStrong(src, maskedSrc, prevChar);
    const type = mark === '**' ? 'strong' : 'em';
    return { type, raw, text, tokens: this.lexer.inlineTokens(text) };
  }
}
