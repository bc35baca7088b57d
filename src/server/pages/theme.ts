import {createHash} from 'node:crypto';
import type {Branding} from '../../support/configuration/configuration.ts';
import {parseColor} from './color.ts';
import {declarations, palettes} from './palette.ts';
import {SHEET} from './sheet.ts';

/** What all pages have in common: computed once, when the configuration is read. */
export interface Theme {
  /** Whose sign-in this is. */
  readonly name: string;
  readonly logoUrl: string | undefined;
  readonly sheet: string;
  /** Directives of the Content-Security-Policy that depend on the theme. */
  readonly policy: string;
}

const DEFAULT_COLOR = '#2b5bd7';

/** `host` stands for the name where none is configured. */
export function themeOf(branding: Branding, host: string): Theme {
  const {light, dark} = palettes(parseColor(branding.color ?? DEFAULT_COLOR));
  const sheet =
    `:root{color-scheme:light dark;${declarations(light)}}` +
    `@media (prefers-color-scheme:dark){:root{${declarations(dark)}}}${SHEET}`;
  const hash = createHash('sha256').update(sheet).digest('base64');
  const {logoUrl} = branding;
  return {
    name: branding.name ?? host,
    logoUrl,
    sheet,
    policy: `style-src 'sha256-${hash}'${logoUrl === undefined ? '' : `; img-src ${imageSource(logoUrl)}`}`,
  };
}

/**
 * The source expression of that one picture (CSP 3, section 2.3.1): a policy cannot say more of a data URL than its
 * scheme, and takes no query; a comma or semicolon would end the directive.
 */
function imageSource(logoUrl: string): string {
  if (logoUrl.startsWith('data:')) return 'data:';
  const {origin, pathname} = new URL(logoUrl);
  return origin + pathname.replaceAll(';', '%3B').replaceAll(',', '%2C');
}
