import {createHash} from 'node:crypto';
import {assert, integer, property, tuple} from 'fast-check';
import {describe, expect, it} from 'vitest';
import {contrast, formatColor, parseColor, type Color} from '../../../../src/server/pages/color.ts';
import {policyOf} from '../../../../src/server/pages/document.ts';
import {html} from '../../../../src/server/pages/html.ts';
import {palettes} from '../../../../src/server/pages/palette.ts';
import {themeOf} from '../../../../src/server/pages/theme.ts';
import type {Branding} from '../../../../src/support/configuration/configuration.ts';

const plain: Branding = {name: undefined, logoUrl: undefined, color: undefined};
const page = {title: 'x', main: html`x`};

describe('contrast', () => {
  it.each([
    ['#000', '#ffffff', 21],
    ['#fff', '#fff', 1],
    // The example of WCAG's technique G18.
    ['#767676', '#ffffff', 4.54],
  ])('of %s on %s is %d', (one, other, ratio) => {
    expect(contrast(parseColor(one), parseColor(other))).toBeCloseTo(ratio, 2);
  });

  it('is enough in both schemes, whatever colour is configured (WCAG 2.2, 1.4.3 and 1.4.11)', () => {
    const part = integer({min: 0, max: 255});
    assert(
      property(tuple(part, part, part), (color: Color) => {
        for (const palette of Object.values(palettes(color))) {
          for (const ground of ['page', 'card', 'tint'] as const) {
            for (const text of ['text', 'muted', 'accent'] as const)
              expect(contrast(palette[text], palette[ground])).toBeGreaterThanOrEqual(4.5);
            expect(contrast(palette.edge, palette[ground])).toBeGreaterThanOrEqual(3);
          }
          for (const button of ['accent', 'accent-hover'] as const)
            expect(contrast(palette['on-accent'], palette[button])).toBeGreaterThanOrEqual(4.5);
        }
      }),
      {numRuns: 500},
    );
  });

  it('leaves a colour that has it as it is, and else keeps its hue', () => {
    expect(formatColor(palettes(parseColor('#0f766e')).light.accent)).toBe('#0f766e');
    const [red, green, blue] = palettes(parseColor('#ffeb3b')).light.accent;
    expect(red).toBeGreaterThan(blue);
    expect(green).toBeGreaterThan(blue);
  });
});

describe('the policy', () => {
  it('allows exactly the style that stands in the page, and no script', () => {
    const theme = themeOf(plain, 'auth.example.com');
    const hash = createHash('sha256').update(theme.sheet).digest('base64');
    expect(policyOf(theme, page)).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
  });

  it.each([
    ['https://cdn.example.com/a/logo.svg?v=1', 'https://cdn.example.com/a/logo.svg'],
    ["https://cdn.example.com/a;script-src *,'x'", "https://cdn.example.com/a%3Bscript-src%20*%2C'x'"],
    ['data:image/png;base64,AAAA', 'data:'],
  ])('allows the logo %s alone', (logoUrl, source) => {
    const policy = policyOf(themeOf({...plain, logoUrl}, 'auth.example.com'), page);
    expect(policy.split('; ').find((directive) => directive.startsWith('img-src'))).toBe(`img-src ${source}`);
    expect(policy.split(';')).toHaveLength(6);
  });

  it('allows forms to this server only where a page has some', () => {
    const policy = policyOf(themeOf(plain, 'auth.example.com'), {...page, forms: true});
    expect(policy).toContain("form-action 'self'");
  });
});

it('the name is the host where none is configured', () => {
  expect(themeOf(plain, 'auth.example.com').name).toBe('auth.example.com');
  expect(themeOf({...plain, name: 'Example'}, 'auth.example.com').name).toBe('Example');
});
