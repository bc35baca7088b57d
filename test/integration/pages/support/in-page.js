// What the tests run inside of the page. Each function goes there as text: it can use nothing from outside of itself.

/** The texts whose contrast with what lies behind them is below 4.5 (WCAG 2.2, 1.4.3), as the browser computed them. */
export function lowContrast() {
  const parse = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (color) => {
    const [red = 0, green = 0, blue = 0] = color.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const behind = (element) => {
    if (element === null) return [255, 255, 255];
    const color = parse(getComputedStyle(element).backgroundColor);
    return color[3] === 0 ? behind(element.parentElement) : color.slice(0, 3);
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    const text = own.map((node) => node.textContent.trim()).join('');
    if (text === '') continue;
    const front = luminance(parse(getComputedStyle(element).color).slice(0, 3));
    const back = luminance(behind(element));
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (ratio < 4.5) found.push(`${text}: ${ratio.toFixed(2)}`);
  }
  return found;
}

/** Controls without a name, or smaller than 44 px, and pictures without an alternative (WCAG 2.2, 1.1.1, 2.5.5, 4.1.2). */
export function unlabelled() {
  const found = [];
  for (const element of document.querySelectorAll('a, button, input:not([type=hidden])')) {
    const name = element.getAttribute('aria-label') ?? element.textContent.trim();
    if (name === '') found.push(`no name: ${element.outerHTML}`);
    if (element.getBoundingClientRect().height < 44) found.push(`small: ${element.outerHTML}`);
  }
  for (const image of document.querySelectorAll('img')) {
    if (!image.hasAttribute('alt')) found.push(`no alt: ${image.outerHTML}`);
  }
  return found;
}

/** How wide the page would be if it could. */
export function neededWidth() {
  return document.documentElement.scrollWidth;
}

/** Whether the logo was loaded. */
export function logoIsShown() {
  return document.querySelector('header img').naturalWidth > 0;
}

/** Where the focus is, and how that shows. */
export function focus() {
  const element = document.activeElement;
  const {outlineStyle, outlineWidth} = getComputedStyle(element);
  // From the top of the page: the browser scrolls to what has the focus.
  const top = element.getBoundingClientRect().top + scrollY;
  return {tag: element.tagName, top, outlineStyle, outlineWidth};
}

export function transitionOfButtons() {
  return getComputedStyle(document.querySelector('.button')).transitionDuration;
}

/** Asks with the cookies, as a script of that page can; each answer as "STATUS BODY", or "refused". */
export function ask(requests) {
  return Promise.all(
    requests.map(({url, init}) =>
      fetch(url, {credentials: 'include', ...init}).then(
        async (answer) => `${answer.status} ${await answer.text()}`,
        () => 'refused',
      ),
    ),
  );
}

/** Posts a form there, which needs no leave; the person then sees the answer. */
export function postForm({action, fields = {form_token: 'made-up'}}) {
  const form = document.createElement('form');
  Object.assign(form, {method: 'post', action});
  for (const [name, value] of Object.entries(fields))
    form.append(Object.assign(document.createElement('input'), {name, value}));
  document.body.append(form);
  form.submit();
}
