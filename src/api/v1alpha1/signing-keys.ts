import {z} from 'zod';
import {DURATION, duration, durationSeconds} from './duration.ts';
import {type Rule, withRules} from './rules.ts';

/** More keys than these there never are: what is asked for beyond waits until one has gone. */
export const MAX_KEYS = 8;

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

/** What it may take beyond the token's time until a key is gone: clocks that differ, and pods that follow late. */
const SLACK_SECONDS = 300;
/** One place is for the key that comes next. */
const KEPT = MAX_KEYS - 1;
const seconds = (field: string) => `duration(self.${field}).getSeconds()`;

/**
 * That MAX_KEYS suffice for the schedule: when a key is published, the oldest of the others but one has signed its last
 * token KEPT rotations less publishBefore ago, and that has to have expired by then.
 */
export const KEYS_SUFFICE: Rule<{
  readonly signingKeys: {readonly rotateEvery: string; readonly publishBefore: string};
  readonly tokens: {readonly accessTTL: string};
}> = {
  rule:
    ['signingKeys.rotateEvery', 'signingKeys.publishBefore', 'tokens.accessTTL']
      .map((field) => `!self.${field}.matches('${DURATION.source}') || `)
      .join('') +
    `${seconds('signingKeys.rotateEvery')} == 0 || ${KEPT} * ${seconds('signingKeys.rotateEvery')} >= ${seconds('signingKeys.publishBefore')} + ${seconds('tokens.accessTTL')} + ${SLACK_SECONDS}`,
  message: `spec.signingKeys.rotateEvery must be at least a seventh of tokens.accessTTL, publishBefore and 5m together, for an old key stays until its last token has expired and there are ${MAX_KEYS} at most: raise it, lower accessTTL, or write 0s to rotate only on request`,
  fieldPath: '.signingKeys.rotateEvery',
  holds: (spec) => {
    const every = durationSeconds(spec.signingKeys.rotateEvery);
    const least = leastRotation(spec);
    return every === undefined || least === undefined || every === 0 || every >= least;
  },
  explain: (spec) =>
    `is too short for spec.tokens.accessTTL ${spec.tokens.accessTTL}, for an old key stays until its last token has expired and there are ${MAX_KEYS} at most: raise it to ${Math.ceil((leastRotation(spec) ?? 0) / 60)}m or more, lower accessTTL, or write 0s to rotate only on request`,
};

function leastRotation({signingKeys, tokens}: Parameters<typeof KEYS_SUFFICE.holds>[0]): number | undefined {
  const [before, valid] = [durationSeconds(signingKeys.publishBefore), durationSeconds(tokens.accessTTL)];
  return before === undefined || valid === undefined ? undefined : (before + valid + SLACK_SECONDS) / KEPT;
}
