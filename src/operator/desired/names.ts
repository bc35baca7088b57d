import {shortHash} from './hash.ts';

/** What the name of an object may be at most: a label's value, which is also a Service's and a Job's. */
const LABEL_LENGTH = 63;
/** A CronJob's name leaves eleven characters for its Jobs' times. */
const CRON_JOB_LENGTH = 52;

/** `name-suffix`; where that is too long the name is cut, and a hash of all of it keeps it apart from others. */
export function childName(name: string, suffix: string, longest = LABEL_LENGTH): string {
  const whole = `${name}-${suffix}`;
  if (whole.length <= longest) return whole;
  const end = `-${shortHash(name)}-${suffix}`;
  return `${name.slice(0, longest - end.length).replace(/-+$/, '')}${end}`;
}

/** The names of what an instance owns, where they do not depend on what is in it. */
export function names(instance: {name: string}) {
  const {name} = instance;
  return {
    server: name,
    signingKeys: childName(name, 'signing-keys'),
    state: childName(name, 'state'),
    backup: childName(name, 'backup', CRON_JOB_LENGTH),
    config: (hash: string) => childName(name, `config-${hash}`),
    check: (hash: string) => childName(name, `check-${hash}`),
    migration: (hash: string) => childName(name, `migrate-${hash}`),
  };
}

/** The text as a label's value may hold it: an image's tag or digest as a version, say. */
export function labelValue(text: string): string {
  return text
    .replaceAll(/[^-A-Za-z0-9_.]/g, '_')
    .slice(0, LABEL_LENGTH)
    .replace(/^[^A-Za-z0-9]+/, '')
    .replace(/[^A-Za-z0-9]+$/, '');
}
