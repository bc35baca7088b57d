import {describe, expect, it} from 'vitest';
import {assert, property, string} from 'fast-check';
import {html, styleElement, type HtmlValue} from '../../../../src/server/pages/html.ts';

describe('html', () => {
  it('escapes values in elements and in attributes', () => {
    const hostile = `"><script>alert('x')</script>&`;
    expect(html`<p title="${hostile}">${hostile}</p>`.toString()).toBe(
      '<p title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;">&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;</p>',
    );
  });

  it('keeps its own pieces, joins arrays, leaves out undefined', () => {
    const items = ['a', '<b>'].map((item) => html`<li>${item}</li>`);
    expect(html`${items}${undefined}${3}`.toString()).toBe('<li>a</li><li>&lt;b&gt;</li>3');
  });

  it('takes nothing else for markup, whatever its shape', () => {
    const forged = [{toString: () => '<script>'}] as unknown as HtmlValue;
    expect(() => html`${forged}`).toThrow(TypeError);
  });

  it('lets no character of a text be markup', () => {
    const markup = /[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/;
    assert(
      property(string({maxLength: 20}), (text) => {
        expect(html`${text}`.toString()).not.toMatch(markup);
      }),
    );
  });
});

it('a style sheet cannot end its element', () => {
  expect(() => styleElement('a{}</style><script>')).toThrow('no <');
});
