import {writeFile} from 'node:fs/promises';
import {z} from 'zod';

/**
 * What a command that runs as a Job says of itself when it ends: one JSON line in the file that TERMINATION_LOG
 * names, which Kubernetes shows as the container's termination message and the operator copies into the status.
 * `reason` is a CamelCase word that code may compare; `message` says what happened and `hint` what to do, both for a
 * person, neither with a secret.
 */
const outcomeSchema = z.discriminatedUnion('ok', [
  z.object({ok: z.literal(true), kind: z.string(), detail: z.record(z.string(), z.unknown())}),
  z.object({
    ok: z.literal(false),
    kind: z.string(),
    reason: z.string(),
    message: z.string(),
    hint: z.string(),
    detail: z.record(z.string(), z.unknown()).optional(),
  }),
]);
export type Outcome = z.infer<typeof outcomeSchema>;

/** The kubelet keeps 4096 bytes of a termination message. */
const MAX_BYTES = 4096;

/** Writes the outcome where TERMINATION_LOG says; without that variable it does nothing. */
export async function reportOutcome(outcome: Outcome, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const path = env['TERMINATION_LOG'];
  if (!path) return;
  await writeFile(path, `${serialise(outcome)}\n`);
}

/** Reads a termination message back; undefined where it is not one of ours (a crash leaves a stack trace, say). */
export function parseOutcome(text: string): Outcome | undefined {
  try {
    const parsed = outcomeSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function serialise(outcome: Outcome): string {
  const whole = JSON.stringify(outcome);
  if (fits(whole)) return whole;
  if (outcome.ok) return JSON.stringify({...outcome, detail: {truncated: true}});
  const {detail: _, ...said} = outcome;
  // In JSON and UTF-8 a character has one to six bytes: shorter, until it fits.
  for (let length = MAX_BYTES; ; length = Math.floor(length * 0.8)) {
    const text = JSON.stringify({
      ...said,
      message: cut(said.message, length),
      hint: cut(said.hint, length / 2),
    });
    if (fits(text)) return text;
  }
}

/** With the line feed that is written after it. */
function fits(text: string): boolean {
  return Buffer.byteLength(text) < MAX_BYTES;
}

/** At most that many characters, never half of one. */
function cut(text: string, length: number): string {
  const characters = Array.from(text);
  return characters.length <= length ? text : `${characters.slice(0, length).join('')}…`;
}
