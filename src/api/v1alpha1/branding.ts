import {z} from 'zod';
import {line, PICTURE_URL} from './fields.ts';
import {matches, withRules} from './rules.ts';

/** How the pages look that the server shows to people. */
export const branding = z.object({
  name: line(60)
    .optional()
    .meta({description: 'Whose sign-in it is, as people know it. Default: the host of publicURL.'}),
  logoURL: withRules(z.string().max(65_536), [
    matches(
      PICTURE_URL,
      'must be an https URL such as https://cdn.example.com/logo.svg, or a picture as data:image/png;base64,…',
    ),
  ])
    .optional()
    .meta({
      description:
        'A picture beside the name. The policy of the pages lets the browser fetch it from there and nowhere else.',
    }),
  color: withRules(z.string().max(7), [
    matches(/^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/, 'must be a colour such as "#2b5bd7", in quotes'),
  ])
    .optional()
    .meta({
      description:
        'The colour of buttons and links. Where it lacks contrast, the nearest of its hue that has it is shown.',
    }),
});
