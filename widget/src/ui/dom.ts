/** Creates elements. Text is always inserted as text, never parsed as HTML. */
type Attributes = Record<string, string | boolean | undefined>;

/**
 * Creates an element with attributes and children.
 *
 * `true` sets an empty attribute; `false` and undefined set none.
 */
export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false)
      element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children);
  return element;
}

const PATHS = {
  chat: 'M4 5h16v11H9l-5 4z',
  close: 'M6 6l12 12M18 6L6 18',
  plus: 'M12 5v14M5 12h14',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v6M14 11v6',
  send: 'M12 20V5M5 12l7-7 7 7',
  stop: 'M7 7h10v10H7z',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  check: 'M5 13l4 4L19 7',
  again: 'M4 12a8 8 0 1 0 3-6.2M7 2v4h4',
  up: 'M7 11v9H4v-9zM7 11l4-8c1.7 0 3 1.3 3 3v4h5c1.2 0 2.1 1 2 2.2l-.9 6c-.2 1-1 1.8-2 1.8H7',
  down: 'M7 13V4H4v9zM7 13l4 8c1.7 0 3-1.3 3-3v-4h5c1.2 0 2.1-1 2-2.2l-.9-6c-.2-1-1-1.8-2-1.8H7',
  info: 'M12 11v6M12 7.5v.5M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18',
  latest: 'M12 5v14M5 12l7 7 7-7',
} as const;

/** Creates an icon, hidden from assistive technology. */
export function icon(name: keyof typeof PATHS): SVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}

/** Creates a button with an icon; `label` is its accessible name. */
export function iconButton(
  name: keyof typeof PATHS,
  label: string,
  press: () => void,
  kind = '',
): HTMLButtonElement {
  const button = h(
    'button',
    { type: 'button', class: `icon ${kind}`.trim(), 'aria-label': label, title: label },
    icon(name),
  );
  button.addEventListener('click', press);
  return button;
}

/** Creates a button with a text. */
export function textButton(
  label: string,
  press: () => void,
  kind = 'secondary',
): HTMLButtonElement {
  const button = h('button', { type: 'button', class: kind }, label);
  button.addEventListener('click', press);
  return button;
}

/** Sets the text of an element if it differs, so that nothing is announced or painted twice. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Copies a text to the clipboard; returns whether that worked.
 *
 * Pages on plain `http:` origins have no clipboard; there the selection of a field is copied.
 */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelection(text);
  }
}

function copySelection(text: string): boolean {
  const field = h('textarea', { readonly: true, 'aria-hidden': 'true', tabindex: '-1' });
  const focused = deepActiveElement();
  field.value = text;
  Object.assign(field.style, { position: 'fixed', opacity: '0' });
  document.body.append(field);
  field.select();
  let isCopied = false;
  try {
    isCopied = document.execCommand('copy');
  } catch {
    // Reported as not copied.
  }
  field.remove();
  focused?.focus({ preventScroll: true });
  return isCopied;
}

function deepActiveElement(): HTMLElement | null {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return element instanceof HTMLElement ? element : null;
}
