/** The texts that describe a state: of the connection, a message or a reply. */
import type { ConnectionState, TurnError, TurnView } from '../core/index.js';
import { formatText, type Texts } from './texts.js';

/** Describes a connection that is not in order; empty if it is. */
export function describeConnection({ status, retryAt }: ConnectionState, texts: Texts): string {
  const seconds = retryAt === null ? 0 : Math.ceil((retryAt - Date.now()) / 1000);
  switch (status) {
    case 'waiting':
      return seconds > 1 ? formatText(texts.waiting, { seconds }) : texts.waitingSoon;
    case 'rate-limited':
      return seconds > 1 ? formatText(texts.rateLimited, { seconds }) : texts.rateLimitedSoon;
    case 'offline':
      return texts.offline;
    case 'signed-out':
      return texts.signedOut;
    case 'closed':
      return texts.closed;
    default:
      return '';
  }
}

/** Describes the progress of a reply that is not final; `title` is that of its document. */
export function describeProgress(turn: TurnView, title: string | undefined, texts: Texts): string {
  if (turn.status) return describeStatus(turn, title, texts);
  if (turn.text !== '') return '';
  if (turn.gen > 1) return texts.restarted;
  return turn.turn === null ? texts.queued : texts.thinking;
}

function describeStatus({ status }: TurnView, title: string | undefined, texts: Texts): string {
  const provider = providerName(status?.provider) ?? texts.someProvider;
  switch (status?.phase) {
    case 'context':
      return title ? formatText(texts.contextNamed, { document: title }) : texts.context;
    case 'retrying':
      return formatText(texts.retrying, { provider });
    case 'fallback':
      return formatText(texts.fallback, { provider });
    default:
      return texts.working;
  }
}

const PROVIDER_NAMES: Record<string, string> = {
  claude: 'Claude',
  openai: 'OpenAI',
  bedrock: 'Claude on Bedrock',
};

function providerName(provider: string | undefined): string | undefined {
  return provider && (PROVIDER_NAMES[provider] ?? provider);
}

/**
 * Describes an error in the user's language, by its code.
 *
 * A code without a text is shown as the server describes it, such as a field that is wrong.
 */
export function describeError({ code, message }: TurnError, texts: Texts): string {
  const byCode: Record<string, string> = {
    providers_unavailable: texts.providersUnavailable,
    providers_rejected: texts.providersRejected,
    no_provider: texts.noProvider,
    budget_exhausted: texts.budgetExhausted,
    attempts_exhausted: texts.interrupted,
    abandoned: texts.interrupted,
    unreachable: texts.unreachable,
    unavailable: texts.unavailable,
    rate_limited: texts.tooMany,
    unauthorized: texts.signedOut,
  };
  return byCode[code] ?? message;
}

/** Returns whether trying again soon can help after an error of a reply. */
export function canHelpToRetry({ code }: TurnError): boolean {
  return code !== 'budget_exhausted' && code !== 'no_provider';
}

/** Describes a message that the server has not accepted yet. */
export function describeSending(turn: TurnView, texts: Texts): string {
  if (turn.state === 'sending') return turn.error ? texts.sendingAgain : texts.sending;
  return turn.state === 'failed'
    ? `${texts.notSent} ${turn.error ? describeError(turn.error, texts) : ''}`.trim()
    : '';
}

/** Describes what the reader of a final reply should know besides its text. */
export function describeNote({ kind, finishReason, context }: TurnView, texts: Texts): string {
  const ends: Record<string, string> = {
    length: texts.length,
    refusal: texts.refusal,
    content_filter: texts.contentFilter,
  };
  const end = kind === 'cancelled' ? texts.cancelled : (ends[finishReason ?? ''] ?? '');
  return [end, context === 'unavailable' ? texts.contextUnavailable : ''].filter(Boolean).join(' ');
}

/** Lists the model, tokens, cost, time and sources of a reply, as names and values. */
export function describeDetails(turn: TurnView, texts: Texts, locale: string): [string, string][] {
  const by = [providerName(turn.provider ?? undefined), turn.model].filter(
    (name, i, all) => name && all.indexOf(name) === i,
  );
  const rows: [string, string][] = [];
  if (by.length > 0) rows.push([texts.model, by.join(' · ')]);
  if (turn.usage) {
    const count = new Intl.NumberFormat(locale);
    const { inputTokens, outputTokens } = turn.usage;
    rows.push([
      texts.tokens,
      formatText(texts.tokensValue, {
        input: count.format(inputTokens),
        output: count.format(outputTokens),
      }),
    ]);
  }
  rows.push([texts.cost, formatCost(turn.costMicroUsd, texts, locale)]);
  if (turn.createdAt) rows.push([texts.when, formatTime(turn.createdAt, locale)]);
  const titles = new Set(turn.citations.map(({ title, documentId }) => title || documentId));
  if (titles.size > 0) rows.push([texts.sources, [...titles].join(', ')]);
  else if (turn.grounding === 'none') rows.push([texts.sources, texts.noSources]);
  return rows;
}

function formatCost(micro: number | null, texts: Texts, locale: string): string {
  if (micro === null) return texts.noCost;
  const options = { style: 'currency', currency: 'USD', maximumSignificantDigits: 2 } as const;
  return new Intl.NumberFormat(locale, options).format(micro / 1e6);
}

function formatTime(iso: string, locale: string): string {
  const time = new Date(iso);
  return Number.isNaN(time.getTime())
    ? iso
    : new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(time);
}
