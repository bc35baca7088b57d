/** Browsers by the mark that only they leave. Most name those that they descend from as well: the first that fits is it. */
const BROWSERS: readonly (readonly [mark: RegExp, name: string])[] = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'],
  [/\b(?:OPR|OPT|OPiOS)\//, 'Opera'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bYaBrowser\//, 'Yandex Browser'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bDuckDuckGo\//, 'DuckDuckGo'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:HeadlessChrome|Chrome|Chromium|CriOS)\//, 'Chrome'],
  [/\bVersion\/[\d.]+.* Safari\//, 'Safari'],
];

/** Systems likewise: Android says that it is Linux, and an iPhone that it is like a Mac. */
const SYSTEMS: readonly (readonly [mark: RegExp, name: string])[] = [
  [/\bWindows (?:NT|Phone)\b/, 'Windows'],
  [/\biPhone\b|\biPod\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMacintosh\b|\bMac OS X\b/, 'macOS'],
  [/\bLinux\b|\bX11\b/, 'Linux'],
];

/** The name of a program that is no browser: `curl/8.5.0`. */
const PROGRAM = /^([A-Za-z][A-Za-z0-9._-]{0,39})(?:\/|$)/;

/**
 * What a User-Agent header says, in a few words of ours: "Firefox on Linux", "Safari on iPhone", "curl". Undefined where
 * it says nothing of use. No more than that is kept of it: no version, no model, nothing to know a browser again by.
 */
export function describeUserAgent(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const text = header.slice(0, 512);
  const find = (marks: typeof BROWSERS): string | undefined => marks.find(([mark]) => mark.test(text))?.[1];
  const [browser, system] = [find(BROWSERS), find(SYSTEMS)];
  if (browser !== undefined) return system === undefined ? browser : `${browser} on ${system}`;
  if (text.startsWith('Mozilla/')) return system === undefined ? undefined : `A browser on ${system}`;
  return PROGRAM.exec(text)?.[1];
}
