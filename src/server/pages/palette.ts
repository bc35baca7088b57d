import {BLACK, contrast, formatColor, mix, readableOn, rounded, WHITE, type Color} from './color.ts';

/** The colours of one scheme, as CSS custom properties without their dashes. */
export type Palette = Readonly<Record<PaletteName, Color>>;
type PaletteName =
  | 'page'
  | 'card'
  | 'text'
  | 'muted'
  | 'line'
  | 'edge'
  | 'accent'
  | 'on-accent'
  | 'accent-hover'
  | 'tint';

/** What text needs (WCAG 2.2, 1.4.3), with a little to spare for a tinted ground. */
const TEXT_RATIO = 4.6;

/** The accent is the configured colour where that can be read, else the nearest to it that can. */
export function palettes(color: Color): {light: Palette; dark: Palette} {
  return {
    light: palette(color, {
      page: [243, 244, 247],
      card: WHITE,
      text: [22, 25, 31],
      muted: [82, 89, 102],
      line: [219, 223, 230],
      edge: [128, 136, 150],
    }),
    dark: palette(color, {
      page: [14, 16, 20],
      card: [24, 27, 33],
      text: [236, 238, 242],
      muted: [168, 175, 188],
      line: [49, 54, 64],
      edge: [113, 121, 136],
    }),
  };
}

type Ground = Pick<Palette, 'page' | 'card' | 'text' | 'muted' | 'line' | 'edge'>;

function palette(color: Color, ground: Ground): Palette {
  const {page, card, text} = ground;
  // Links stand on the tint as well, the ground that is nearest to the accent.
  const tint = rounded(mix(card, color, 0.07));
  let accent = readableOn(color, tint, TEXT_RATIO);
  for (const other of [card, page]) accent = readableOn(accent, other, TEXT_RATIO);
  const onAccent = contrast(WHITE, accent) >= contrast(BLACK, accent) ? WHITE : BLACK;
  const accentHover = rounded(mix(accent, onAccent === WHITE ? BLACK : WHITE, 0.12));
  return {...ground, text, accent, 'on-accent': onAccent, 'accent-hover': accentHover, tint};
}

/** The declarations of a scheme, for a rule on the root. */
export function declarations(palette: Palette): string {
  return Object.entries(palette)
    .map(([name, color]) => `--${name}:${formatColor(color)}`)
    .join(';');
}
