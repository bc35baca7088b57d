import {z} from 'zod';
import {type Rule, celString, matches, withRules} from './rules.ts';

/** A list of which `map keys` tell the items apart: server-side apply merges it item by item. */
export function keyedList<T extends z.ZodType>(item: T, key: string, max: number): z.ZodArray<T> {
  return z
    .array(item)
    .max(max)
    .meta({'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': [key]})
    .superRefine((items, context) => {
      const seen = new Set<unknown>();
      items.forEach((each, index) => {
        const value = (each as Record<string, unknown>)[key];
        if (seen.has(value)) {
          context.addIssue({
            code: 'custom',
            message: `${key} ${JSON.stringify(value)} stands twice: give each its own`,
            path: [index],
          });
        }
        seen.add(value);
      });
    });
}

/** A list in which nothing stands twice. */
export function setOf<T extends z.ZodType<string>>(item: T, max: number): z.ZodArray<T> {
  return z
    .array(item)
    .max(max)
    .meta({'x-kubernetes-list-type': 'set'})
    .superRefine((items, context) => {
      items.forEach((each, index) => {
        if (items.indexOf(each) !== index) {
          context.addIssue({code: 'custom', message: `${each} stands twice: remove one`, path: [index]});
        }
      });
    });
}

/** A map from string to string with at most `max` entries. */
export function stringMap(max: number): z.ZodRecord<z.ZodString, z.ZodString> {
  return z
    .record(z.string(), z.string().max(4096))
    .meta({maxProperties: max})
    .superRefine((value, context) => {
      if (Object.keys(value).length > max) {
        context.addIssue({code: 'custom', message: `must have at most ${max} entries`});
      }
    });
}

const OBJECT_NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
/** The name of another object in the resource's own namespace. */
export function objectName(what: string): z.ZodString {
  return withRules(z.string().max(253), [
    matches(
      OBJECT_NAME,
      `must be the name of ${what} in this namespace: lower-case letters, digits, '-' and '.'`,
    ),
  ]);
}

const SECRET_KEY = /^[-._a-zA-Z0-9]+$/;
/** A key in a Secret's data. */
export function secretKey(): z.ZodString {
  return withRules(z.string().max(253), [
    matches(SECRET_KEY, "must be a key of the Secret: letters, digits, '-', '_' and '.'"),
  ]);
}

const HOST =
  '([A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*|\\[[0-9a-fA-F:.]+\\])';
const PORT = '(:[1-9][0-9]{0,4})?';

/** Scheme, host and port, nothing after: `https://app.example.com`. */
const ORIGIN = new RegExp(`^https?://${HOST}${PORT}$`);
/** A URL without user, query or fragment: `https://id.example.com/realms/staff`. */
export const PLAIN_URL = new RegExp(`^https?://${HOST}${PORT}(/[-A-Za-z0-9._~%!$&'()*+,;=:@/]*)?$`);

/** A picture: an https URL, or a data URL of one. */
export const PICTURE_URL = new RegExp(
  `^(https://${HOST}${PORT}(/[-A-Za-z0-9._~%!$&'()*+,;=:@/?]*)?|data:image/(png|jpeg|gif|webp|avif|svg\\+xml);base64,[A-Za-z0-9+/]+={0,2})$`,
);

/** A host, with a port where only that one is meant: `id.example.com:8443`. */
export const HOST_AND_PORT = new RegExp(`^${HOST}${PORT}$`);

/** An origin in another spelling than that of browsers and of the server, who compare origins as texts. */
export const OTHER_SPELLING = /[A-Z]|^https:.*:443$|^http:.*:80$/;
const SPELLING: Rule<string> = {
  rule: `!self.matches(${celString(OTHER_SPELLING.source)})`,
  message:
    'must be spelled as browsers spell it: the host in lower case, and no port where it is the usual one (:443 after https, :80 after http): for example https://api.example.com',
  holds: (url) => !OTHER_SPELLING.test(url),
};

/** The schema of an origin. */
export function origin(message: string): z.ZodString {
  return withRules(z.string().max(512), [matches(ORIGIN, message), SPELLING]);
}

/** Text of one line, for people. */
export function line(max: number): z.ZodString {
  return withRules(z.string().min(1).max(max), [
    matches(/^[^\p{Cc}]*$/u, 'must be one line of text without control characters'),
  ]);
}
