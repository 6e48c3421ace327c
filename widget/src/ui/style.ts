import CSS from './window.css?inline';

let sheet: CSSStyleSheet | undefined;

/**
 * Returns the style sheet, which all windows of a page share.
 *
 * A constructed sheet is allowed by content security policies that forbid inline styles.
 */
export function styleSheet(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
