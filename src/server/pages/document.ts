import {html, styleElement, type Html} from './html.ts';
import type {Theme} from './theme.ts';

/** A page, before it is dressed in the theme. */
export interface Page {
  readonly title: string;
  /** A list needs more room than a choice. */
  readonly wide?: boolean;
  readonly main: Html;
  readonly footer?: Html;
  /** Where the browser goes on to by itself, at once (WCAG 2.2, technique H76). */
  readonly onward?: URL;
  /** Whether it holds forms, which then go to this server only. */
  readonly forms?: boolean;
}

/** The whole document. The title names the page first, as a list of tabs shows it (WCAG 2.2, 2.4.2). */
export function renderPage(theme: Theme, page: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${page.title} · ${theme.name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
${page.onward && html`<meta http-equiv="refresh" content="${`0;url=${page.onward.href}`}" />`}
${theme.logoUrl === undefined ? undefined : html`<link rel="icon" href="${theme.logoUrl}" />`}
${styleElement(theme.sheet)}
</head>
<body${page.wide === true ? html` class="wide"` : undefined}>
<header>${theme.logoUrl === undefined ? undefined : html`<img src="${theme.logoUrl}" alt="" />`}<span>${theme.name}</span></header>
<main>
${page.main}
</main>
<footer>${page.footer}</footer>
</body>
</html>
`.toString();
}

/** The page's policy: no script, this style, this logo, forms to this server or none (CSP 3; OWASP ASVS 5, 3.4.3). */
export function policyOf(theme: Theme, page: Page): string {
  return (
    `default-src 'none'; ${theme.policy}; base-uri 'none'; ` +
    `form-action ${page.forms === true ? "'self'" : "'none'"}; frame-ancestors 'none'`
  );
}
