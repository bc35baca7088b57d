/**
 * The style of all pages; the colours stand before it. One column that fits 320 px, targets of at least 44 px, nothing
 * that moves unless the person likes motion. In dark the logo stands on white, for which most are made.
 */
export const SHEET = minify(`
*, ::before, ::after { box-sizing: border-box }
body {
  margin: 0; min-height: 100vh; min-height: 100dvh; padding: 1.5rem 1rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
  display: flex; flex-direction: column; align-items: center; overflow-wrap: anywhere;
}
header, main, footer { width: 100%; max-width: 25rem }
.wide header, .wide main, .wide footer { max-width: 42rem }
header { margin: auto 0 1.25rem; display: flex; align-items: center; justify-content: center; gap: .75rem; font-weight: 600 }
.wide header { margin-top: 1rem; justify-content: flex-start }
header img { max-height: 2.75rem; max-width: 9rem; display: block }
main { background: var(--card); border: 1px solid var(--line); border-radius: .875rem; padding: 2rem; box-shadow: 0 1px 2px #0000000d, 0 8px 24px #0000000a }
footer { margin: 1.25rem 0 auto; color: var(--muted); font-size: .875rem; text-align: center }
.wide footer { text-align: left }
h1 { margin: 0 0 .5rem; font-size: 1.5rem; line-height: 1.25; letter-spacing: -.01em; text-wrap: balance }
h2 { margin: 2rem 0 .25rem; font-size: 1.125rem; line-height: 1.4 }
p { margin: 0 0 1rem }
p:last-child { margin-bottom: 0 }
a { color: var(--accent); text-underline-offset: .2em }
ul { list-style: none; margin: 0; padding: 0 }
code { font: .875rem ui-monospace, "SF Mono", Menlo, Consolas, monospace; color: var(--text) }
.muted { color: var(--muted) }
.small { font-size: .875rem }
.button {
  display: inline-flex; align-items: center; justify-content: center; gap: .75rem; min-height: 2.75rem; padding: .5rem 1.125rem;
  border: 1px solid var(--edge); border-radius: .5rem; background: var(--card); color: var(--text);
  font: inherit; font-weight: 500; text-decoration: none; cursor: pointer;
}
.button:hover { background: var(--tint); border-color: var(--accent) }
.button.main { background: var(--accent); border-color: var(--accent); color: var(--on-accent) }
.button.main:hover { background: var(--accent-hover); border-color: var(--accent-hover) }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px }
.choices { display: grid; gap: .75rem; margin-top: 1.5rem }
.choices .button { width: 100%; min-height: 3.25rem; justify-content: flex-start; text-align: left }
.choices small { display: block; color: var(--muted); font-weight: 400 }
.mark {
  flex: none; width: 2rem; height: 2rem; border-radius: .375rem; background: var(--accent); color: var(--on-accent);
  display: grid; place-items: center; font-weight: 600; line-height: 1;
}
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.5rem }
.actions form { display: contents }
dl { margin: 1.25rem 0 0; display: grid; grid-template-columns: minmax(6rem, auto) 1fr; gap: .25rem 1.5rem }
dt { color: var(--muted) }
dd { margin: 0 }
.sessions { margin-top: 1rem; border-top: 1px solid var(--line) }
.sessions li { display: flex; align-items: center; justify-content: space-between; gap: .75rem 1rem; flex-wrap: wrap; padding: 1rem 0; border-bottom: 1px solid var(--line) }
.sessions li:last-child { border-bottom: 0; padding-bottom: 0 }
.sessions li > div { flex: 1 1 16rem }
.sessions p { margin: 0 }
.badge { display: inline-block; padding: 0 .5rem; border-radius: 1rem; background: var(--tint); color: var(--accent); font-size: .8125rem; font-weight: 600; line-height: 1.5rem }
.notice { border-left: 3px solid var(--accent); background: var(--tint); padding: .625rem .875rem; border-radius: .25rem; margin-bottom: 1.25rem }
@media (max-width: 30rem) {
  main { padding: 1.5rem 1.25rem }
  .actions .button { width: 100% }
  dl { grid-template-columns: 1fr; gap: 0 }
  dd { margin-bottom: .75rem }
}
@media (prefers-color-scheme: dark) { header img { background: #fff; padding: .25rem .375rem; border-radius: .375rem } main { box-shadow: none } }
@media (prefers-reduced-motion: no-preference) { .button { transition: background-color .12s, border-color .12s } }
@media (forced-colors: active) { .mark, .badge { border: 1px solid } }
`);

function minify(sheet: string): string {
  return sheet
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([{};,]) ?/g, '$1')
    .replaceAll(/: /g, ':')
    .trim();
}
