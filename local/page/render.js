// Puts Markdown trees into the page, as elements and text nodes only.

import { parse } from './markdown.js';

const TAGS = new Set(['p', 'br', 'hr', 'h3', 'pre', 'code', 'strong', 'em', 'a', 'ul', 'ol', 'li', 'blockquote', 'table', 'thead', 'tbody', 'tr', 'th', 'td']);

/** Shows `text` in `place`; only blocks that changed since the last call are replaced. */
export function showMarkdown(place, text) {
  if (place.shownText === text) return;
  place.shownText = text;
  const blocks = parse(text);
  const keys = blocks.map((block) => JSON.stringify(block));
  const shown = place.shownBlocks ?? [];
  blocks.forEach((block, i) => {
    if (shown[i] === keys[i]) return;
    const fresh = node(block);
    if (i < place.childNodes.length) place.replaceChild(fresh, place.childNodes[i]);
    else place.append(fresh);
  });
  while (place.childNodes.length > blocks.length) place.lastChild.remove();
  place.shownBlocks = keys;
}

function node(tree) {
  if (typeof tree === 'string') return document.createTextNode(tree);
  if (!TAGS.has(tree.tag)) throw new Error(`no such element: ${tree.tag}`);
  const made = document.createElement(tree.tag);
  if (tree.href) Object.assign(made, { href: tree.href, target: '_blank', rel: 'noopener noreferrer nofollow' });
  made.append(...tree.children.map(node));
  return made;
}
