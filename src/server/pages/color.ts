/** An sRGB colour, each part 0 to 255. */
export type Color = readonly [red: number, green: number, blue: number];

export const WHITE: Color = [255, 255, 255];
export const BLACK: Color = [0, 0, 0];

/** Reads `#rgb` or `#rrggbb`. Throws for all else: the configuration has been checked before. */
export function parseColor(text: string): Color {
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(text)?.[1];
  if (digits === undefined) throw new Error('a colour is written #rrggbb');
  const full = digits.length === 3 ? digits.replaceAll(/./g, '$&$&') : digits;
  const part = (at: number): number => Number.parseInt(full.slice(at, at + 2), 16);
  return [part(0), part(2), part(4)];
}

export function formatColor(color: Color): string {
  return `#${color
    .map((part) =>
      Math.round(Math.min(255, Math.max(0, part)))
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`;
}

/** The contrast ratio, 1 to 21 (WCAG 2.2, definitions of contrast ratio and relative luminance). */
export function contrast(one: Color, other: Color): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function luminance([red, green, blue]: Color): number {
  const linear = (part: number): number => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

/**
 * The colour nearest to the given one that has `ratio` against `background`: of the same hue and saturation, only darker
 * or lighter.
 */
export function readableOn(color: Color, background: Color, ratio: number): Color {
  const lighter = contrast(WHITE, background) > contrast(BLACK, background);
  const lightness = (Math.max(...color) + Math.min(...color)) / 510;
  for (let step = 0; step <= STEPS; step++) {
    const share = step / STEPS;
    const wanted = lighter ? lightness + (1 - lightness) * share : lightness * (1 - share);
    const candidate = step === 0 ? color : rounded(withLightness(color, wanted));
    if (contrast(candidate, background) >= ratio) return candidate;
  }
  return lighter ? WHITE : BLACK;
}

const STEPS = 50;

/** The colour with another lightness, 0 to 1, in HSL (CSS Color 4, section 7). */
function withLightness(color: Color, lightness: number): Color {
  const [low, high] = [Math.min(...color) / 255, Math.max(...color) / 255];
  const before = (low + high) / 2;
  const room = (value: number): number => 1 - Math.abs(2 * value - 1);
  if (room(before) === 0) return [lightness * 255, lightness * 255, lightness * 255];
  // Chroma shrinks towards black and white as the room for it does.
  const scale = room(lightness) / room(before);
  const part = (value: number): number => (lightness + (value / 255 - before) * scale) * 255;
  return [part(color[0]), part(color[1]), part(color[2])];
}

/** `share` of the way from one colour to the other. */
export function mix(from: Color, to: Color, share: number): Color {
  const [red, green, blue] = from;
  return [red + (to[0] - red) * share, green + (to[1] - green) * share, blue + (to[2] - blue) * share];
}

/** As it can be written down: contrast is computed for what a browser really shows. */
export function rounded(color: Color): Color {
  return parseColor(formatColor(color));
}
