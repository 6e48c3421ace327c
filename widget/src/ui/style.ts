/**
 * The window's looks. A host changes them by the variables on the first lines, from its own style
 * sheet.
 */
const CSS = `
:host {
  --accent: var(--yogi-accent, light-dark(#0f766e, #5eead4));
  --on-accent: var(--yogi-on-accent, light-dark(#fff, #06241f));
  --ground: var(--yogi-background, light-dark(#fff, #151c1a));
  --raised: var(--yogi-raised, light-dark(#f1f4f3, #1f2926));
  --line: var(--yogi-line, light-dark(#d3dad7, #3a4743));
  --text: var(--yogi-text, light-dark(#17211e, #e6eeeb));
  --faint: var(--yogi-faint, light-dark(#52615c, #a3b5ae));
  --user: var(--yogi-user, light-dark(#dff1ed, #1d3a35));
  --danger: var(--yogi-danger, light-dark(#b3261e, #ffb4ab));
  --warn: light-dark(#8a4b00, #fbbf24);
  --ok: light-dark(#15803d, #4ade80);
  --radius: var(--yogi-radius, 16px);
  color-scheme: light dark;
  display: block;
  font: var(--yogi-font, 400 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif);
  color: var(--text);
  text-align: start;
}
:host([theme="light"]) { color-scheme: light; }
:host([theme="dark"]) { color-scheme: dark; }
:host([hidden]), [hidden] { display: none !important; }
*, ::before, ::after { box-sizing: border-box; }
h2, h3, p, ul, dl, dd { margin: 0; }
button, select, textarea { font: inherit; color: inherit; }
button { cursor: pointer; border: 1px solid transparent; border-radius: 10px; background: none; }
button:disabled { opacity: .45; cursor: default; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
svg { display: block; width: 20px; height: 20px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
.hidden { position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.launcher {
  position: fixed; z-index: var(--yogi-z-index, 2147483000); bottom: max(20px, env(safe-area-inset-bottom));
  display: grid; place-items: center; width: 56px; height: 56px; border-radius: 50%;
  background: var(--accent); color: var(--on-accent); box-shadow: 0 4px 16px rgb(0 0 0 / .25);
}
.launcher svg { width: 26px; height: 26px; }
.launcher .badge { position: absolute; inset-block-start: 2px; inset-inline-end: 2px; width: 14px; height: 14px; border-radius: 50%; background: var(--danger); border: 2px solid var(--ground); }
.right { right: 20px; }
.left { left: 20px; }
.window {
  display: flex; flex-direction: column; min-height: 0; height: 100%; overflow: hidden; position: relative;
  background: var(--ground); container-type: inline-size;
}
.floating {
  position: fixed; z-index: var(--yogi-z-index, 2147483000); bottom: max(88px, calc(env(safe-area-inset-bottom) + 88px));
  width: min(var(--yogi-width, 400px), calc(100vw - 40px)); height: min(var(--yogi-height, 640px), calc(100dvh - 108px));
  border: 1px solid var(--line); border-radius: var(--radius); box-shadow: 0 12px 40px rgb(0 0 0 / .28); overflow: hidden;
  animation: rise .16s ease-out;
}
@keyframes rise { from { opacity: 0; transform: translateY(8px); } }
:host([position="inline"]) { height: 100%; min-height: 0; }
:host([position="inline"]) .frame { height: 100%; }

header { display: flex; align-items: center; gap: 4px; padding: 8px 8px 8px 14px; border-bottom: 1px solid var(--line); }
header:dir(rtl) { padding: 8px 14px 8px 8px; }
header h2 { flex: 1; min-width: 0; font-size: 1.05em; font-weight: 650; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.dot { flex: none; width: 9px; height: 9px; margin-inline-end: 6px; border-radius: 50%; background: var(--warn); }
.dot[data-status="open"] { background: var(--ok); }
.dot[data-status="offline"], .dot[data-status="closed"], .dot[data-status="signed-out"] { background: var(--danger); }
.icon { display: grid; place-items: center; flex: none; min-width: 36px; min-height: 36px; color: var(--faint); }
.icon:hover:enabled { background: var(--raised); color: var(--text); }
.icon[aria-pressed="true"] { color: var(--accent); }
.icon[aria-pressed="true"] svg { fill: currentColor; fill-opacity: .25; }
.quiet { padding: 3px 10px; border-color: var(--line); font-size: .9em; }
.quiet:hover { background: var(--raised); }
.danger { padding: 3px 10px; border-color: var(--danger); color: var(--danger); font-size: .9em; }
.banner { display: flex; align-items: center; justify-content: space-between; gap: 10px; padding: 8px 14px; background: var(--raised); border-bottom: 2px solid var(--warn); font-size: .92em; }

.body { position: relative; flex: 1; min-height: 0; display: flex; }
.scroll { flex: 1; min-width: 0; overflow-y: auto; overscroll-behavior: contain; padding: 16px max(14px, calc((100cqi - 46rem) / 2)); scrollbar-width: thin; }
.scroll:focus-visible { outline-offset: -3px; }
.earlier { display: block; margin: 0 auto 16px; }
.latest { position: absolute; inset-block-end: 10px; inset-inline-start: calc(50% - 20px); min-width: 40px; min-height: 40px; background: var(--ground); border-color: var(--line); border-radius: 50%; box-shadow: 0 2px 10px rgb(0 0 0 / .2); }
.welcome { display: grid; gap: 14px; justify-items: center; padding: 12% 0 24px; text-align: center; }
.greeting { font-size: 1.25em; font-weight: 600; }
.welcome ul { display: grid; gap: 8px; padding: 0; list-style: none; width: min(100%, 28rem); }
.suggestion { width: 100%; padding: 10px 14px; border-color: var(--line); text-align: start; }
.suggestion:hover { border-color: var(--accent); background: var(--raised); }

.turn { display: grid; gap: 8px; padding-bottom: 20px; content-visibility: auto; contain-intrinsic-size: auto 160px; }
.turn:last-child { content-visibility: visible; }
.user { justify-self: end; max-width: 88%; padding: 8px 13px; background: var(--user); border-radius: var(--radius); border-end-end-radius: 4px; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; }
.sending { justify-self: end; max-width: 88%; color: var(--faint); font-size: .88em; text-align: end; }
.failed { color: var(--danger); }
.sending .choices { display: none; }
.failed .choices { display: flex; justify-content: end; gap: 6px; margin-top: 4px; color: var(--text); }
.reply { min-width: 0; }
.status { display: flex; align-items: center; gap: 8px; min-height: 24px; color: var(--faint); font-size: .92em; }
.pulse { flex: none; width: 9px; height: 9px; border-radius: 50%; background: var(--accent); animation: pulse 1.2s ease-in-out infinite; }
@keyframes pulse { 50% { opacity: .25; } }
.error { display: flex; align-items: center; justify-content: space-between; gap: 10px; padding: 8px 12px; border-inline-start: 3px solid var(--danger); background: var(--raised); border-radius: 6px; }
.error .quiet { flex: none; }
.note { margin-top: 4px; color: var(--faint); font-size: .88em; }
.actions { display: flex; margin: 2px 0 0 -9px; }
.actions:dir(rtl) { margin: 2px -9px 0 0; }
.actions svg { width: 17px; height: 17px; }
.comment { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 4px; }
.comment textarea { flex: 1 0 100%; padding: 6px 10px; border: 1px solid var(--line); border-radius: 10px; background: var(--ground); resize: vertical; }
.details { display: grid; gap: 2px; margin-top: 4px; padding: 8px 12px; border-radius: 10px; background: var(--raised); font-size: .88em; }
.details div { display: flex; gap: 8px; }
.details dt { flex: 0 0 6em; color: var(--faint); }
.details dd { min-width: 0; overflow-wrap: anywhere; }

.markdown { overflow-wrap: anywhere; }
.markdown > *, .markdown li > p { margin: 0 0 .65em; }
.markdown > :last-child, .markdown li > p:last-child { margin-bottom: 0; }
.markdown h3, .markdown h4, .markdown h5, .markdown h6 { margin-top: .8em; font-size: 1.08em; font-weight: 650; line-height: 1.3; }
.markdown > :first-child { margin-top: 0; }
.markdown ul, .markdown ol { padding-inline-start: 1.6em; }
.markdown li { margin: .15em 0; }
.markdown li ul, .markdown li ol { margin: 0; }
.markdown blockquote { padding-inline-start: .9em; border-inline-start: 3px solid var(--line); color: var(--faint); }
.markdown hr { border: 0; border-top: 1px solid var(--line); }
.markdown a { color: var(--accent); text-underline-offset: 2px; }
.markdown .html { white-space: pre-wrap; }
.markdown code { padding: .1em .3em; background: var(--raised); border-radius: 5px; font: .9em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.code { border: 1px solid var(--line); border-radius: 10px; overflow: hidden; background: var(--raised); }
.code-head { display: flex; justify-content: space-between; align-items: center; min-height: 30px; padding: 0 4px 0 12px; color: var(--faint); font-size: .82em; }
.copy-code { padding: 2px 8px; }
.copy-code:hover { color: var(--text); }
.code pre { margin: 0; padding: 4px 12px 12px; overflow-x: auto; }
.code pre code { padding: 0; background: none; overflow-wrap: normal; }
.table { overflow-x: auto; }
.markdown table { border-collapse: collapse; overflow-wrap: normal; }
.markdown th, .markdown td { padding: 5px 10px; border: 1px solid var(--line); text-align: start; }
.markdown th { background: var(--raised); }
.markdown .to-center { text-align: center; }
.markdown .to-right { text-align: end; }

.composer { padding: 8px max(12px, calc((100cqi - 46rem) / 2)) max(12px, env(safe-area-inset-bottom)); border-top: 1px solid var(--line); }
.picker { margin-bottom: 6px; }
.picker select { max-width: 100%; padding: 3px 8px; border: 1px solid var(--line); border-radius: 8px; background: var(--ground); font-size: .9em; text-overflow: ellipsis; }
.row { display: flex; align-items: flex-end; gap: 6px; padding: 5px 5px 5px 12px; border: 1px solid var(--line); border-radius: var(--radius); }
.row:dir(rtl) { padding: 5px 12px 5px 5px; }
.row:focus-within { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
.row textarea { flex: 1; min-width: 0; max-height: 40cqb; max-height: min(30dvh, 220px); padding: 6px 0; border: 0; outline: 0; background: none; resize: none; line-height: 1.5; }
.row textarea::placeholder { color: var(--faint); opacity: 1; }
.send.icon, .send.icon:hover:enabled { background: var(--accent); color: var(--on-accent); }
.stop.icon { border-color: var(--danger); color: var(--danger); }
.excess { padding: 4px 2px 0; color: var(--danger); font-size: .88em; }

dialog { max-width: 22rem; padding: 20px; border: 1px solid var(--line); border-radius: var(--radius); background: var(--ground); color: var(--text); }
dialog::backdrop { background: rgb(0 0 0 / .45); }
dialog h2 { margin-bottom: 6px; font-size: 1.1em; }
dialog .choices { display: flex; justify-content: end; gap: 8px; margin-top: 16px; }

@media (max-width: 480px) {
  .floating { inset: 0; width: 100%; height: 100dvh; border: 0; border-radius: 0; }
  .floating.open ~ .launcher { display: none; }
  .row textarea { font-size: 16px; }
  .icon { min-width: 40px; min-height: 40px; }
}
@media (prefers-reduced-motion: reduce) {
  .floating, .pulse { animation: none; }
}
@media (forced-colors: active) {
  .user, .launcher, .send.icon { border: 1px solid; }
}
`;

let sheet: CSSStyleSheet | undefined;

/** Gives the style sheet, which all windows of a page share; a strict content policy allows it. */
export function styleSheet(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
