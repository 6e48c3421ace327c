/** Addresses of documents, which are untrusted. */

/** Returns an address of the web in its normal form; null for any other, which could run code. */
export function webAddress(address: string | null): string | null {
  const url = address !== null && URL.canParse(address) ? new URL(address) : null;
  return url && /^https?:$/.test(url.protocol) ? url.href : null;
}
