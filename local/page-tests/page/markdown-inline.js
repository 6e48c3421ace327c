// The marks inside a line: code, bold, italic and links.

const MARKS =
  /(?<code>`+)(?<literal>.+?)\k<code>(?!`)|\*\*(?<strong>[^*\s](?:[^*]*[^*\s])?)\*\*|(?<![\w*])\*(?<em>[^*\s](?:[^*]*[^*\s])?)\*(?![\w*])|!?\[(?<label>[^\[\]]*)\]\((?<target>[^()\s]+)\)|(?<bare>https?:\/\/[^\s<>()[\]]+[^\s<>()[\].,;:!?'"*_`])/gu;

/** Gives the nodes of one line. */
export function inline(line) {
  const nodes = [];
  let at = 0;
  for (const match of line.matchAll(MARKS)) {
    if (match.index > at) nodes.push(line.slice(at, match.index));
    nodes.push(...marked(match));
    at = match.index + match[0].length;
  }
  if (at < line.length) nodes.push(line.slice(at));
  return nodes;
}

function marked({ 0: whole, groups: { literal, strong, em, label, target, bare } }) {
  if (literal !== undefined) return [{ tag: 'code', children: [literal] }];
  if (strong !== undefined) return [{ tag: 'strong', children: inline(strong) }];
  if (em !== undefined) return [{ tag: 'em', children: inline(em) }];
  const href = safeUrl(bare ?? target);
  if (href === null) return [whole];
  const link = { tag: 'a', href, children: [href] };
  return bare !== undefined || label === '' ? [link] : [label, ' (', link, ')'];
}

// The whole address is what the user sees, so that no label can lie about it.
function safeUrl(text) {
  try {
    const url = new URL(text);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null;
  } catch {
    return null;
  }
}
