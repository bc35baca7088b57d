import type {AttackOptions} from './attack/command.ts';
import type {EndOptions, ListOptions} from './server/sessions/command.ts';
import {Command} from 'commander';
import {VERSION} from './support/version.ts';

// One subcommand a line. Each loads only its own room: the auth server never pays for the Kubernetes client, nor a
// Job for the HTTP server.
const program = new Command('fraiseql-auth')
  .description('The FraiseQL authentication service: its server, its operator, and the jobs around them')
  .version(VERSION, '--version', 'print the version');

program
  .command('serve')
  .description('run the auth server')
  .option('--dev', 'for development on loopback: makes a signing key when none is given')
  .action(async (options: {dev?: boolean}) => exit((await import('./server/command.ts')).serve(options)));

program
  .command('check')
  .description(
    'try the auth server out with this environment, without serving anybody; 0 where it would serve',
  )
  .action(async () => exit((await import('./server/check/command.ts')).check()));

program
  .command('operator')
  .description('watch FraiseQLAuth resources and bring the cluster to what they say')
  .action(async () => exit((await import('./operator/command.ts')).operator()));

const db = program.command('db').description('the database: its schema and its checks');
db.command('migrate')
  .description('bring the schema up to this version; safe to run at any time and by several at once')
  .action(async () => exit((await import('./database/command.ts')).migrate()));
db.command('verify')
  .description('check that the database answers and holds the schema that this version needs')
  .option('--json', 'print the report as JSON')
  .action(async (options: {json?: boolean}) => exit((await import('./database/command.ts')).verify(options)));

const sessions = program.command('sessions').description('the sessions in the database of DATABASE_URL');
sessions
  .command('list')
  .description('list the sessions of a user that stand')
  .requiredOption('--user <subject>', "the user's subject at the provider, or id in the audit trail")
  .option('--issuer <url>', 'the provider whose subject it is, where several have it')
  .option('--json', 'print them as JSON')
  .action(async (options: ListOptions) => exit((await import('./server/sessions/command.ts')).list(options)));
sessions
  .command('end')
  .description('end sessions on every replica within a second; their audit entries go to standard output')
  .option('--session <id>', 'this one')
  .option('--user <subject>', 'all of this user: the subject at the provider, or id in the audit trail')
  .option('--issuer <url>', 'the provider whose subject it is, where several have it')
  .option('--all', 'those of everybody')
  .action(async (options: EndOptions) => exit((await import('./server/sessions/command.ts')).end(options)));

program
  .command('backup')
  .description('dump the database to BACKUP_DESTINATION, and remove backups past their time')
  .action(async () => exit((await import('./backup/command.ts')).backup()));
program
  .command('restore')
  .description('restore a backup into an empty database')
  .requiredOption('--from <backup>', 'the backup to restore: its name, or "latest"')
  .action(async (options: {from: string}) => exit((await import('./backup/command.ts')).restore(options)));

program
  .command('audit')
  .description('the audit trail')
  .command('verify [file]')
  .description('check that no audit entry in a log (or standard input) was changed, removed or moved')
  .action(async (file?: string) => exit((await import('./audit/command.ts')).verify(file)));
program
  .command('explain <request-id> [file]')
  .description('tell from a log (or standard input) why a request was refused')
  .action(async (id: string, file?: string) => exit((await import('./audit/command.ts')).explain(id, file)));

program
  .command('attack <url>')
  .description('try on your own server what an attacker would; exit code 1 when something does not hold')
  .option('--yes-this-is-mine', 'needed where the server is not on this machine')
  .option('--only <name...>', 'run these attacks only')
  .option('--patience <seconds>', 'how long a connection may send headers, or a body, that never end', '20')
  .option(
    '--refresh-token-file <file>',
    'a refresh token of a session of yours, which is raced and then ended',
  )
  .action(async (url: string, options: AttackOptions) =>
    exit((await import('./attack/command.ts')).attack(url, options)),
  );

program
  .command('version')
  .description('print the version')
  .action(() => {
    process.stdout.write(`${VERSION}\n`);
  });

async function exit(code: Promise<number>): Promise<void> {
  process.exitCode = (await code) || process.exitCode;
}

// A reader that has seen enough (`| head -1`) is no failure, and says nothing of what was asked. An answer that could not
// be given whole is one.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return;
  if (process.exitCode === undefined || process.exitCode === 0) process.exitCode = 1;
  process.stderr.write(`standard output cannot be written: ${error.message}\n`);
});
// Whoever does not listen there is not told that.
process.stderr.on('error', () => undefined);

await program.parseAsync();
