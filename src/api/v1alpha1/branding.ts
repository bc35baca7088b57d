import {z} from 'zod';
import {line, PICTURE_URL} from './fields.ts';
import {matches, withRules} from './rules.ts';

/** How the pages look that the server shows to people. */
export const branding = z.object({
  name: line(60)
    .optional()
    .meta({description: 'The name of the service, as people know it. Default: the host of publicURL.'}),
  logoURL: withRules(z.string().max(65_536), [
    matches(
      PICTURE_URL,
      'must be an https URL such as https://cdn.example.com/logo.svg, or a picture as data:image/png;base64,…',
    ),
  ])
    .optional()
    .meta({
      description:
        'A logo beside the name. The pages allow the browser to load images from this address only.',
    }),
  color: withRules(z.string().max(7), [
    matches(/^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/, 'must be a colour such as "#2b5bd7", in quotes'),
  ])
    .optional()
    .meta({
      description:
        'The colour of buttons and links. If its contrast is too low, the nearest readable shade of the same hue is used.',
    }),
});
