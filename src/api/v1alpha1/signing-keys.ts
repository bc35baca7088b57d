import {z} from 'zod';
import {DURATION, duration, durationSeconds} from './duration.ts';
import {withRules} from './rules.ts';

/** How keys are rotated. The first duration of a rule is compared only where both are durations at all. */
export const signingKeys = withRules(
  z.object({
    rotateEvery: duration({min: '0s', max: '8760h', example: '720h'}).default('720h').meta({
      description: 'How long a key signs before the next one takes over. 0s: keys rotate only on request.',
    }),
    publishBefore: duration({min: '1m', max: '720h', example: '24h'}).default('24h').meta({
      description:
        'How long a new key is published before it signs, for clients that cache keys longer than jwksMaxAge allows. A rotation on request waits only for jwksMaxAge.',
    }),
    jwksMaxAge: duration({min: '1s', max: '1h', example: '5m'}).default('5m').meta({
      description:
        'How long clients may cache the JWK Set: the max-age of /.well-known/jwks.json. A key signs only after every replica has served it for that long.',
    }),
  }),
  [
    {
      rule: `!self.rotateEvery.matches('${DURATION.source}') || !self.publishBefore.matches('${DURATION.source}') || duration(self.rotateEvery) == duration('0s') || duration(self.publishBefore) < duration(self.rotateEvery)`,
      message:
        'publishBefore must be shorter than rotateEvery: lower publishBefore, raise rotateEvery, or write rotateEvery: 0s to rotate only on request',
      fieldPath: '.publishBefore',
      holds: ({rotateEvery, publishBefore}) =>
        durationSeconds(rotateEvery) === 0 || atMost(publishBefore, rotateEvery, false),
    },
    {
      rule: `!self.jwksMaxAge.matches('${DURATION.source}') || !self.publishBefore.matches('${DURATION.source}') || duration(self.jwksMaxAge) <= duration(self.publishBefore)`,
      message:
        'jwksMaxAge cannot be longer than publishBefore, or a key would sign while others still keep the set without it: lower jwksMaxAge or raise publishBefore',
      fieldPath: '.jwksMaxAge',
      holds: ({jwksMaxAge, publishBefore}) => atMost(jwksMaxAge, publishBefore, true),
    },
  ],
);

/** Whether the first duration is shorter, or as long where that is enough; true where either is no duration. */
function atMost(a: string, b: string, orEqual: boolean): boolean {
  const [first, second] = [durationSeconds(a), durationSeconds(b)];
  return first === undefined || second === undefined || first < second || (orEqual && first === second);
}
