import {z} from 'zod';
import {DURATION, duration, durationSeconds} from './duration.ts';
import {setOf} from './fields.ts';
import {matches, withRules} from './rules.ts';

/** How access tokens may be signed. */
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'] as const;

export const tokens = withRules(
  z.object({
    algorithm: z
      .enum(ALGORITHMS)
      .default('RS256')
      .meta({description: 'The algorithm that signs access tokens.'}),
    accessTTL: duration({min: '1m', max: '24h', example: '1h', wholeMinutes: true})
      .default('1h')
      .meta({description: 'How long an access token is valid.'}),
    refreshTTL: duration({min: '5m', max: '8760h', example: '168h'})
      .default('168h')
      .meta({description: 'How long a session lasts at most, however often it is refreshed.'}),
    idleTTL: duration({min: '1m', max: '8760h', example: '72h'}).optional().meta({
      description:
        'How long a session may stay unused before it ends; longer than accessTTL. Default: 72h, or refreshTTL where that is shorter.',
    }),
    refreshRotation: z.enum(['Rotate', 'Static']).default('Rotate').meta({
      description:
        'Rotate gives a new refresh token at every refresh. Static keeps the first one, for clients that cannot store a new one; a stolen token then works until the session ends.',
    }),
    replayWindow: duration({min: '0s', max: '5m', example: '30s'}).default('30s').meta({
      description:
        'How long a refresh token that has just been replaced still returns the same successor, so that a lost response or two browser tabs log nobody out.',
    }),
    audience: setOf(
      withRules(z.string().max(200), [
        matches(
          /^[^\s,]+$/,
          'must be one audience, without spaces or commas: write each as an item of its own',
        ),
      ]),
      16,
    )
      .optional()
      .meta({description: 'The audience (`aud`) of access tokens. Default: the public URL.'}),
  }),
  [
    {
      rule: `!self.refreshTTL.matches('${DURATION.source}') || !self.accessTTL.matches('${DURATION.source}') || duration(self.refreshTTL) > duration(self.accessTTL)`,
      message:
        'refreshTTL must be longer than accessTTL, or no token could ever be refreshed: raise refreshTTL or lower accessTTL',
      fieldPath: '.refreshTTL',
      holds: ({refreshTTL, accessTTL}) => longer(refreshTTL, accessTTL),
    },
    {
      rule: `!has(self.idleTTL) || !self.idleTTL.matches('${DURATION.source}') || !self.accessTTL.matches('${DURATION.source}') || duration(self.idleTTL) > duration(self.accessTTL)`,
      message:
        'idleTTL must be longer than accessTTL, or a session would end while its client still has a token that is valid and sees no need to refresh: raise idleTTL or lower accessTTL',
      fieldPath: '.idleTTL',
      holds: ({idleTTL, accessTTL}) => idleTTL === undefined || longer(idleTTL, accessTTL),
    },
  ],
);

/** Whether the first duration is the longer one; true where either is not a duration, which is its own error. */
function longer(a: string, b: string): boolean {
  const [first, second] = [durationSeconds(a), durationSeconds(b)];
  return first === undefined || second === undefined || first > second;
}
