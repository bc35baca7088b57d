// `fraiseql-auth attack URL`: tries on one's own server what an attacker would, politely: some two hundred small requests
// one after another, no load, no guessing, nothing that another user would notice. Its parts:
//   target.ts   the server, spoken to byte by byte
//   trial.ts    what an attack is, and what became of it
//   login.ts, tokens.ts, requests.ts, slow.ts   the attacks
import {readFile} from 'node:fs/promises';
import {codeOf} from '../support/error-code.ts';
import {LEFT_OUT} from './left-out.ts';
import {callback, forgedHost, loginCsrf, openRedirect} from './login.ts';
import {
  crossOrigin,
  headerInjection,
  hostileBodies,
  identityHeaders,
  pathAliases,
  smuggling,
} from './requests.ts';
import {sessionRaces} from './session.ts';
import {SLOW, slowHeaders} from './slow.ts';
import {Target, isLoopback} from './target.ts';
import {forgedTokens, keyDisclosure} from './tokens.ts';
import {Trial, type Attack} from './trial.ts';

export interface AttackOptions {
  /** The caller says that the server is their own. */
  readonly yesThisIsMine?: boolean;
  /** Names of the attacks to run; default: all. */
  readonly only?: readonly string[];
  /** Seconds that a connection which never ends its headers may stay open. */
  readonly patience?: string;
  /** A file with the refresh token of a session of the caller's own, which the attack ends. */
  readonly refreshTokenFile?: string;
}

/**
 * Runs the attacks and prints what was tried, what held and what did not. The exit code: 0 where all held, 1 where
 * something did not, 2 where nothing could be tried.
 */
export async function attack(
  address: string,
  options: AttackOptions,
  print: (text: string) => void = (text) => void process.stdout.write(text),
): Promise<number> {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    print('attack: the address must be a URL such as https://auth.example.com\n');
    return 2;
  }
  if (!isLoopback(url.hostname) && options.yesThisIsMine !== true) {
    print(
      `attack: ${url.hostname} is not this machine. Attack only a server that is yours to attack: add --yes-this-is-mine\n`,
    );
    return 2;
  }
  const patience = Number(options.patience ?? 20);
  if (!(patience > 0 && patience <= 120)) {
    print('attack: --patience must be seconds from 1 to 120\n');
    return 2;
  }
  const {refreshTokenFile: file} = options;
  const found = file === undefined ? {token: undefined} : await firstLine(file);
  if ('problem' in found) {
    print(`attack: ${file} ${found.problem}: --refresh-token-file must name a file with a refresh token\n`);
    return 2;
  }
  const {token} = found;
  const all: Attack[] = [
    openRedirect,
    loginCsrf,
    forgedHost,
    forgedTokens,
    keyDisclosure,
    identityHeaders,
    smuggling,
    pathAliases,
    headerInjection,
    hostileBodies,
    crossOrigin,
    slowHeaders(patience * 1000),
    ...(token === undefined ? [] : [sessionRaces(token)]),
    callback,
  ];
  const unknown = (options.only ?? []).filter((name) => !all.some((each) => each.name === name));
  if (unknown.length > 0) {
    print(`attack: there is no ${unknown.join(', ')}; there are ${all.map(({name}) => name).join(', ')}\n`);
    return 2;
  }
  const target = new Target(url);
  const alive = await target.ask('/auth/providers');
  if (alive.status === 0) {
    print(`attack: ${url.origin} does not answer\n`);
    return 2;
  }
  const chosen = all.filter(({name}) => options.only === undefined || options.only.includes(name));
  const code = await report(target, chosen, print);
  if (options.only === undefined) tellLeftOut(token === undefined, print);
  return code;
}

/** The token in the file's first line, or what is wrong with the file. */
async function firstLine(file: string): Promise<{token: string} | {problem: string}> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return {problem: `cannot be read (${codeOf(error)})`};
  }
  const token = (text.split('\n')[0] ?? '').trim();
  return token === '' ? {problem: 'holds no token in its first line'} : {token};
}

function tellLeftOut(withoutSession: boolean, print: (text: string) => void): void {
  print('\nLeft out here; the tests of this program try them on servers of their own:\n');
  if (withoutSession)
    print(
      '  - many refreshes at once, and a logout among them: they need a session of yours, and end it; name a file with its refresh token by --refresh-token-file\n',
    );
  for (const {what, why} of LEFT_OUT) print(`  - ${what}: ${why}\n`);
}

async function report(
  target: Target,
  attacks: readonly Attack[],
  print: (text: string) => void,
): Promise<number> {
  let [tried, failed] = [0, 0];
  // The slow one waits for the most part: the others go on meanwhile.
  const slow = attacks.find(({name}) => name === SLOW);
  const slowTrial = new Trial();
  const waiting = slow?.run(target, slowTrial);
  for (const each of attacks) {
    const trial = each === slow ? slowTrial : new Trial();
    await (each === slow ? waiting : each.run(target, trial));
    tried += trial.tried;
    failed += trial.failures.length;
    const result = trial.failures.length > 0 ? 'FAILED' : trial.tried > 0 ? 'held  ' : 'not tried';
    print(`${result}  ${each.name.padEnd(17)} ${String(trial.tried).padStart(3)} tried  ${each.title}\n`);
    for (const failure of trial.failures) print(`          did not hold: ${failure}\n`);
    for (const note of trial.notes) print(`          note: ${note}\n`);
    if (trial.limited > 0)
      print(
        `          note: ${trial.limited} were turned away by a limit or for overload, and tell nothing\n`,
      );
  }
  print(
    `${tried} tried in ${target.asked} requests at ${target.url.origin}: ${failed === 0 ? 'all held' : `${failed} did not hold`}\n`,
  );
  return failed === 0 ? 0 : 1;
}
