import {z} from 'zod';

/** Longest logo, which may be the picture itself: it is sent with every page. */
const LENGTH = 65_536;

const DATA_URL = /^data:image\/(?:png|jpeg|gif|webp|avif|svg\+xml);base64,[A-Za-z0-9+/]+={0,2}$/;

const LOGO_PROBLEM =
  'must be an https URL, or a picture as data:image/png;base64,… (or jpeg, gif, webp, avif, svg+xml) of 64 KiB at most';

/** How the pages for people look. */
export const brandingSchema = z.strictObject({
  name: z
    .string()
    .min(1, 'must not be empty')
    .max(60, 'must be 60 characters at most')
    .regex(/^\P{Cc}*$/u, 'must not hold control characters')
    .optional(),
  logoUrl: z.string().refine(isLogo, LOGO_PROBLEM).optional(),
  color: z
    .string()
    .regex(/^#(?:[0-9a-f]{3}|[0-9a-f]{6})$/i, 'must be a colour such as "#2b5bd7", in quotes')
    .optional(),
});

function isLogo(text: string): boolean {
  if (text.startsWith('data:')) return text.length <= LENGTH && DATA_URL.test(text);
  if (!/^https:\/\/[\x21-\x7e]+$/.test(text) || text.length > LENGTH || !URL.canParse(text)) return false;
  const url = new URL(text);
  return url.username === '' && url.password === '' && url.hash === '';
}
