/** Text that is markup already. Only `html` and `styleElement` make it; whatever else a page shows is escaped. */
class Markup {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

export type Html = Markup;
export type HtmlValue = Html | string | number | undefined | readonly HtmlValue[];

/**
 * A piece of a page. Values are escaped for elements and for attributes in double quotes, pieces stay as they are, an
 * array is its parts one after another, and undefined is nothing.
 */
export function html(strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let text = '';
  for (const [index, string] of strings.entries()) text += string + render(values[index]);
  return new Markup(text);
}

/** A style element. Throws where the sheet could end its element: a sheet is ours, never a user's. */
export function styleElement(sheet: string): Html {
  if (sheet.includes('<')) throw new Error('a style sheet holds no <');
  return new Markup(`<style>${sheet}</style>`);
}

function render(value: HtmlValue): string {
  if (value === undefined) return '';
  if (value instanceof Markup) return value.toString();
  if (Array.isArray(value)) return value.map(render).join('');
  if (typeof value === 'object') throw new TypeError('a page is made of texts and pieces');
  return String(value).replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
